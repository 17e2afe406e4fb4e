"""What people would use without a search, on the same features and splits."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from model.data.dataset import Dataset
from model.data.normalisation import Normalisation
from model.metrics import class_metrics


def logistic_regression(dataset: Dataset, task: str) -> dict[str, float]:
    """Test metrics of a logistic regression on all modalities, averaged over time, trained on the training split.

    Its regularisation is chosen on the validation split. Raises ValueError unless `task` has classes.
    """
    from sklearn.linear_model import LogisticRegression

    found = dataset.tasks[task]
    if found.kind != "classes":
        raise ValueError(f"task {task!r} is {found.kind}, expected classes")
    x, y = _mean_features(Normalisation.fit(dataset).apply(dataset)), found.targets
    parts = {name: indices[y[indices] >= 0] for name, indices in dataset.splits.items()}
    train, valid, test = parts["train"], parts["valid"], parts["test"]
    models = [LogisticRegression(C=c, max_iter=2000).fit(x[train], y[train]) for c in (0.001, 0.01, 0.1, 1.0, 10.0)]
    best = max(models, key=lambda model: float((model.predict(x[valid]) == y[valid]).mean()))
    return class_metrics(y[test], best.predict(x[test]), found.outputs)


def _mean_features(dataset: Dataset) -> NDArray[np.float32]:
    """All modalities side by side, averaged over their steps [N, D]."""
    return np.concatenate([item.moments[0] for item in dataset.modalities.values()], 1)
