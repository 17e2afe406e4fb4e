"""Confirmed curves over seconds: the best error and the front's hypervolume of each variant, means with intervals."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from tests.bench.shared.stats import mean_interval

if TYPE_CHECKING:
    from matplotlib.axes import Axes

COLOURS: Final = {"haemsa": "#1f6fb4", "random": "#b3342d"}
NAMES: Final = {"haemsa": "haemsa", "random": "random search"}
PANELS: Final = {"best": "MAE of the best", "hypervolume": "hypervolume of the front"}
TICKS: Final = (10, 20, 40, 80, 120)
"""Seconds that are named; what is before the first is not drawn."""


def draw(found: Mapping[str, Any], path: Path) -> None:
    """Two panels for each data set, over those seeds that all variants have. `found`: pieces of bench_full.py."""
    from matplotlib.figure import Figure

    sets = sorted({name.split("/")[1] for name in found if name.startswith("ours/")})
    figure = Figure(figsize=(3.6 * len(sets), 5.4), layout="constrained")
    panels = figure.subplots(2, len(sets), squeeze=False)
    for column, data in zip(panels.T, sets, strict=True):
        seeds = whole_seeds(found, data)
        column[0].set_title(f"{data} ({len(seeds)} seeds)", fontsize=10)
        for axes, (key, label) in zip(column, PANELS.items(), strict=True):
            for variant in COLOURS:
                curves = [found[f"ours/{data}/{variant}/{seed}"]["result"][key] for seed in seeds]
                _curve(axes, curves, variant)
            axes.set(xlabel="seconds of searching", xscale="log", xlim=(TICKS[0], TICKS[-1]))
            axes.set_xticks(TICKS, list(map(str, TICKS)))
            axes.minorticks_off()
            axes.spines[["top", "right"]].set_visible(False)
            axes.set_ylabel(label, fontsize=9)
    panels[0][0].legend(frameon=False, fontsize=8)
    figure.savefig(path, dpi=130)


def whole_seeds(found: Mapping[str, Any], data: str) -> list[int]:
    """The seeds for which all variants have ended."""
    by_variant = [
        {int(name.rpartition("/")[2]) for name in found if name.startswith(f"ours/{data}/{variant}/")}
        for variant in COLOURS
    ]
    return sorted(set.intersection(*by_variant))


def _curve(axes: Axes, curves: Sequence[Sequence[tuple[float, float]]], variant: str) -> None:
    """The mean over seeds, from when all have a value, and its 95 % interval."""
    if not curves:
        return
    seconds = np.array([at for at, _ in curves[0]])
    values = np.array([[value for _, value in curve] for curve in curves])
    known = np.isfinite(values).all(axis=0)
    intervals = np.array([mean_interval(column) for column in values[:, known].T])
    axes.plot(seconds[known], intervals[:, 0], color=COLOURS[variant], label=NAMES[variant], linewidth=1.6)
    axes.fill_between(seconds[known], *intervals[:, 1:].T, color=COLOURS[variant], alpha=0.15, linewidth=0)
