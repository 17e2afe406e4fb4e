"""A model's predictions as a table, and as a CSV file."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from haemsa.cluster.shared.files import replacing
from haemsa.model.data.dataset import Dataset

if TYPE_CHECKING:
    import pandas as pd

    from haemsa.model.predictor.predictor import Predictor


def predictions(predictor: Predictor, dataset: Dataset) -> pd.DataFrame:
    """One row per sample: id, split, and per task the mean prediction, its spread over members, and each member's.

    Regression `task`, `task_std`, `task_0`, ..., and of a calibrated model `task_low` and `task_high`, between which
    90 % of labels lie; classes `task` (the likeliest), `task/LABEL` (mean probability, calibrated), `task_0`, ...;
    multilabel `task/LABEL` and `task/LABEL_0`, ...
    """
    import pandas as pd

    columns: dict[str, Any] = {"id": list(dataset.ids), "split": _split_names(dataset)}
    for name, values in predictor.predict_members(predictor.inputs(dataset)).items():
        columns |= _columns(predictor, name, values)
    return pd.DataFrame(columns)


def write_predictions(frame: pd.DataFrame, out: Path) -> None:
    """Write the table as CSV at once."""
    out.parent.mkdir(parents=True, exist_ok=True)
    with replacing(out) as temporary:
        frame.to_csv(temporary, index=False)


def _columns(predictor: Predictor, name: str, values: Any) -> dict[str, Any]:
    """Columns of one task from every member's predictions [K, N, C]."""
    from haemsa.model.predictor.calibration import Interval, spread_of

    task, mean, interval = predictor.tasks[name], predictor.mean(values), predictor.calibration.get(name)
    if task.kind == "regression":
        each = {f"{name}_{k}": member[:, 0] for k, member in enumerate(values)}
        center, spread = mean[:, 0], spread_of(values)[:, 0]
        found = {name: center, f"{name}_std": spread}
        if isinstance(interval, Interval):
            found |= zip((f"{name}_low", f"{name}_high"), interval.around(center, spread, task.bounds), strict=True)
        return found | each
    mean = predictor.calibrated(name, mean)
    labels = np.array(task.labels)
    shares = {f"{name}/{label}": mean[:, c] for c, label in enumerate(labels)}
    if task.kind == "classes":
        each = {f"{name}_{k}": labels[member.argmax(1)] for k, member in enumerate(values)}
        return {name: labels[mean.argmax(1)], **shares, **each}
    return shares | {
        f"{name}/{label}_{k}": member[:, c] for k, member in enumerate(values) for c, label in enumerate(labels)
    }


def _split_names(dataset: Dataset) -> list[str]:
    names = np.full(len(dataset), "", dtype=object)
    for split, indices in dataset.splits.items():
        names[indices] = split
    return [str(name) for name in names]
