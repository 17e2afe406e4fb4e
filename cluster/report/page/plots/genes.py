"""Which genes win: how many survivors of each generation have them; and where the front comes from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np

from haemsa.cluster.report.figures.ancestry import Ancestry, trace
from haemsa.cluster.report.figures.genes import MODALITY, Shares, choice_shares, part_shares, quartiles
from haemsa.cluster.report.figures.style import FAINT, SERIES, colours_of
from haemsa.cluster.report.page.plots.look import LOG, Group, Hover, Plot, Trace, axis, escaped, line, points, series
from haemsa.cluster.report.record import SearchRecord
from haemsa.cluster.shared.text import counted

_DASHES: Final = ("solid", "dash", "dot")
_WIDE_RANGE: Final = 30.0  # from this ratio of values on, the axis is logarithmic
_MOST: Final = 18  # genes


def gene_groups(record: SearchRecord) -> dict[str, Group]:
    """Parts, training genes and choices among the survivors of each generation. Genes that never differ have none."""
    parts = Group("Which parts win: the share of the survivors of each generation that have at least one.")
    training = Group("Which training genes win: median and quartiles among the survivors of each generation.")
    choices = Group("Which choices in training win: their share among the survivors of each generation.")
    if record.history is None:
        return {"parts": parts, "training": training, "choices": choices}
    survivors = {generation: ids for generation, ids in record.history.populations.items() if ids}
    needed = {number for ids in survivors.values() for number in ids}
    genomes = {row.id: row.genome for row in record.rows if row.id in needed}
    generations, populations = list(survivors), [[genomes[number] for number in ids] for ids in survivors.values()]
    return {
        "parts": Group(parts.caption, _share_plots(generations, part_shares(populations), record.modalities)),
        "training": Group(training.caption, _spread_plots(generations, quartiles(populations))),
        "choices": Group(choices.caption, _share_plots(generations, choice_shares(populations))),
    }


def _share_plots(generations: Sequence[int], genes: Mapping[str, Shares], modalities: Sequence[str] = ()) -> list[Plot]:
    """A picture per gene: the share of the survivors that have each of its values."""
    plots = []
    for name, shares in [item for item in genes.items() if len(item[1]) > 1][:_MOST]:
        data, colours = list[Trace](), colours_of(shares, modalities if name == MODALITY else ())
        for number, (value, share) in enumerate(shares.items()):
            words, dash = escaped(value.replace("_", " ")), _DASHES[number // len(SERIES) % len(_DASHES)]
            hover = f"{words}: %{{y:.0%}} in generation %{{x}}<extra></extra>"
            look = {**line(colours[value], 2, dash=dash), **_dots(generations)}
            data.append({"x": generations, "y": share.tolist(), "name": words, "hovertemplate": hover, **look})
        up = {"tickformat": ".0%", "range": [-0.03, 1.03]}
        plots.append(
            Plot(name.replace("_", " "), data, {"xaxis": _generations(generations), "yaxis": up, "showlegend": True})
        )
    return plots


def _spread_plots(generations: Sequence[int], genes: Mapping[str, np.ndarray[Any, Any]]) -> list[Plot]:
    """A picture per gene: the median of the survivors' values, between their quartiles."""
    plots = []
    for name, (low, middle, high) in list(genes.items())[:_MOST]:
        band = {"x": generations, "hoverinfo": "skip", **line(SERIES[0], 0)}
        hover = "median %{y:.3g} in generation %{x}<extra></extra>"
        data: list[Trace] = [
            {**band, "y": low.tolist()},
            {**band, "y": high.tolist(), "fill": "tonexty", "fillcolor": "rgba(74, 144, 217, .28)"},
            {"x": generations, "y": middle.tolist(), "hovertemplate": hover, **line(SERIES[0]), **_dots(generations)},
        ]
        wide = low.min() > 0 and high.max() > _WIDE_RANGE * low.min()
        up = LOG if wide else {"rangemode": "tozero"}
        layout = {"xaxis": _generations(generations), "yaxis": up, "showlegend": False}
        plots.append(Plot(name.replace("_", " "), data, layout))
    return plots


def _generations(generations: Sequence[int]) -> dict[str, Any]:
    """An axis with whole numbers."""
    return axis("generation", tick0=1, dtick=max(1, len(generations) // 6))


def _dots(generations: Sequence[int]) -> Trace:
    """Few generations have a dot each on the line."""
    return {"mode": "lines+markers" if len(generations) <= 12 else "lines"}


def lineage_group(record: SearchRecord, hover: Hover) -> Group:
    """Where the front comes from: each genome of it has its own height, and a line to its fitter parent."""
    caption = (
        "Where the front comes from. A line joins each genome to its fitter parent; squares have no parents. Rest on a "
        "genome to see its scores."
    )
    if not record.front:
        return Group(caption)
    ancestry = trace({row.id: row.parents for row in record.rows}, [row.id for row in record.front])
    if ancestry.others:
        caption += f" {counted(ancestry.others, 'further ancestor')}, through the other parents, are not drawn."
    height = min(900, 140 + 26 * len(ancestry.front))
    up = {"visible": False, "range": [-0.8, len(ancestry.front) - 0.2]}
    layout = {"xaxis": axis("genomes, in the order in which they were bred"), "yaxis": up, "height": height}
    return Group(caption, [Plot("", _tree(ancestry, record, hover), {**layout, "showlegend": False}, wide=True)])


def _tree(ancestry: Ancestry, record: SearchRecord, hover: Hover) -> list[Trace]:
    founders = sorted(set(ancestry.founder.values()), key=lambda number: ancestry.lane[number])
    colour = {number: series(place) for place, number in enumerate(founders)}
    data: list[Trace] = []
    for founder in founders:
        x, y = list[float | None](), list[float | None]()
        for child, parent in ancestry.parent.items():
            if parent is not None and ancestry.founder[child] == founder:
                x += [parent, parent + 0.75 * (child - parent), child, None]
                y += [ancestry.lane[parent], ancestry.lane[parent], ancestry.lane[child], None]
        data.append({"x": x, "y": y, "hoverinfo": "skip", **line(colour[founder], 1.6)})
    rows = {row.id: row for row in record.rows}
    members, front = list(ancestry.parent), set(ancestry.front)
    marker = {
        "color": [colour[ancestry.founder[number]] for number in members],
        "size": [11 if number in front else 7 for number in members],
        "symbol": ["square" if ancestry.parent[number] is None else "circle" for number in members],
        "line": {"width": 1, "color": FAINT},
    }
    place = {"x": members, "y": [ancestry.lane[number] for number in members], "mode": "markers", "marker": marker}
    return [*data, points([rows[number] for number in members], hover, **place)]
