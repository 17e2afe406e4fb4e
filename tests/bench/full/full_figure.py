"""Confirmed curves over seconds: the best error and the front's hypervolume of each variant, means with intervals."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from tests.bench.full.full_report import by_set
from tests.bench.shared.stats import mean_interval

if TYPE_CHECKING:
    from matplotlib.axes import Axes

COLOURS: Final = {"haemsa": "#1f6fb4", "random": "#b3342d"}
NAMES: Final = {"haemsa": "haemsa", "random": "random search"}
PANELS: Final = {"best": "MAE of the best", "hypervolume": "hypervolume of the front"}
TICKS: Final = (30, 60, 120, 300, 900)
"""Seconds that are named; what is before the first is not drawn."""


def draw(found: Mapping[str, Any], path: Path) -> None:
    """Two panels for each data set. `found`: pieces of bench_full.py."""
    from matplotlib.figure import Figure

    sets = by_set({name: piece["result"] for name, piece in found.items()})
    figure = Figure(figsize=(3.6 * len(sets), 5.4), layout="constrained")
    panels = figure.subplots(2, len(sets), squeeze=False)
    for column, (data, by_variant) in zip(panels.T, sets.items(), strict=True):
        column[0].set_title(f"{data}, seeds: {len(by_variant['haemsa'])}", fontsize=10)
        for axes, (key, label) in zip(column, PANELS.items(), strict=True):
            for variant, searches in by_variant.items():
                _curve(axes, [search[key] for search in searches], variant)
            axes.set(xlabel="seconds of searching", xscale="log", xlim=(TICKS[0], TICKS[-1]))
            axes.set_xticks(TICKS, list(map(str, TICKS)))
            axes.minorticks_off()
            axes.spines[["top", "right"]].set_visible(False)
            axes.set_ylabel(label, fontsize=9)
    panels[0][0].legend(frameon=False, fontsize=8)
    figure.savefig(path, dpi=130)


def _curve(axes: Axes, curves: Sequence[Sequence[tuple[float, float]]], variant: str) -> None:
    """The mean over seeds, from when all have a value, and its 95 % interval."""
    seconds = np.array([at for at, _ in curves[0]])
    values = np.array([[value for _, value in curve] for curve in curves])
    known = np.isfinite(values).all(axis=0) & (seconds >= TICKS[0])
    intervals = np.array([mean_interval(column) for column in values[:, known].T])
    axes.plot(seconds[known], intervals[:, 0], color=COLOURS[variant], label=NAMES[variant], linewidth=1.6)
    axes.fill_between(seconds[known], *intervals[:, 1:].T, color=COLOURS[variant], alpha=0.15, linewidth=0)
