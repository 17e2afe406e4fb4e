"""How the search went: the best score over evaluations, and how the front grew."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np

from haemsa.cluster.report.figures.front import in_words, is_log, label, near
from haemsa.cluster.report.figures.style import FAINT, SERIES, STRONG
from haemsa.cluster.report.history import History, Moment
from haemsa.cluster.report.page.plots.look import LOG, Group, Hover, Plot, Trace, axis, line, markers, points, spread
from haemsa.cluster.report.record import SearchRecord
from haemsa.cluster.run_directory.ranking import scores_of
from haemsa.cluster.run_directory.rows import JournalRow
from haemsa.cluster.shared.text import counted

_POINTS: Final = 1000
_FRONTS: Final = 5


def best_group(record: SearchRecord, hover: Hover) -> Group:
    """The best of the first objective over evaluations. Empty while no candidate has scores."""
    caption = "Each point is a network, when its scores became final. The line is the best so far."
    if not record.final:
        caption = "Each point is a network on the highest rung so far. The line is the best so far."
    if not record.scored:
        return Group(caption)
    plot = _best(record, hover)
    return Group(caption + _outside(record, plot), [plot])


def _outside(record: SearchRecord, plot: Plot) -> str:
    """How many networks lie outside the picture."""
    count = plot.outside(row.scores[next(iter(record.objectives))].mean for row in record.scored)
    return f" {counted(count, 'network')} far from it {'lies' if count == 1 else 'lie'} outside." if count else ""


def _best(record: SearchRecord, hover: Hover) -> Plot:
    name, direction = next(iter(record.objectives.items()))
    rung = min(len(row.outcomes) for row in record.scored) - 1
    rows = sorted(record.scored, key=lambda row: (row.ended[rung], row.id))
    values = np.array([row.scores[name].mean for row in rows])
    places = _evaluations(record.rows, [row.ended[rung] for row in rows])
    best = np.minimum.accumulate(values) if direction == "min" else np.maximum.accumulate(values)
    at = {row.id: number for number, row in enumerate(rows)}
    shown = spread(rows, _POINTS)
    x, y = [int(places[at[row.id]]) for row in shown], [float(values[at[row.id]]) for row in shown]
    data: list[Trace] = [
        points(shown, hover, x=x, y=y, name="network", **markers(FAINT, opacity=0.6)),
        {"x": [*places.tolist(), _ended(record)], "y": [*best.tolist(), float(best[-1])], "name": "best so far",
         "hovertemplate": "%{y:.4g} after %{x} evaluations<extra></extra>", **line(STRONG, 2, shape="hv")},
    ]  # fmt: skip
    if record.confirmed and record.best is not None:
        data.append(_confirmed(record, record.best, name, hover))
    limits = near(values, best[-1:], direction, record.constant.scores.get(name))
    up = axis(label(name, record.objectives), **({"range": list(limits)} if limits else {}))
    return Plot(
        "", data, {"xaxis": axis("genomes evaluated", rangemode="tozero"), "yaxis": up, "height": 320}, wide=True
    )


def _confirmed(record: SearchRecord, best: JournalRow, name: str, hover: Hover) -> Trace:
    score = scores_of(best)[name]
    bar = {"error_y": {"type": "data", "array": [score.error], "color": SERIES[2]}} if score.error else {}
    look = markers(SERIES[2], 11, symbol="diamond")
    return points([best], hover, x=[_ended(record)], y=[score.mean], name="best, trained again", **look, **bar)


def _ended(record: SearchRecord) -> int:
    return record.count("done") + record.count("failed")


def _evaluations(rows: Sequence[JournalRow], times: Sequence[float]) -> np.ndarray[Any, np.dtype[np.int64]]:
    """How many candidates had ended on their first rung, or had failed, at these times."""
    ends = [row.ended[0] if row.ended else row.ended_at or row.asked_at for row in rows if row.status != "asked"]
    return np.searchsorted(np.sort(ends), times, side="right")


def growth_group(
    history: History | None, objectives: Mapping[str, str], constant: Mapping[str, float] | None = None
) -> Group:
    """How much the front dominates over evaluations, and some of the older fronts.

    Args:
        history: how the search went. None: no candidate has scores.
        objectives: by name, "min" or "max".
        constant: what a constant reaches, by objective. What is no better may lie outside the picture.
    """
    caption = (
        "How much the front dominates of all that was seen (its hypervolume, 0 to 1), and how the front moved, by the "
        "scores of the search: older fronts are paler."
    )
    if history is None:
        return Group(caption)
    return Group(caption, [_volume(history.moments), *_moved(history, objectives, constant or {})])


def _volume(moments: Sequence[Moment]) -> Plot:
    x, y = [moment.evaluations for moment in moments], [moment.hypervolume for moment in moments]
    words = "%{y:.3f} after %{x} evaluations<extra></extra>"
    data: Trace = {"x": x, "y": y, "hovertemplate": words, **line(SERIES[0], 2, shape="hv")}
    across = axis("genomes evaluated", rangemode="tozero")
    return Plot("", [data], {"xaxis": across, "yaxis": axis("hypervolume"), "showlegend": False})


def _moved(history: History, objectives: Mapping[str, str], constant: Mapping[str, float]) -> list[Plot]:
    """Older fronts of the first two objectives."""
    names, fronts = list(objectives)[:2], history.fronts(_FRONTS)
    if len(names) < 2 or len(fronts) < 2:
        return []
    up, right = names
    step, data = "hv" if objectives[right] == "min" else "vh", list[Trace]()
    for place, moment in enumerate(fronts, start=1):
        rows = sorted(moment.front, key=lambda item: float(item[right]))
        x, y = [item[right] for item in rows], [item[up] for item in rows]
        name = f"after {counted(moment.evaluations, 'evaluation')}"
        look = {**line(STRONG, 1.6, shape=step), "mode": "lines+markers", "opacity": place / len(fronts)}
        look |= {"marker": {"size": 5}, "hovertemplate": f"{name}: %{{y:.4g}}, %{{x:.4g}}<extra></extra>"}
        data.append({"x": x, "y": y, "name": name, **look})
    across = axis(in_words(right), **(LOG if _is_log(right, fronts) else {}))
    every, last = (np.array([item[up] for one in of for item in one.front]) for of in (fronts, fronts[-1:]))
    limits = None if is_log(up, every) else near(every, last, objectives[up], constant.get(up))
    upwards = axis(in_words(up), **({"range": list(limits)} if limits else {}))
    return [Plot("", data, {"xaxis": across, "yaxis": upwards, "showlegend": False})]


def _is_log(name: str, fronts: Sequence[Moment]) -> bool:
    return is_log(name, np.array([item[name] for moment in fronts for item in moment.front], dtype=np.float64))
