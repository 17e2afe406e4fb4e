"""What people use without a search: ridge, support vectors and boosting of scikit-learn, and a network like MISA.

They read features over time. Each is drawn at random from its usual settings, and so tuned by as many trials as one
likes. Axes: `N` samples, `D` features, `C` outputs.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal

import numpy as np
from numpy.typing import NDArray

from haemsa.model.data.dataset import Dataset, Task
from haemsa.model.metrics import task_metrics

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
"""Settings and their ranges, drawn evenly in their logarithm; gamma is over the number of features.

Where there are classes, half of the linear models and support vectors weigh them by how rare they are (`balanced`).
"""
SEEDED: Final[tuple[Kind, ...]] = ("misa",)
"""Models that another seed makes other ones."""
Floats = NDArray[np.float32]


@dataclass(frozen=True)
class Classical:
    """A model with its settings, and the modalities that it reads side by side."""

    kind: Kind
    modalities: tuple[str, ...]
    settings: Mapping[str, float]


def kinds(task: Task, modalities: Sequence[str]) -> tuple[Kind, ...]:
    """The models that fit a task; the network, which tells modalities apart, where there are several."""
    plain: tuple[Kind, ...] = ("ridge", "svr") if task.kind == "regression" else ("logistic", "svc")
    return (*plain, "boosting", "misa") if len(modalities) > 1 else (*plain, "boosting")


def draw(kind: Kind, modalities: Sequence[str], rng: np.random.Generator) -> Classical:
    """A model with random settings, on all modalities or on a random choice of them (MISA: two at least)."""
    used = [name for name in modalities if rng.random() < 0.5] if rng.random() < 0.6 else list(modalities)
    settings = {name: float(np.exp(rng.uniform(*np.log(ends)))) for name, ends in RANGES[kind].items()}
    if kind in ("logistic", "svc"):
        settings["balanced"] = float(rng.random() < 0.5)
    if kind == "misa" and len(used) < 2:
        used = list(modalities)
    return Classical(kind, tuple(used) or (modalities[int(rng.integers(len(modalities)))],), settings)


def tuned_logistic(dataset: Dataset, task: str) -> dict[str, float]:
    """Test metrics of a logistic regression on all modalities, trained on the training split of normalised data.

    Its regularisation is chosen on the validation split. Raises ValueError unless `task` has classes.
    """
    found, features = dataset.tasks[task], summaries(dataset)
    if found.kind != "classes":
        raise ValueError(f"task {task!r} is {found.kind}, expected classes")
    models = [Classical("logistic", tuple(features), {"C": c}) for c in (0.001, 0.01, 0.1, 1.0, 10.0)]
    answers = [outputs(model, features, found, dataset.split("train")) for model in models]

    def metrics(given: Floats, split: str) -> dict[str, float]:
        places = dataset.split(split)
        return task_metrics(found, found.targets[places], given[places])

    return metrics(max(answers, key=lambda given: metrics(given, "valid")["accuracy"]), "test")


def summaries(dataset: Dataset) -> dict[str, Floats]:
    """Each modality's mean over time [N, D], and beside it the deviation where it has time steps [N, 2 D]."""
    found = {}
    for name, modality in dataset.modalities.items():
        mean, square = modality.moments
        deviation = np.sqrt(np.maximum(square - mean**2, 0))
        deviation[~modality.presence] = deviation[modality.presence].mean(axis=0) if modality.presence.any() else 0
        found[name] = mean if modality.steps == 1 else np.concatenate([mean, deviation], axis=1)
    return found


def outputs(
    model: Classical, features: Mapping[str, Floats], task: Task, trained: NDArray[np.int64], seed: int = 0
) -> Floats:
    """What a model that is trained on the samples `trained` answers for all: values or scores, float32 [N, C].

    Regression: values; classes: a score each; multilabel: scores, above 0 where a label is given.
    """
    known = trained[task.labelled[trained]]
    parts = [_standardised(features[name], known) for name in model.modalities]
    if model.kind == "misa":
        from haemsa.model.baselines.misa_network import misa_outputs

        return misa_outputs(parts, task, known, model.settings, seed)
    x = np.concatenate(parts, axis=1)
    if task.kind == "regression":
        y = task.targets[known]
        centre, scale = float(y.mean()), max(float(y.std()), 1e-6)
        found = _estimator(model, task, x.shape[1], seed).fit(x[known], (y - centre) / scale).predict(x)
        return np.asarray(found * scale + centre, dtype=np.float32).reshape(-1, 1)
    if task.kind == "classes":
        return _scores(model, task, x, task.targets[known], known, seed)
    columns = [_binary(model, task, x, task.targets[:, column], known, seed) for column in range(task.outputs)]
    return np.stack(columns, axis=1)


def _standardised(x: Floats, known: NDArray[np.int64]) -> Floats:
    mean, deviation = x[known].mean(axis=0), x[known].std(axis=0)
    return np.asarray((x - mean) / np.where(deviation > 1e-4, deviation, np.inf), dtype=np.float32)


def _binary(model: Classical, task: Task, x: Floats, labels: Floats, known: NDArray[np.int64], seed: int) -> Floats:
    """Scores [N] of one label of several, above 0 where it is given."""
    given = known[~np.isnan(labels[known])]
    if len(np.unique(labels[given])) < 2:
        return np.full(len(x), 1.0 if len(given) and labels[given][0] > 0 else -1.0, dtype=np.float32)
    fitted = _estimator(model, task, x.shape[1], seed).fit(x[given], labels[given] > 0)
    return np.asarray(fitted.decision_function(x), dtype=np.float32)


def _scores(
    model: Classical, task: Task, x: Floats, labels: NDArray[np.int64], known: NDArray[np.int64], seed: int
) -> Floats:
    """A score per class [N, C]; the lowest for classes that training lacks."""
    if len(np.unique(labels)) < 2:
        return np.tile(np.eye(task.outputs, dtype=np.float32)[labels[0]], (len(x), 1))
    fitted = _estimator(model, task, x.shape[1], seed).fit(x[known], labels)
    found = np.asarray(fitted.decision_function(x), dtype=np.float32)
    found = np.stack([-found, found], axis=1) if found.ndim == 1 else found
    scores = np.full((len(x), task.outputs), found.min() - 1, dtype=np.float32)
    scores[:, fitted.classes_] = found
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
