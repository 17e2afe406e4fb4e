"""Pictures of the genes that win: shares of the survivors of each generation, and how their training genes spread."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from cluster.gene_history import Shares
from cluster.view.style import INK, SERIES, drawable, panels_of

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_DASHES: Final = ("-", "--", ":")
_WIDE_RANGE: Final = 30.0


def share_figure(generations: Sequence[int], genes: Mapping[str, Shares]) -> Figure:
    """A panel per gene: the share of the survivors [G] that have each of its values, over generations."""
    figure, panels = panels_of(list(genes), 2, 2.5)
    for axes, shares in zip(panels, genes.values(), strict=False):
        for number, (value, found) in enumerate(shares.items()):
            colour, dashes = SERIES[number % len(SERIES)], _DASHES[number // len(SERIES) % len(_DASHES)]
            axes.plot(generations, found, dashes, color=colour, linewidth=2, label=drawable(value, 20), **_dots(found))
        axes.set_ylim(-0.03, 1.03)
        axes.yaxis.set_major_formatter(lambda share, _: f"{share:.0%}")
        _number_generations(axes, generations)
        place: Any = "center left"
        axes.legend(loc=place, bbox_to_anchor=(1, 0.5), frameon=False, fontsize=8, labelcolor=INK)
    return figure


def spread_figure(generations: Sequence[int], genes: Mapping[str, np.ndarray[Any, Any]]) -> Figure:
    """A panel per gene: quartiles [3, G] of the survivors' values over generations."""
    figure, panels = panels_of([name.replace("_", " ") for name in genes], 3)
    for axes, (low, middle, high) in zip(panels, genes.values(), strict=False):
        axes.fill_between(generations, low, high, color=SERIES[0], alpha=0.3, linewidth=0)
        axes.plot(generations, middle, color=SERIES[0], linewidth=2, **_dots(middle))
        if low.min() > 0 and high.max() > _WIDE_RANGE * low.min():
            axes.set_yscale("log")
        else:
            axes.set_ylim(bottom=min(0.0, float(low.min())))
        _number_generations(axes, generations)
    return figure


def _dots(values: np.ndarray[Any, Any]) -> dict[str, Any]:
    """A line through few generations shows where they are; a single one is a dot."""
    return {"marker": "o", "markersize": 4} if len(values) <= 12 else {}


def _number_generations(axes: Axes, generations: Sequence[int]) -> None:
    axes.locator_params("x", integer=True)
    axes.set_xlabel("generation")
    if len(generations) == 1:
        axes.set_xlim(generations[0] - 1, generations[0] + 1)
