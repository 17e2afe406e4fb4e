"""Pictures of how a front grew: older fronts fainter than newer ones, and the hypervolume."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import combinations, product
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from haemsa.cluster.report.figures.front import Rows, draw_history, is_log, label, limit_up, values
from haemsa.cluster.report.figures.style import (
    FAINT,
    INK,
    PAPER,
    SERIES,
    STRONG,
    WIDTH,
    legend,
    panels_of,
    plain,
    titled,
)
from haemsa.cluster.report.history import Moment

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_MOST: Final = 4  # objectives; they have six panels
_MANY: Final = 1500  # from so many points on, a page has them as one image
_UNITS: Final = ((3 * 3600.0, "hours", 3600.0), (300.0, "minutes", 60.0), (0.0, "seconds", 1.0))


def front_history_figure(
    evaluated: Rows,
    fronts: Sequence[Moment],
    front: Rows,
    objectives: Mapping[str, str],
    *,
    confirmed: bool = False,
    constant: Mapping[str, float] | None = None,
) -> Figure:
    """A panel for each pair of the first four objectives. A single objective is drawn over candidates.

    Args:
        evaluated: candidates, each with an `id` and a column per objective.
        fronts: fronts by the search's scores, the oldest first.
        front: the candidates of the front now. A `title` is shown when the pointer rests on one.
        objectives: by name, "min" or "max".
        confirmed: whether the scores of `front` are of training again from scratch.
        constant: what a constant reaches, by objective. What is no better may lie outside the picture.
    """
    from matplotlib.figure import Figure

    names = list(objectives)[:_MOST]
    pairs = list(combinations(names, 2)) or [(names[0], "")]
    across, down = (1, 1) if len(pairs) == 1 else (2, -(-len(pairs) // 2))
    figure = Figure(figsize=(WIDTH, 4.6 if down == 1 else 3.6 * down), layout="constrained")
    for number, (up, right) in enumerate(pairs):
        axes = figure.add_subplot(down, across, number + 1)
        plain(axes)
        axes.set_ylabel(label(up, objectives))
        if right:
            _draw_pair(axes, evaluated, fronts, front, up, right, objectives, confirmed, (constant or {}).get(up))
        else:
            draw_history(axes, evaluated, values(evaluated, [up]), objectives[up])
    legend(figure.axes[0], 4)
    return figure


def _draw_pair(
    axes: Axes,
    evaluated: Rows,
    fronts: Sequence[Moment],
    front: Rows,
    up: str,
    right: str,
    objectives: Mapping[str, str],
    confirmed: bool,
    constant: float | None,
) -> None:
    every, now = values(evaluated, [right, up]), values(front, [right, up])
    many = len(every) > _MANY
    axes.scatter(
        every[:, 0], every[:, 1], s=12, color=FAINT, alpha=0.45, linewidths=0, label="evaluated", rasterized=many
    )
    for number, moment in enumerate(fronts):
        newest = number == len(fronts) - 1
        named = newest or (number == 0 and moment.evaluations != fronts[-1].evaluations)
        name = f"front after {moment.evaluations} evaluations" if named else None
        look: dict[str, Any] = {"alpha": 0.15 + 0.75 * (number + 1) / len(fronts), "label": name}
        _draw_front(axes, values(moment.front, [right, up]), objectives, right, {"linewidth": 1 + newest, **look})
    look = {"color": STRONG, "markerfacecolor": PAPER if confirmed else STRONG, "markersize": _size(len(front))}
    for row, (x, y) in zip(front, now, strict=True):
        (dot,) = axes.plot(x, y, "o", **look)
        titled(dot, str(row.get("title", f"candidate {row['id']}")))
    if confirmed:
        axes.plot([], [], "o", color=STRONG, markerfacecolor=PAPER, label="trained again from scratch")
    if is_log(right, every[:, 0]):
        axes.set_xscale("log")
    if is_log(up, every[:, 1]):
        axes.set_yscale("log")
    else:
        limit_up(axes, np.concatenate([every[:, 1], now[:, 1]]), now[:, 1], objectives[up], constant)
    axes.set_xlabel(label(right, objectives))
    for text in (axes.xaxis.label, axes.yaxis.label):
        text.set(color=INK, fontsize=9)


def _size(count: int) -> float:
    return 6.5 if count <= 30 else 4.5


def _draw_front(
    axes: Axes, front: np.ndarray[Any, Any], objectives: Mapping[str, str], right: str, look: Mapping[str, Any]
) -> None:
    """Two objectives have a line: the best that is reached at each cost. A pair of more has only points."""
    points = front[np.argsort(front[:, 0], kind="stable")]
    if len(objectives) == 2:
        step = "post" if objectives[right] == "min" else "pre"
        axes.plot(*points.T, ".-", color=STRONG, drawstyle=f"steps-{step}", markersize=5, **look)
    else:
        axes.plot(*points.T, ".", color=STRONG, markersize=5, **{**look, "linewidth": 0})


def hypervolume_figure(moments: Sequence[Moment], objectives: Mapping[str, str]) -> Figure:
    """Four panels: the best of the first objective, and the hypervolume, over evaluations and over time."""
    unit, size = next((unit, size) for least, unit, size in _UNITS if moments[-1].seconds >= least)
    first = next(iter(objectives))
    up = {
        f"best {label(first, objectives)}": [moment.front[0][first] for moment in moments],
        "hypervolume (0 to 1, higher is better)": [moment.hypervolume for moment in moments],
    }
    across = {
        "genomes evaluated": [moment.evaluations for moment in moments],
        f"{unit} since the first genome was requested": [moment.seconds / size for moment in moments],
    }
    figure, panels = panels_of(["over evaluations", "over time"] * 2, 2, 2.4)
    for axes, ((name, heights), (of, places)) in zip(panels, product(up.items(), across.items()), strict=True):
        axes.plot(places, heights, color=SERIES[0], drawstyle="steps-post", linewidth=2)
        axes.set_xlim(left=0)
        axes.set_xlabel(of)
        axes.set_ylabel(name)
    return figure
