"""A map of what a network learned: t-SNE (van der Maaten and Hinton, JMLR 2008) of what its last layer reads."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from cluster.held_out import Seen

MOST: Final = 1000
LEAST: Final = 10
_PERPLEXITY: Final = 30


@dataclass(frozen=True)
class FeatureMap:
    """Places [n, 2] of samples, and their labels [n] (numbers, or places in `names`)."""

    title: str
    places: NDArray[np.float32]
    labels: NDArray[Any]
    names: tuple[str, ...]


def feature_map(seen: Seen, task: str, title: str, seed: int = 0) -> FeatureMap | None:
    """Of one network, on labelled samples that it held out, at most `MOST`; None if there are fewer than `LEAST`.

    Networks of other folds have features of their own, which no map can show together.
    """
    from sklearn.manifold import TSNE

    known = seen.held.data.tasks[task]
    if known.kind == "multilabel":
        return None
    samples = seen.held.of_member(0)
    samples = samples[known.labelled[samples]]
    if len(samples) > MOST:
        samples = np.sort(np.random.default_rng(seed).choice(samples, MOST, replace=False))
    features = seen.insight.features[task][0, samples]
    if len(samples) < LEAST or not np.ptp(features, axis=0).any():
        return None
    perplexity = min(_PERPLEXITY, (len(samples) - 1) / 3)
    places = TSNE(perplexity=perplexity, init="pca", random_state=seed).fit_transform(features)
    return FeatureMap(title, places, known.targets[samples], known.labels)
