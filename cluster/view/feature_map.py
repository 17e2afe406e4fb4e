"""A picture of maps of learned features, beside each other."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from cluster.feature_map import FeatureMap
from cluster.view.style import INK, SERIES, drawable, panels_of

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def feature_map_figure(maps: Sequence[FeatureMap], label: str) -> Figure:
    """A panel per map, each sample a dot in the colour of its label; `label` is what it is called."""
    figure, panels = panels_of([item.title for item in maps], 2, 3.6)
    dots = None
    low, high = min(item.labels.min() for item in maps), max(item.labels.max() for item in maps)
    for axes, item in zip(panels, maps, strict=True):
        axes.set(xticks=[], yticks=[])
        x, y = item.places.T
        axes.spines[:].set_visible(False)
        if not item.names:
            dots = axes.scatter(x, y, s=14, c=item.labels, cmap="Spectral_r", vmin=low, vmax=high, linewidths=0)
            continue
        for number, name in enumerate(item.names):
            colour, mine = SERIES[number % len(SERIES)], item.labels == number
            axes.scatter(x[mine], y[mine], s=14, color=colour, linewidths=0, label=drawable(name, 20))
    if dots is not None:
        bar = figure.colorbar(dots, ax=panels)
        bar.set_label(label, color=INK, fontsize=9)
        bar.ax.tick_params(colors=INK, labelsize=8)
        bar.outline.set_visible(False)
    else:
        panels[-1].legend(loc="center left", bbox_to_anchor=(1, 0.5), frameon=False, fontsize=8, labelcolor=INK)
    return figure
