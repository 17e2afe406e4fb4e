"""The front: networks that are not trained to the end are pale, those of the front strong, with their errors."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from itertools import combinations
from typing import Any, Final

import numpy as np

from haemsa.cluster.report.figures.front import is_log, label, near
from haemsa.cluster.report.figures.style import FAINT, STRONG
from haemsa.cluster.report.page.plots.look import (
    LOG,
    PALE,
    Group,
    Hover,
    Plot,
    Trace,
    axis,
    line,
    markers,
    points,
    spread,
)
from haemsa.cluster.report.record import SearchRecord
from haemsa.cluster.run_directory.ranking import front_of, scores_of
from haemsa.cluster.run_directory.rows import JournalRow
from haemsa.cluster.shared.text import counted
from haemsa.evo.candidate import Score

Scores = Callable[[JournalRow], Mapping[str, Score]]
_MOST: Final = 4  # objectives; they have six panels
_PALE_POINTS: Final = 600
_POINTS: Final = 1000
_SEARCHED: Final = "#8a63d2"


def front_group(record: SearchRecord, hover: Hover) -> Group:
    """A picture for each pair of the first objectives. There is none for a single objective: its history shows it."""
    pairs = list(combinations(list(record.objectives)[:_MOST], 2)) if record.front else []
    caption = (
        "Every network: rest on one to see its genes, click on it for its drawing. Pale ones were not trained to the "
        "end, and their scores cannot be compared with the others. Bars are standard errors. Drag to zoom; a double "
        "click shows all again."
    )
    plots = [_pair(record, hover, up, right, wide=len(pairs) == 1) for up, right in pairs]
    return Group(caption + (_outside(record, plots[0], pairs[0][0]) if plots else ""), plots)


def _outside(record: SearchRecord, plot: Plot, up: str) -> str:
    """How many networks of the front lie outside the picture, because a constant is as good."""
    count = plot.outside(scores_of(row)[up].mean for row in record.front if record.constant.beats(scores_of(row)))
    lie = f"{counted(count, 'network')} of the front {'lies' if count == 1 else 'lie'} outside the picture"
    return f" {lie}, no better than {record.constant.words}." if count else ""


def _pair(record: SearchRecord, hover: Hover, up: str, right: str, *, wide: bool) -> Plot:
    data = _background(record, hover, up, right) + _fronts(record, hover, up, right)
    layout: dict[str, Any] = {
        "xaxis": axis(label(right, record.objectives)),
        "yaxis": axis(label(up, record.objectives)),
        "height": 460 if wide else 380,
    }
    for name, key in ((right, "xaxis"), (up, "yaxis")):
        if is_log(name, _means(record.scored, name, _searched)):
            layout[key] |= LOG
    if "type" not in layout["yaxis"]:
        best = _means(record.front, up, scores_of)
        every = np.concatenate([_means(record.scored, up, _searched), best])
        limits = near(every, best, record.objectives[up], record.constant.scores.get(up))
        layout["yaxis"] |= {"range": list(limits)} if limits else {}
    return Plot("", data, layout, wide)


def _background(record: SearchRecord, hover: Hover, up: str, right: str) -> list[Trace]:
    """All candidates: those that were not trained to the end, and those that were."""
    last = {row.id for row in record.final}
    below = [row for row in record.rows if row.status == "done" and row.id not in last]
    traces = []
    for rows, most, name, strength in (
        (below, _PALE_POINTS, "not trained to the end", PALE),
        (record.final, _POINTS, "final scores in the search", 0.75),
    ):
        if rows:
            shown = spread(rows, most)
            traces.append(_trace(shown, hover, up, right, _searched, name=name, **markers(FAINT, opacity=strength)))
    return traces


def _fronts(record: SearchRecord, hover: Hover, up: str, right: str) -> list[Trace]:
    """The front by the search's own scores, and the confirmed one over it."""
    two, step = len(record.objectives) == 2, "hv" if record.objectives[right] == "min" else "vh"
    traces = []
    if record.confirmed and record.final:
        searched = front_of(record.final, record.objectives, _searched)
        look = line(_SEARCHED, 1.5, dash="dot", shape=step) if two else markers(_SEARCHED, 8, symbol="x-thin-open")
        traces.append(_front(searched, hover, up, right, _searched, "front by the search's scores", look))
    name = "front, trained again from scratch" if record.confirmed else "front"
    name += "" if record.confirmed or record.final else " so far, not trained to the end"
    poor = [row for row in record.front if record.constant.beats(scores_of(row))]
    good = [row for row in record.front if not record.constant.beats(scores_of(row))]
    look = {**markers(STRONG, 10, line={"width": 1.5, "color": STRONG})}
    look |= {**line(STRONG, 2, shape=step), "mode": "lines+markers"} if two else {}
    traces += [_front(good, hover, up, right, scores_of, name, look, errors=True)] if good else []
    look = markers(FAINT, 10, symbol="circle-open", line={"width": 2})
    traces += [_front(poor, hover, up, right, scores_of, "front, no better than a constant", look)] if poor else []
    return traces


def _front(
    rows: Sequence[JournalRow], hover: Hover, up: str, right: str, scores: Scores, name: str, look: Trace,
    *, errors: bool = False,
) -> Trace:  # fmt: skip
    ordered = sorted(rows, key=lambda row: scores(row)[right].mean)
    bars: Trace = {}
    for key, objective in (("error_x", right), ("error_y", up)) if errors else ():
        array = [scores(row)[objective].error for row in ordered]
        if any(array):
            bars[key] = {"type": "data", "array": array, "thickness": 1.2, "width": 3, "color": STRONG}
    return _trace(ordered, hover, up, right, scores, name=name, **look, **bars)


def _trace(rows: Sequence[JournalRow], hover: Hover, up: str, right: str, scores: Scores, **look: Any) -> Trace:
    x, y = ([scores(row)[name].mean for row in rows] for name in (right, up))
    return points(rows, hover, type="scatter", x=x, y=y, **look)


def _means(rows: Sequence[JournalRow], name: str, scores: Scores) -> np.ndarray[Any, np.dtype[np.float64]]:
    return np.array([scores(row)[name].mean for row in rows], dtype=np.float64)


def _searched(row: JournalRow) -> Mapping[str, Score]:
    """The scores that the search gave."""
    return row.scores
