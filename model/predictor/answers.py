"""What a model answers about samples: the columns of a table. `haemsa predict` and a served model give the same.

Axes: `K` members, `N` samples, `C` outputs.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from haemsa.model.bounds import within
from haemsa.model.data.samples import Samples
from haemsa.model.predictor.calibration import Interval, spread_of

if TYPE_CHECKING:
    import pandas as pd

    from haemsa.model.predictor.networks import SavedNetworks


def answer(model: SavedNetworks, task: str, outputs: NDArray[Any]) -> dict[str, NDArray[Any]]:
    """The columns [N] of one task.

    Args:
        model: The model.
        task: The task.
        outputs: The predictions of its members, [K, N, C], as `Predictor.predict_members` gives them.

    Returns:
        Regression: `task`, and `task_low` and `task_high` if the model is calibrated. Classes: `task`, the most likely
        class, and `task/LABEL`, its probability. Multilabel: `task/LABEL`.
    """
    info, values, calibration = (
        model.tasks[task],
        model.prediction(task, outputs),
        model.calibration.get(task),
    )
    if info.kind == "regression":
        value = values[:, 0]
        if not isinstance(calibration, Interval):
            return {task: value}
        low, high = calibration.around(value, spread_of(outputs)[:, 0], info.bounds)
        return {task: value, f"{task}_low": low, f"{task}_high": high}
    shares = {f"{task}/{label}": values[:, at] for at, label in enumerate(info.labels)}
    return {task: np.array(info.labels)[values.argmax(1)], **shares} if info.kind == "classes" else shares


def prediction_table(model: SavedNetworks, samples: Samples, outputs: Mapping[str, NDArray[Any]]) -> pd.DataFrame:
    """What is written of predictions.

    Args:
        model: The model.
        samples: What was predicted.
        outputs: The predictions of its members, as `Predictor.predict_members` gives them.

    Returns:
        A table with a row for each sample. Its first columns are `id`, and `split` if the data has splits. Each task
        adds these columns:
        regression: `task` (mean over the networks), `task_std` (their spread), `task_0`, `task_1` ... (each network); a
        calibrated model also gives `task_low` and `task_high`, and 90 % of the labels lie between them. All values lie
        within the bounds of the labels; only the spread is that of the networks' outputs before.
        classes: `task` (the most likely class), `task/LABEL` (probability, calibrated if the model is), `task_0` ...
        multilabel: `task/LABEL` (probability) and `task/LABEL_0` ...
    """
    import pandas as pd

    columns: dict[str, Any] = {"id": list(samples.ids)}
    if samples.split_of is not None:
        columns["split"] = list(samples.split_of)
    for name, values in outputs.items():
        columns |= _columns(model, name, values)
    return pd.DataFrame(columns)


def _columns(model: SavedNetworks, name: str, values: NDArray[Any]) -> dict[str, Any]:
    """The columns of one task, from the predictions of all networks [K, N, C]."""
    task, columns = model.tasks[name], answer(model, name, values)
    if task.kind == "regression":
        each = {f"{name}_{k}": within(member[:, 0], task.bounds) for k, member in enumerate(values)}
        return {name: columns.pop(name), f"{name}_std": spread_of(values)[:, 0], **columns, **each}
    labels = np.array(task.labels)
    if task.kind == "classes":
        return columns | {f"{name}_{k}": labels[member.argmax(1)] for k, member in enumerate(values)}
    return columns | {
        f"{name}/{label}_{k}": member[:, c] for k, member in enumerate(values) for c, label in enumerate(labels)
    }
