"""What a model answers about samples: the columns of a table. `haemsa predict` and a served model give the same.

Axes: `K` members, `N` samples, `C` outputs.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from haemsa.model.predictor.calibration import Interval, spread_of

if TYPE_CHECKING:
    from haemsa.model.predictor.predictor import Predictor


def answer(predictor: Predictor, task: str, outputs: NDArray[Any]) -> dict[str, NDArray[Any]]:
    """The columns [N] of one task.

    Args:
        predictor: The model.
        task: The task.
        outputs: The predictions of its members, [K, N, C], as `Predictor.predict_members` gives them.

    Returns:
        Regression: `task`, and `task_low` and `task_high` if the model is calibrated. Classes: `task`, the most likely
        class, and `task/LABEL`, its probability. Multilabel: `task/LABEL`.
    """
    info, values, calibration = (
        predictor.tasks[task],
        predictor.prediction(task, outputs),
        predictor.calibration.get(task),
    )
    if info.kind == "regression":
        value = values[:, 0]
        if not isinstance(calibration, Interval):
            return {task: value}
        low, high = calibration.around(value, spread_of(outputs)[:, 0], info.bounds)
        return {task: value, f"{task}_low": low, f"{task}_high": high}
    shares = {f"{task}/{label}": values[:, at] for at, label in enumerate(info.labels)}
    return {task: np.array(info.labels)[values.argmax(1)], **shares} if info.kind == "classes" else shares
