"""A map of what a network learned: t-SNE (van der Maaten and Hinton, JMLR 2008) of what its last layer reads."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray

from haemsa.cluster.report.best_model.held_out import ObservedModel
from haemsa.cluster.report.figures.style import INK, SERIES, WIDTH, colour_bar, drawable, panels_of, scale

if TYPE_CHECKING:
    from matplotlib.figure import Figure

MOST: Final = 1000
"""A map shows at most so many samples ..."""
LEAST: Final = 10
"""... and there is no map of fewer."""
_PERPLEXITY: Final = 30


@dataclass(frozen=True)
class FeatureMap:
    """Places [n, 2] of samples and their labels [n]: numbers, or indices of `names`."""

    title: str
    places: NDArray[np.float32]
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
    places = TSNE(perplexity=perplexity, init="pca", random_state=seed).fit_transform(features)
    return FeatureMap(title, places, labels.targets[samples], labels.labels)


def feature_map_figure(maps: Sequence[FeatureMap], label: str) -> Figure:
    """A panel per map. Each sample is a dot in the colour of its label. `label`: the name of the task."""
    figure, panels = panels_of([item.title for item in maps], 2, 3.6)
    if len(maps) == 1:
        figure.set_size_inches(WIDTH * 0.62, 4.1)
    dots = None
    low, high = min(item.labels.min() for item in maps), max(item.labels.max() for item in maps)
    for axes, item in zip(panels, maps, strict=True):
        axes.set(xticks=[], yticks=[])
        x, y = item.places.T
        axes.spines[:].set_visible(False)
        if not item.names:
            dots = axes.scatter(x, y, s=14, c=item.labels, cmap=scale(), vmin=low, vmax=high, linewidths=0)
            continue
        for number, name in enumerate(item.names):
            colour, members = SERIES[number % len(SERIES)], item.labels == number
            axes.scatter(x[members], y[members], s=14, color=colour, linewidths=0, label=drawable(name, 20))
    if dots is not None:
        colour_bar(figure, dots, panels, label)
    else:
        panels[-1].legend(loc="center left", bbox_to_anchor=(1, 0.5), frameon=False, fontsize=8, labelcolor=INK)
    return figure
