"""A picture of maps of learned features, beside each other."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from cluster.feature_map import FeatureMap
from cluster.view.style import INK, SERIES, WIDTH, colour_bar, drawable, panels_of, scale

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def feature_map_figure(maps: Sequence[FeatureMap], label: str) -> Figure:
    """A panel per map, each sample a dot in the colour of its label; `label` is what it is called."""
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
            colour, mine = SERIES[number % len(SERIES)], item.labels == number
            axes.scatter(x[mine], y[mine], s=14, color=colour, linewidths=0, label=drawable(name, 20))
    if dots is not None:
        colour_bar(figure, dots, panels, label)
    else:
        panels[-1].legend(loc="center left", bbox_to_anchor=(1, 0.5), frameon=False, fontsize=8, labelcolor=INK)
    return figure
