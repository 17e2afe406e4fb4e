"""A picture of a front: all candidates faint, the front strong. Each axis says which direction is better."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from haemsa.cluster.shared.files import replacing

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

LABELS: Final = {
    "mae": "MAE", "corr": "Pearson r", "params": "parameters", "flops": "FLOPs", "loss": "loss", "accuracy": "accuracy",
    "wf1": "weighted F1", "macro_f1": "macro F1", "uar": "unweighted average recall", "ccc": "CCC",
    "latency_ms": "latency in ms",
}  # fmt: skip
_LOG: Final = frozenset({"params", "flops"})
_FAINT, _STRONG = "#9aa5b1", "#c2410c"
_COLOURS: Final = "viridis"
_DRAWING: Final = threading.Lock()  # the tracker draws in its own thread, and matplotlib is not thread-safe
Rows = Sequence[Mapping[str, Any]]
Values = np.ndarray[Any, np.dtype[np.float64]]


def front_figure(
    evaluated: Rows,
    front: Rows,
    objectives: Mapping[str, str],
    *,
    title: str = "",
    count: int | None = None,
    constant: Mapping[str, float] | None = None,
) -> Figure:
    """Draw a front, and all that was evaluated.

    One objective is drawn over the candidates' ids, with the best so far. Of two, the second runs across and the first
    up. A third is colour. Further ones are not drawn. Points far worse than the rest are outside, and are counted.

    Args:
        evaluated: candidates, each with an `id` and a column per objective.
        front: those of them that are on the front.
        objectives: by name, "min" or "max".
        title: a line above the picture.
        count: how many were evaluated. None: all of them are in `evaluated`.
        constant: what a constant reaches, by objective. What is no better may lie outside the picture.

    Raises:
        ValueError: there are no objectives.

    Example:
        >>> rows = [{"id": 0, "mae": 0.9, "params": 500}, {"id": 1, "mae": 0.8, "params": 900}]
        >>> figure = front_figure(rows, rows, {"mae": "min", "params": "min"})
        >>> figure.savefig("front.png")  # doctest: +SKIP
    """
    from matplotlib.figure import Figure

    names = list(objectives)[:3]
    if not names:
        raise ValueError("a front has no objectives, expected at least one")
    figure = Figure(figsize=(8, 5), dpi=100, layout="constrained")
    axes = figure.add_subplot()
    every, best = values(evaluated or front, names), values(front, names)
    if len(names) == 1:
        draw_history(axes, evaluated or front, every, objectives[names[0]])
    else:
        _draw_plane(axes, every, best, objectives[names[1]], len(names) == 3)
        if is_log(names[1], every[:, 1]):
            axes.set_xscale("log")
        axes.set_xlabel(label(names[1], objectives))
    outside = 0
    if is_log(names[0], every[:, 0]):
        axes.set_yscale("log")
    else:
        level = (constant or {}).get(names[0])
        outside = limit_up(axes, every[:, 0], best[:, 0], objectives[names[0]], level)
    axes.set_ylabel(label(names[0], objectives))
    if len(names) == 3 and len(best):
        figure.colorbar(axes.collections[-1], ax=axes, label=label(names[2], objectives))
    summary = f"{len(front)} on the front of {count or len(evaluated or front)}"
    summary += f", {outside} outside the picture" if outside else ""
    axes.set_title("\n".join(filter(None, (title, summary))), fontsize=11)
    axes.grid(color="#e5e7eb", linewidth=0.8)
    axes.set_axisbelow(True)
    axes.spines[["top", "right"]].set_visible(False)
    if axes.get_legend_handles_labels()[0]:
        axes.legend(frameon=False, loc="best")
    return figure


def save(figure: Figure, path: Path) -> None:
    """Write the figure as PNG."""
    with _DRAWING, replacing(path) as temporary:
        figure.savefig(temporary, format="png")


def values(rows: Rows, names: Sequence[str]) -> Values:
    """The objectives of rows [N, K]."""
    return np.array([[float(row[name]) for name in names] for row in rows], dtype=np.float64).reshape(-1, len(names))


def in_words(name: str) -> str:
    """A metric in words: "MAE", "weighted F1 of emotion". A function of one's own keeps its name."""
    if ":" in name:
        return name
    task, _, key = name.rpartition("/")
    return LABELS.get(key, key.replace("_", " ")) + (f" of {task}" if task else "")


def label(name: str, objectives: Mapping[str, str]) -> str:
    """An objective in words, and which direction is better."""
    return f"{in_words(name)} ({'lower' if objectives[name] == 'min' else 'higher'} is better)"


def _draw_plane(axes: Axes, every: Values, best: Values, across: str, coloured: bool) -> None:
    axes.scatter(every[:, 1], every[:, 0], s=16, color=_FAINT, alpha=0.5, linewidths=0, label="evaluated", zorder=2)
    order = np.argsort(best[:, 1], kind="stable")
    line = best[order]
    if coloured:  # a front of three has no line in a plane
        edge: dict[str, Any] = {"edgecolors": "black", "linewidths": 0.6}
        axes.scatter(line[:, 1], line[:, 0], c=line[:, 2], s=52, cmap=_COLOURS, label="front", zorder=4, **edge)
        return
    step = "post" if across == "min" else "pre"  # the best reachable at this cost
    axes.plot(line[:, 1], line[:, 0], color=_STRONG, drawstyle=f"steps-{step}", linewidth=1.4, zorder=3)
    axes.scatter(line[:, 1], line[:, 0], s=44, color=_STRONG, edgecolors="white", label="front", zorder=4)


def draw_history(axes: Axes, rows: Rows, every: Values, direction: str) -> None:
    """The first objective over candidates, with the best so far."""
    ids = np.array([int(row["id"]) for row in rows])
    order = np.argsort(ids, kind="stable")
    scores = every[order, 0]
    best = np.minimum.accumulate(scores) if direction == "min" else np.maximum.accumulate(scores)
    axes.scatter(ids[order], scores, s=16, color=_FAINT, alpha=0.6, linewidths=0, label="evaluated", zorder=2)
    axes.plot(ids[order], best, color=_STRONG, drawstyle="steps-post", linewidth=1.8, label="best so far", zorder=3)
    axes.set_xlabel("candidate")


def is_log(name: str, values: Values) -> bool:
    """Whether an objective spans orders of magnitude, and all its values are above 0."""
    return name in _LOG and values.size > 0 and float(values.min()) > 0


def limit_up(axes: Axes, every: Values, best: Values, direction: str, constant: float | None = None) -> int:
    """Limit the axis to the front and what is near it. Returns how many points are outside."""
    limits = near(every, best, direction, constant)
    if limits is None:
        return 0
    axes.set_ylim(*limits)
    return int(((every < limits[0]) | (every > limits[1])).sum())


def near(every: Values, best: Values, direction: str, constant: float | None = None) -> tuple[float, float] | None:
    """The low and the high end of an axis that shows the front and what is near it. None: it can show all.

    Args:
        every: the values of all points.
        best: those of the front.
        direction: "min" or "max" is better.
        constant: what a constant reaches. What is no better does not count, if anything of the front is.
    """
    if every.size + best.size == 0:
        return None
    sign = 1.0 if direction == "min" else -1.0
    losses, front = sign * every if every.size else sign * best, sign * best
    worst = float(losses.max())
    if constant is not None and (front < sign * constant).any():
        losses, front = losses[losses < sign * constant], front[front < sign * constant]
        losses = losses if losses.size else front
    good, typical = float(losses.min()), float(np.quantile(losses, 0.9))
    bad = max(float(front.max()) if front.size else typical, typical)
    if (most := float(losses.max())) - good <= 1.5 * (bad - good):
        bad = most
    if worst <= bad or bad == good:
        return None
    margin = 0.06 * (bad - good)
    low, high = sorted((sign * (good - margin), sign * (bad + margin)))
    return low, high
