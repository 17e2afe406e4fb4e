"""What all interactive pictures share: their form, their colours, and what is shown when the pointer rests on a point.

The page gives text and grids its own colours, light or dark. Here are only those that can be read on both.
"""

from __future__ import annotations

import html
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from haemsa.cluster.report.figures.style import FAINT, SERIES
from haemsa.cluster.report.tables import cell, score_words
from haemsa.cluster.run_directory.rows import JournalRow
from haemsa.cluster.run_directory.tables import genome_columns
from haemsa.cluster.shared.text import counted, number
from haemsa.model.spec.genome import Genome

Trace = dict[str, Any]
LOG: Final = {"type": "log", "dtick": "D2"}
"""A logarithmic axis, with ticks at 1, 2 and 5."""
PALE: Final = 0.28
"""How strong points are that are only a background."""


@dataclass(frozen=True)
class Plot:
    """A picture: its `data` and `layout` are those of plotly.js. `across`: how many columns of the page it takes."""

    title: str
    data: Sequence[Trace]
    layout: Mapping[str, Any] = field(default_factory=dict)
    wide: bool = False

    def outside(self, values: Iterable[float]) -> int:
        """How many values lie beyond the ends of the upward axis. None do if it shows all."""
        low, high = self.layout["yaxis"].get("range", (-math.inf, math.inf))
        return sum(not low <= value <= high for value in values)


@dataclass(frozen=True)
class Group:
    """Pictures that stand together, and what they show. A group without pictures is not on the page."""

    caption: str
    plots: Sequence[Plot] = ()


def axis(title: str, **more: Any) -> dict[str, Any]:
    """An axis with its title."""
    return {"title": {"text": escaped(title)}, **more}


def markers(colour: str = FAINT, size: float = 7, **more: Any) -> Trace:
    """The look of points."""
    return {"mode": "markers", "marker": {"color": colour, "size": size, **more}}


def line(colour: str, width: float = 2, **more: Any) -> Trace:
    """The look of a line."""
    return {"mode": "lines", "line": {"color": colour, "width": width, **more}}


def series(place: int) -> str:
    """The colour of a series by its place."""
    return SERIES[place % len(SERIES)]


def escaped(text: object) -> str:
    """Text that plotly.js shows as it is: it would obey tags."""
    return html.escape(str(text), quote=False)


@dataclass
class Hover:
    """What is shown when the pointer rests on a candidate: where it comes from, its scores, and its genes.

    `full`: the first rung with final scores. What was put into words once is not put into words again.
    """

    objectives: Sequence[str]
    full: int
    _known: dict[int, tuple[JournalRow, str]] = field(default_factory=dict)
    _genes: dict[int, str] = field(default_factory=dict)

    def __call__(self, row: JournalRow) -> str:
        """The lines of one candidate."""
        known = self._known.get(row.id)
        if known is None or known[0] is not row:
            self._known[row.id] = known = row, self._words(row)
        return known[1]

    def _words(self, row: JournalRow) -> str:
        scores = [f"{escaped(name)} {self._score(row, name)}" for name in self.objectives if name in row.scores]
        return "<br>".join([f"<b>candidate {row.id}</b>, {_origin(row)}", *scores, self._state(row), self.genes(row)])

    def _score(self, row: JournalRow, name: str) -> str:
        words, before = score_words(row, name), row.scores[name].mean
        same = row.confirmed is None or row.confirmed[name].mean == before
        return words if same else f"{words} ({number(before)} in the search)"

    def _state(self, row: JournalRow) -> str:
        if row.confirmed is not None:
            return "trained again from scratch"
        if len(row.outcomes) > self.full:
            return "final scores"
        return f"rung {len(row.outcomes)} of {self.full + 1}: not trained to the end"

    def genes(self, row: JournalRow) -> str:
        """The genes of one candidate."""
        if row.id not in self._genes:
            self._genes[row.id] = "<br>".join(map(escaped, _gene_lines(row.genome)))
        return self._genes[row.id]


def _origin(row: JournalRow) -> str:
    return f"child of {' and '.join(map(str, row.parents))}" if row.parents else "without parents"


def _gene_lines(genome: Genome) -> list[str]:
    columns = {name: cell(value) for name, value in genome_columns(genome).items()}
    encoders = ", ".join(f"{item.modality} ({item.kind.replace('_', ' ')})" for item in genome.network.encoders)
    levels = f"{counted(len(genome.network.levels), 'level')}: {columns['experts'].replace('_', ' ')}"
    kinds = ", ".join(level.gate.kind.replace("_", " ") for level in genome.network.levels)
    gates = f"; gates: {kinds}" if kinds else ""
    return [
        f"reads {encoders}",
        levels if columns["experts"] else "no levels",
        f"width {columns['width']}{gates}",
        f"{columns['epochs']} epochs, learning rate {columns['learning_rate']}, dropout {columns['dropout']}",
    ]


def spread(rows: Sequence[JournalRow], most: int) -> list[JournalRow]:
    """Of many candidates about `most`, spread over the search. Those that are shown stay when others come."""
    step = 1
    while len(rows) > most * step:
        step *= 2
    return [row for row in rows if row.id % step == 0]


def points(rows: Sequence[JournalRow], hover: Hover, **more: Any) -> Trace:
    """A trace of candidates: the pointer shows their genes, and a click their drawing."""
    ids, text = [row.id for row in rows], [hover(row) for row in rows]
    return {"customdata": ids, "text": text, "hovertemplate": "%{text}<extra></extra>", **more}
