"""The predictions of a model as a table, and as a CSV file."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from haemsa.cluster.shared.files import replacing
from haemsa.model.bounds import within
from haemsa.model.data.dataset import Dataset

if TYPE_CHECKING:
    import pandas as pd

    from haemsa.model.predictor.predictor import Predictor


def predictions(predictor: Predictor, dataset: Dataset) -> pd.DataFrame:
    """Predict samples.

    Args:
        predictor: the model, as `load_model` gives it.
        dataset: the samples, as `load_for` gives them, or a part of them.

    Returns:
        A table with a row for each sample. Its first columns are `id` and `split`. Each task adds these columns:
        regression: `task` (mean over the networks), `task_std` (their spread), `task_0`, `task_1` ... (each network); a
        calibrated model also gives `task_low` and `task_high`, and 90 % of the labels lie between them. All values lie
        within the bounds of the labels; only the spread is that of the networks' outputs before.
        classes: `task` (the most likely class), `task/LABEL` (probability, calibrated if the model is), `task_0` ...
        multilabel: `task/LABEL` (probability) and `task/LABEL_0` ...

    Example:
        >>> model = load_model("models/planted")  # doctest: +SKIP
        >>> frame = predictions(model, load_for(model, "planted").part("test"))  # doctest: +SKIP
    """
    import pandas as pd

    columns: dict[str, Any] = {"id": list(dataset.ids), "split": _split_names(dataset)}
    for name, values in predictor.predict_members(predictor.inputs(dataset)).items():
        columns |= _columns(predictor, name, values)
    return pd.DataFrame(columns)


def write_predictions(frame: pd.DataFrame, out: Path) -> None:
    """Write a table of predictions as CSV. The file is never half written.

    Args:
        frame: the table, as `predictions` gives it.
        out: the file. Its folder is made.

    Example:
        >>> write_predictions(predictions(model, data), Path("predictions.csv"))  # doctest: +SKIP
    """
    out.parent.mkdir(parents=True, exist_ok=True)
    with replacing(out) as temporary:
        frame.to_csv(temporary, index=False)


def _columns(predictor: Predictor, name: str, values: Any) -> dict[str, Any]:
    """The columns of one task, from the predictions of all networks [K, N, C]."""
    from haemsa.model.predictor.answers import answer
    from haemsa.model.predictor.calibration import spread_of

    task, columns = predictor.tasks[name], answer(predictor, name, values)
    if task.kind == "regression":
        each = {f"{name}_{k}": within(member[:, 0], task.bounds) for k, member in enumerate(values)}
        return {name: columns.pop(name), f"{name}_std": spread_of(values)[:, 0], **columns, **each}
    labels = np.array(task.labels)
    if task.kind == "classes":
        return columns | {f"{name}_{k}": labels[member.argmax(1)] for k, member in enumerate(values)}
    return columns | {
        f"{name}/{label}_{k}": member[:, c] for k, member in enumerate(values) for c, label in enumerate(labels)
    }


def _split_names(dataset: Dataset) -> list[str]:
    names = np.full(len(dataset), "", dtype=object)
    for split, indices in dataset.splits.items():
        names[indices] = split
    return [str(name) for name in names]
