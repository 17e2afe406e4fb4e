"""What the networks of an estimator's model give becomes labels, probabilities, intervals and a score.

`outputs` are always those of `Predictor.predict_members`, [K, N, C] by task.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from haemsa.cluster.estimator.targets import label_array, missing_labels
from haemsa.model.predictor.calibration import Interval, spread_of
from haemsa.model.predictor.predictor import Predictor

Outputs = Mapping[str, NDArray[np.float32]]


def labels(outputs: Outputs, classes: Mapping[str, NDArray[Any]], model: Predictor) -> dict[str, NDArray[Any]]:
    """By task: values [N], the most likely of its classes [N], or 0 and 1 [N, C]."""
    found: dict[str, NDArray[Any]] = {}
    for name, task in model.tasks.items():
        mean = model.prediction(name, outputs[name])
        if task.kind == "regression":
            found[name] = mean[:, 0]
        else:
            found[name] = classes[name][mean.argmax(1)] if task.kind == "classes" else (mean > 0.5).astype(np.int64)
    return found


def probabilities(outputs: Outputs, model: Predictor) -> dict[str, NDArray[np.float64]]:
    """By task that has classes: the probability of each, [N, C]. Those of exclusive classes sum to 1."""
    found = {}
    for name, task in model.tasks.items():
        if task.kind != "regression":
            mean = model.prediction(name, outputs[name]).astype(np.float64)
            found[name] = mean / mean.sum(1, keepdims=True) if task.kind == "classes" else mean
    return found


def intervals(outputs: Outputs, model: Predictor) -> dict[str, NDArray[np.float32]]:
    """By task of regression: the lower and upper ends, [N, 2]. Raises ValueError if the model has none."""
    found = {}
    for name, task in model.tasks.items():
        if task.kind == "regression":
            interval = model.calibration.get(name)
            if not isinstance(interval, Interval):
                raise ValueError(f"the model has no intervals: {model.info.get('calibration', 'not calibrated')}")
            center, spread = model.prediction(name, outputs[name])[:, 0], spread_of(outputs[name])[:, 0]
            found[name] = np.stack(interval.around(center, spread, task.bounds), axis=1)
    return found


def score(found: Mapping[str, NDArray[Any]], y: Mapping[str, Any], model: Predictor, sample_weight: Any) -> float:
    """The mean over tasks of R2 (regression) or of the share of right samples, where there is a label.

    Raises:
        ValueError: A task lacks labels.
    """
    from sklearn.metrics import accuracy_score, r2_score

    each = []
    for name, predicted in found.items():
        if name not in y:
            raise ValueError(f"y has no task {name!r}, expected {', '.join(found)}")
        truth = label_array(y[name], name)
        truth = truth[:, 0] if truth.ndim > predicted.ndim else truth
        if truth.shape != predicted.shape:
            raise ValueError(f"y has shape {list(truth.shape)} for {len(predicted)} samples of X")
        lacks = missing_labels(truth)
        known = ~(lacks.any(axis=1) if lacks.ndim == 2 else lacks)
        weights = None if sample_weight is None else np.asarray(sample_weight)[known]
        metric = r2_score if model.tasks[name].kind == "regression" else accuracy_score
        right = truth[known] if truth.dtype.kind != "O" else np.array(truth[known].tolist())
        each.append(float(metric(right, predicted[known], sample_weight=weights)))
    return float(np.mean(each))
