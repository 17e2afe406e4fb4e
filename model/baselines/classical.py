"""Models that people use without a search: ridge, support vectors and boosting of scikit-learn, a network like MISA.

They read the mean and the deviation of features over time. To tune a model, its settings are drawn at random from their
usual ranges, as often as one likes. Axes: `N` samples, `D` features, `C` outputs.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal

import numpy as np
from numpy.typing import NDArray

from haemsa.model.data.dataset import Dataset, Task

Kind = Literal["ridge", "svr", "logistic", "svc", "boosting", "misa"]
RANGES: Final[dict[Kind, dict[str, tuple[float, float]]]] = {
    "ridge": {"alpha": (1.0, 3e4)},
    "svr": {"C": (0.03, 30.0), "gamma": (0.01, 10.0), "epsilon": (0.02, 0.6)},
    "logistic": {"C": (1e-4, 10.0)},
    "svc": {"C": (0.1, 100.0), "gamma": (0.01, 10.0)},
    "boosting": {"learning_rate": (0.02, 0.3), "max_iter": (30.0, 300.0), "max_leaf_nodes": (4.0, 32.0)},
    "misa": {
        "width": (16.0, 64.0), "epochs": (8.0, 32.0), "learning_rate": (3e-4, 1e-2), "weight_decay": (1e-4, 0.3),
        "dropout": (0.05, 0.6), "similarity": (0.1, 1.0), "difference": (0.1, 1.0), "reconstruction": (0.1, 1.0),
    },
}  # fmt: skip
"""Settings and their ranges. They are drawn evenly in their logarithm; gamma is divided by the number of features.

For classes, half of the linear models and support vectors give rare classes more weight (`balanced`).
"""
SEEDED: Final[tuple[Kind, ...]] = ("misa",)
"""Models that depend on a seed."""
Floats = NDArray[np.float32]


@dataclass(frozen=True)
class Classical:
    """A model, not trained yet.

    Attributes:
        kind: Which model it is.
        modalities: What it reads, joined into one vector (except by MISA).
        settings: The settings of `RANGES`, and `balanced` (0 or 1) for models of classes.
    """

    kind: Kind
    modalities: tuple[str, ...]
    settings: Mapping[str, float]


def kinds(task: Task, modalities: Sequence[str]) -> tuple[Kind, ...]:
    """The kinds of models for a task. The network, which needs several modalities, is one only if there are several."""
    plain: tuple[Kind, ...] = ("ridge", "svr") if task.kind == "regression" else ("logistic", "svc")
    return (*plain, "boosting", "misa") if len(modalities) > 1 else (*plain, "boosting")


def draw(kind: Kind, modalities: Sequence[str], rng: np.random.Generator) -> Classical:
    """A model with random settings, on all modalities or on a random choice of them (MISA: at least two).

    Example:
        >>> draw("ridge", ["text"], np.random.default_rng(0)).modalities
        ('text',)
    """
    used = [name for name in modalities if rng.random() < 0.5] if rng.random() < 0.6 else list(modalities)
    settings = {name: float(np.exp(rng.uniform(*np.log(ends)))) for name, ends in RANGES[kind].items()}
    if kind in ("logistic", "svc"):
        settings["balanced"] = float(rng.random() < 0.5)
    if kind == "misa" and len(used) < 2:
        used = list(modalities)
    return Classical(kind, tuple(used) or (modalities[int(rng.integers(len(modalities)))],), settings)


def summaries(dataset: Dataset) -> dict[str, Floats]:
    """Each modality's mean over time, [N, D]; if it has time steps, with its deviation, [N, 2 D]."""
    features = {}
    for name, modality in dataset.modalities.items():
        mean, square = modality.moments
        deviation = np.sqrt(np.maximum(square - mean**2, 0))
        deviation[~modality.presence] = deviation[modality.presence].mean(axis=0) if modality.presence.any() else 0
        features[name] = mean if modality.steps == 1 else np.concatenate([mean, deviation], axis=1)
    return features


def outputs(
    model: Classical, features: Mapping[str, Floats], task: Task, trained: NDArray[np.int64], seed: int = 0
) -> Floats:
    """Train a model on some samples, and predict all.

    Args:
        model: The model.
        features: What `summaries` gives for all N samples.
        task: The task.
        trained: The samples that it is trained on. Those without a label are left out.
        seed: For models of `SEEDED`, and boosting.

    Returns:
        float32 [N, C]. Regression: values. Classes: a score for each. Multilabel: scores, above 0 where a label is
        predicted.
    """
    if model.kind == "misa":
        (found,) = outputs_of_each(model, features, task, [(trained, seed)])
        return np.asarray(found)
    labelled = trained[task.labelled[trained]]
    x = np.concatenate([_standardised(features[name], labelled) for name in model.modalities], axis=1)
    if task.kind == "regression":
        y = task.targets[labelled].astype(np.float64)
        centre, scale = float(y.mean()), float(y.std()) or 1.0
        values = _estimator(model, task, x.shape[1], seed).fit(x[labelled], (y - centre) / scale).predict(x)
        return np.asarray(values * scale + centre, dtype=np.float32).reshape(-1, 1)
    if task.kind == "classes":
        return _scores(model, task, x, task.targets[labelled], labelled, seed)
    columns = [_binary(model, task, x, task.targets[:, column], labelled, seed) for column in range(task.outputs)]
    return np.stack(columns, axis=1)


def outputs_of_each(
    model: Classical, features: Mapping[str, Floats], task: Task, trainings: Sequence[tuple[NDArray[np.int64], int]]
) -> Floats:
    """As `outputs`, for each training, by its samples and its seed: [K, N, C]. Networks are trained together."""
    if model.kind != "misa":
        return np.stack([outputs(model, features, task, trained, seed) for trained, seed in trainings])
    from haemsa.model.baselines.misa import Training, misa_outputs

    used, each = [features[name] for name in model.modalities], []
    for trained, seed in trainings:
        labelled = trained[task.labelled[trained]]
        each.append(Training(labelled, [_scale(x, labelled) for x in used], seed))
    return misa_outputs(used, task, each, model.settings)


def _standardised(x: Floats, labelled: NDArray[np.int64]) -> Floats:
    mean, deviation = _scale(x, labelled)
    return np.asarray((x - mean) / deviation, dtype=np.float32)


def _scale(x: Floats, labelled: NDArray[np.int64]) -> tuple[Floats, Floats]:
    """The mean and the deviation of each column. A column that is constant becomes 0."""
    mean, deviation = x[labelled].mean(axis=0), x[labelled].std(axis=0)
    return mean, np.where(deviation > 1e-4, deviation, np.inf).astype(np.float32)


def _binary(model: Classical, task: Task, x: Floats, labels: Floats, trained: NDArray[np.int64], seed: int) -> Floats:
    """Scores [N] of one label of a multilabel task, above 0 where it is predicted."""
    labelled = trained[~np.isnan(labels[trained])]
    if len(np.unique(labels[labelled])) < 2:
        return np.full(len(x), 1.0 if len(labelled) and labels[labelled][0] > 0 else -1.0, dtype=np.float32)
    fitted = _estimator(model, task, x.shape[1], seed).fit(x[labelled], labels[labelled] > 0)
    return np.asarray(fitted.decision_function(x), dtype=np.float32)


def _scores(
    model: Classical, task: Task, x: Floats, labels: NDArray[np.int64], labelled: NDArray[np.int64], seed: int
) -> Floats:
    """A score for each class, [N, C]. Classes that training lacks have the lowest."""
    if len(np.unique(labels)) < 2:
        return np.tile(np.eye(task.outputs, dtype=np.float32)[labels[0]], (len(x), 1))
    fitted = _estimator(model, task, x.shape[1], seed).fit(x[labelled], labels)
    of_trained = np.asarray(fitted.decision_function(x), dtype=np.float32)
    of_trained = np.stack([-of_trained, of_trained], axis=1) if of_trained.ndim == 1 else of_trained
    scores = np.full((len(x), task.outputs), of_trained.min() - 1, dtype=np.float32)
    scores[:, fitted.classes_] = of_trained
    return scores


def _estimator(model: Classical, task: Task, width: int, seed: int) -> Any:
    from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor
    from sklearn.linear_model import LogisticRegression, Ridge
    from sklearn.svm import SVC, SVR

    settings: dict[str, Any] = dict(model.settings)
    if "gamma" in settings:
        settings["gamma"] /= width
    if model.kind == "boosting":
        whole = {name: round(settings[name]) for name in ("max_iter", "max_leaf_nodes")}
        make = HistGradientBoostingRegressor if task.kind == "regression" else HistGradientBoostingClassifier
        return make(**{**settings, **whole}, random_state=seed, early_stopping=False)
    weight = "balanced" if settings.pop("balanced", 0) else None
    if model.kind == "logistic":
        return LogisticRegression(**settings, max_iter=2000, class_weight=weight)
    if model.kind == "svc":
        return SVC(**settings, class_weight=weight)
    return Ridge(**settings) if model.kind == "ridge" else SVR(**settings)
