"""A map of what a network learned: t-SNE (van der Maaten and Hinton, JMLR 2008) of what its last layer reads."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from haemsa.cluster.report.best_model.held_out import ObservedModel

MOST: Final = 500
"""A map shows at most so many samples ..."""
LEAST: Final = 10
"""... and there is no map of fewer."""
_PERPLEXITY: Final = 30
_STEPS: Final = 500


@dataclass(frozen=True)
class FeatureMap:
    """Places [n, 2] of samples, their ids, and their labels [n]: numbers, or indices of `names`."""

    title: str
    places: NDArray[np.float32]
    ids: tuple[str, ...]
    labels: NDArray[Any]
    names: tuple[str, ...]


def feature_map(observed: ObservedModel, task: str, title: str, seed: int = 0) -> FeatureMap | None:
    """The map of one network, on labelled samples that it held out. None if there are too few.

    Only one network is shown, because networks of different folds have different features.
    """
    from sklearn.manifold import TSNE

    labels = observed.held.data.tasks[task]
    if labels.kind == "multilabel":
        return None
    samples = observed.held.of_member(0)
    samples = samples[labels.labelled[samples]]
    if len(samples) > MOST:
        samples = np.sort(np.random.default_rng(seed).choice(samples, MOST, replace=False))
    features = observed.insight.features[task][0, samples]
    if len(samples) < LEAST or not np.ptp(features, axis=0).any():
        return None
    perplexity = min(_PERPLEXITY, (len(samples) - 1) / 3)
    places = TSNE(perplexity=perplexity, init="pca", max_iter=_STEPS, random_state=seed).fit_transform(features)
    ids = tuple(observed.held.data.ids[number] for number in samples)
    return FeatureMap(title, places, ids, labels.targets[samples], labels.labels)
