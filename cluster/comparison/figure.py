"""A picture of a comparison: our best minus each other model, with its interval."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Final

from matplotlib.figure import Figure

from haemsa.cluster.comparison.compare import Comparison
from haemsa.cluster.comparison.report import ordered

INK: Final = "#333333"
COLOURS: Final = {True: "#1a7f5a", False: "#b3342d", None: "#7a7a7a"}
"""Colours of models that we beat (True), that beat us (False), and where the interval holds 0 (None)."""


def draw(comparison: Comparison, path: Path) -> None:
    """Draw the comparison to an image file."""
    names = [name for name in ordered(comparison) if name in comparison.differences][::-1]
    figure = Figure(figsize=(7.5, 1.2 + 0.28 * len(names)), layout="constrained")
    axes = figure.add_subplot()
    for place, (name, colour) in enumerate(_coloured(comparison, names)):
        difference = comparison.differences[name]
        axes.plot([difference.low, difference.high], [place, place], color=colour, linewidth=2, solid_capstyle="round")
        axes.plot(difference.mean, place, "o", color=colour, markersize=5)
    axes.axvline(0, color=INK, linewidth=0.8)
    axes.set_yticks(range(len(names)), names, fontsize=8)
    way = "below" if comparison.judged.minimise else "above"
    axes.set_xlabel(
        f"{comparison.judged.name} of our best minus that of the model: {way} 0, ours is better", fontsize=9
    )
    axes.spines[["top", "right"]].set_visible(False)
    axes.tick_params(labelsize=8)
    figure.savefig(path, dpi=150)


def _coloured(comparison: Comparison, names: list[str]) -> Iterator[tuple[str, str]]:
    for name in names:
        yield name, COLOURS[comparison.differences[name].wins(minimise=comparison.judged.minimise)]
