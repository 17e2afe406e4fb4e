"""Which genes matter: a bar for each, and over these genes a line for each genome (parallel coordinates)."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from typing import Any, Final

import numpy as np

from haemsa.cluster.report.figures.front import in_words
from haemsa.cluster.report.figures.importance import Scale, best_order, scales_of
from haemsa.cluster.report.figures.style import FAINT, SERIES, STRONG
from haemsa.cluster.report.importance import Importance
from haemsa.cluster.report.page.plots.look import Group, Hover, Plot, Trace, axis, escaped
from haemsa.cluster.report.record import SearchRecord
from haemsa.cluster.run_directory.rows import JournalRow
from haemsa.cluster.run_directory.tables import thinned
from haemsa.evo.expert_space.features import gene_table, names_in

_BARS: Final = 12
_LINES: Final = 150
_SHADES: Final = (STRONG, "#d9a02b", FAINT, "#2fa9b5", "#2f7fe0")
"""From the best fifth of the genomes to the worst."""


def importance_group(record: SearchRecord, hover: Hover) -> Group:
    """Empty while it is not known which genes matter."""
    found = record.importance
    if isinstance(found, str):
        return Group("")
    caption = (
        "Which genes matter: the bars, and how much they differ between shuffles (permutation importance). The lines "
        f"are genomes across these genes: the best fifth has the first colour. {found.words()}"
    )
    return Group(caption, [_bars(found), _parallel(record, found, hover)])


def _bars(found: Importance) -> Plot:
    genes = found.genes[:_BARS][::-1]
    names = [escaped(gene.name) for gene in genes]
    bars = {"type": "data", "array": [gene.spread for gene in genes], "color": FAINT, "thickness": 1.2, "width": 3}
    data: Trace = {
        "type": "bar", "orientation": "h", "x": [gene.mean for gene in genes], "y": names, "error_x": bars,
        "marker": {"color": SERIES[0]}, "hovertemplate": "%{y}: %{x:.3f}<extra></extra>",
    }  # fmt: skip
    across = axis(f"R2 of the predicted {in_words(found.objective)} falls by")
    layout = {"xaxis": across, "yaxis": {"automargin": True}, "height": 110 + 24 * len(genes), "showlegend": False}
    return Plot("", [data], layout, wide=True)


def _parallel(record: SearchRecord, found: Importance, hover: Hover) -> Plot:
    shown = thinned(record.final, _LINES)
    rows = [{"id": row.id} | {name: row.scores[name].mean for name in record.objectives} for row in shown]
    genomes = [row.genome for row in shown]
    table = gene_table(genomes, *names_in(genomes))
    scales = scales_of(table, rows, record.objectives, [gene.name for gene in found.genes])
    order = best_order(rows, record.objectives)
    fifths = [part for part in np.array_split(order, len(_SHADES)) if len(part)]
    data = [_lines(shown, part, scales, hover, place) for place, part in reversed(list(enumerate(fifths)))]
    layout: dict[str, Any] = {
        "xaxis": {"showgrid": False, "zeroline": False, "tickvals": list(range(len(scales))), "side": "top",
                  "ticktext": [_folded(scale.name) for scale in scales], "range": [-0.15, len(scales) - 0.4]},
        "yaxis": {"visible": False, "range": [-0.2, 1.08]},
        "annotations": [note for place, scale in enumerate(scales) for note in _ticks(place, scale)],
        "height": 440, "showlegend": False,
    }  # fmt: skip
    return Plot("", data, layout, wide=True)


def _lines(
    shown: Sequence[JournalRow], part: np.ndarray[Any, Any], scales: Sequence[Scale], hover: Hover, place: int
) -> Trace:
    """The genomes of one fifth as one trace, with a gap after each."""
    heights, width = np.stack([scale.heights for scale in scales]), len(scales)
    rows = [shown[number] for number in part]
    return {
        "x": [at for _ in rows for at in (*range(width), None)],
        "y": [value for number in part for value in (*heights[:, number].tolist(), None)],
        "text": [words for row in rows for words in [hover(row)] * (width + 1)],
        "customdata": [row.id for row in rows for _ in range(width + 1)],
        "hovertemplate": "%{text}<extra></extra>",
        "mode": "lines",
        "line": {"color": _SHADES[place], "width": 1.8 if place == 0 else 1},
        "opacity": 0.9 if place == 0 else 0.45,
    }


def _folded(name: str) -> str:
    """A name on short lines."""
    return "<br>".join(escaped(part) for part in textwrap.wrap(name, 13))


def _ticks(place: int, scale: Scale) -> list[dict[str, Any]]:
    return [
        {"x": place, "y": height, "text": escaped(words), "showarrow": False, "xanchor": "left", "xshift": 4,
         "font": {"size": 10}}
        for height, words in scale.ticks
    ]  # fmt: skip
