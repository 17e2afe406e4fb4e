"""Which genes matter: a bar for each, and, over these genes, a line for each genome (parallel coordinates)."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from haemsa.cluster.report.figures.front import Rows, Values, in_words, is_log, label, values
from haemsa.cluster.report.figures.style import (
    INK,
    PAPER,
    SERIES,
    WIDTH,
    colour_bar,
    drawable,
    plain,
    rows_of,
    scale,
    titled,
)
from haemsa.cluster.report.importance import Importance
from haemsa.cluster.shared.text import number
from haemsa.evo.expert_space.features import Gene, GeneTable

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.cm import ScalarMappable
    from matplotlib.figure import Figure

_BARS: Final = 15
_GENES: Final = 6
_UNDEFINED: Final = -0.12
"""The height of genomes in which a gene has no meaning."""
_APART: Final = 0.025
"""How far lines with the same value of a choice lie apart at most, so that each can be seen."""
_FEW: Final = 8
"""A gene with so many values or fewer has each of them as a tick."""


def importance_figure(found: Importance) -> Figure:
    """A bar for each of the most important genes, with the deviation over shuffles."""
    genes = found.genes[:_BARS]
    figure, axes = rows_of([gene.name for gene in genes])
    places = range(len(genes))
    spreads: dict[str, Any] = {"xerr": [gene.spread for gene in genes], "ecolor": INK, "capsize": 3}
    axes.barh(places, [gene.mean for gene in genes], height=0.6, color=SERIES[0], error_kw={"linewidth": 1}, **spreads)
    axes.set_xlim(left=min(0.0, *(gene.mean - gene.spread for gene in genes)))
    axes.set_xlabel(f"by how much R2 of the predicted {in_words(found.objective)} falls when the gene is shuffled")
    return figure


def parallel_figure(
    table: GeneTable, rows: Rows, objectives: Mapping[str, str], genes: Sequence[str] | None = None
) -> Figure:
    """A line for each genome, across an axis for each gene and each objective. The colour is the first objective.

    Args:
        table: the genes of the genomes.
        rows: the same genomes in the same order, each with an `id` and a column per objective.
        objectives: by name, "min" or "max".
        genes: the names of the genes that have axes, of which the first are drawn. None: those of the table.
    """
    from matplotlib.figure import Figure

    scores, order = values(rows, list(objectives)), best_order(rows, objectives)
    scales = scales_of(table, rows, objectives, genes)
    figure = Figure(figsize=(WIDTH, 4.8), layout="constrained")
    axes = figure.add_subplot()
    _draw_scales(axes, scales)
    shade = _draw_lines(axes, scales, rows, scores, objectives, order[::-1])
    colour_bar(figure, shade, axes, label(next(iter(objectives)), objectives))
    return figure


def best_order(rows: Rows, objectives: Mapping[str, str]) -> np.ndarray[Any, np.dtype[np.intp]]:
    """The places of the genomes, the best in the first objective first [N]."""
    name, direction = next(iter(objectives.items()))
    first = values(rows, [name])[:, 0]
    return np.argsort(first if direction == "min" else -first, kind="stable")


def scales_of(
    table: GeneTable, rows: Rows, objectives: Mapping[str, str], genes: Sequence[str] | None = None
) -> list[Scale]:
    """An axis for each gene and each objective. The arguments are those of `parallel_figure`."""
    names = list(genes or table.names)[:_GENES]
    columns = [(table.genes[place], table.values[:, place]) for place in map(table.names.index, names)]
    ranks = np.argsort(best_order(rows, objectives)) / max(1, len(rows) - 1)
    scales = [_gene_scale(gene, column, ranks) for gene, column in columns]
    scores = values(rows, list(objectives))
    return scales + [_score_scale(name, objectives, column) for name, column in zip(objectives, scores.T, strict=True)]


@dataclass(frozen=True)
class Scale:
    """An axis: its name, the height from 0 to 1 of each genome [N], and its ticks."""

    name: str
    heights: Values
    ticks: Sequence[tuple[float, str]]


def _gene_scale(gene: Gene, column: Values, ranks: Values) -> Scale:
    """The scale of a gene. `ranks` [N], from 0 to 1, put lines apart that have the same value."""
    known = np.unique(column[~np.isnan(column)])
    low, high = (float(known[0]), float(known[-1])) if len(known) else (0.0, 0.0)
    heights = _between(column, low, high)
    few = len(known) <= _FEW
    if few and gene.kind != "log":
        heights = heights + _APART * (1 - 2 * ranks)
    heights = np.where(np.isnan(column), _UNDEFINED + _APART * (1 - 2 * ranks), heights)
    at = known if few else np.unique(np.linspace(low, high, 5).round(0 if gene.kind == "count" else 6))
    ticks = [(float(_between(value, low, high)), _tick(gene, float(value))) for value in at]
    if np.isnan(column).any():
        ticks.append((_UNDEFINED, "none"))
    return Scale(gene.name, heights, ticks)


def _tick(gene: Gene, value: float) -> str:
    if gene.kind == "choice":
        return gene.choices[int(value)].replace("_", " ")
    return f"{10**value if gene.kind == 'log' else value:.3g}"


def _score_scale(name: str, objectives: Mapping[str, str], column: Values) -> Scale:
    logarithmic = is_log(name, column)
    shown = np.log10(column) if logarithmic else column
    low, high = float(shown.min()), float(shown.max())
    at = np.linspace(low, high, 5) if high > low else np.array([low])
    ticks = [(float(_between(v, low, high)), number(10**v if logarithmic else v)) for v in at.tolist()]
    return Scale(label(name, objectives), _between(shown, low, high), ticks)


def _between(value: Any, low: float, high: float) -> Any:
    """Where a value lies between the ends of a scale, from 0 to 1; in the middle where they are the same."""
    return (value - low) / (high - low) if high > low else value * 0 + 0.5


def _draw_scales(axes: Axes, scales: Sequence[Scale]) -> None:
    plain(axes)
    axes.grid(visible=False)
    axes.spines[:].set_visible(False)
    axes.set_yticks([])
    axes.set_xlim(-0.2, len(scales) - 0.5)
    axes.set_ylim(_UNDEFINED - 0.06, 1.06)
    names = [textwrap.fill(drawable(scale.name, 60), 14) for scale in scales]
    axes.set_xticks(range(len(scales)), names)
    axes.tick_params(axis="x", length=0, top=False, bottom=False, labelbottom=False, labeltop=True)
    for place, drawn in enumerate(scales):
        axes.plot([place, place], [_UNDEFINED - 0.03, 1.03], color=INK, linewidth=1, zorder=3)
        for height, words in drawn.ticks:
            axes.plot([place, place + 0.04], [height, height], color=INK, linewidth=1, zorder=3)
            paper = {"facecolor": PAPER, "alpha": 0.8, "linewidth": 0, "boxstyle": "round,pad=0.1"}
            look: dict[str, Any] = {"color": INK, "fontsize": 7.5, "va": "center", "zorder": 4, "bbox": paper}
            axes.text(place + 0.07, height, drawable(words, 16), **look)


def _draw_lines(
    axes: Axes,
    scales: Sequence[Scale],
    rows: Rows,
    scores: Values,
    objectives: Mapping[str, str],
    order: Sequence[int] | np.ndarray[Any, Any],
) -> ScalarMappable:
    """Lines, the best genomes last and on top. Returns what their colours mean."""
    from matplotlib.cm import ScalarMappable
    from matplotlib.colors import Normalize

    colours = scale() if next(iter(objectives.values())) == "min" else scale().reversed()
    low, high = np.quantile(scores[:, 0], (0.02, 0.98)).tolist()  # one bad genome would give all others one colour
    shade = ScalarMappable(Normalize(low, high, clip=True), colours)
    heights, count = np.stack([drawn.heights for drawn in scales]), len(rows)
    for place, look in zip(order, _looks(count), strict=True):
        (line,) = axes.plot(heights[:, place], color=shade.to_rgba(scores[place, 0]), **look)
        words = ", ".join(f"{name} {number(value)}" for name, value in zip(objectives, scores[place], strict=True))
        titled(line, f"candidate {rows[place]['id']}: {words}")
    return shade


def _looks(count: int) -> Iterator[dict[str, Any]]:
    """How lines look, from the worst genome to the best: the best tenth is strong."""
    strong = max(1, count // 10)
    for place in range(count):
        yield {"linewidth": 1.8, "alpha": 0.95} if place >= count - strong else {"linewidth": 0.9, "alpha": 0.35}
