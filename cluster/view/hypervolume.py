"""A picture of a search's progress: hypervolume over evaluations, and over time."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from cluster.history import Moment
from cluster.view.style import SERIES, panels_of

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_UNITS: Final = ((3 * 3600.0, "hours", 3600.0), (300.0, "minutes", 60.0), (0.0, "seconds", 1.0))


def hypervolume_figure(moments: Sequence[Moment]) -> Figure:
    """Two panels; both lines go up where a genome joins the front."""
    unit, size = next((unit, size) for least, unit, size in _UNITS if moments[-1].seconds >= least)
    figure, (left, right) = panels_of(["over evaluations", "over time"], 2, 2.8)
    volumes = [moment.hypervolume for moment in moments]
    for axes, places, name in (
        (left, [moment.evaluations for moment in moments], "genomes evaluated"),
        (right, [moment.seconds / size for moment in moments], f"{unit} since the first genome was bred"),
    ):
        axes.plot(places, volumes, color=SERIES[0], drawstyle="steps-post", linewidth=2)
        axes.set_xlim(left=0)
        axes.set_xlabel(name)
    left.set_ylabel("hypervolume (higher is better)")
    return figure
