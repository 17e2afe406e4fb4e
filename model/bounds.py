"""The one rule for predicted values: they lie within the bounds of their task.

A prediction is the mean of the networks' outputs, clipped to the bounds. Metrics, `Predictor.predict`, tables of
predictions, intervals and ensembles all keep this rule. Training does not clip: a clipped output has no gradient.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Bounds = tuple[float, float] | None
"""The range of a task's labels; None if it is not known."""


def within(values: NDArray[Any], bounds: Bounds) -> NDArray[Any]:
    """The values, clipped to the bounds if there are any. Their type stays.

    Example:
        >>> within(np.array([-4.7, 0.5, 3.2]), (-3.0, 3.0)).tolist()
        [-3.0, 0.5, 3.0]
    """
    return values if bounds is None else np.clip(values, *bounds)
