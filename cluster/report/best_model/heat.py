"""Tables as pictures, by the strength of one colour: what a network uses, and what it loses without a modality."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from haemsa.cluster.report.best_model.missing import goodness
from haemsa.cluster.report.best_model.usage import Usage
from haemsa.cluster.report.figures.style import INK, WIDTH, drawable, plain, shades
from haemsa.cluster.shared.text import number

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_CELL: Final = 0.3  # inches
Array = np.ndarray[Any, Any]


def usage_figure(tables: Sequence[Usage]) -> Figure:
    """One table below the other. Each cell has a mean weight from 0 to 1."""
    from matplotlib.figure import Figure

    sizes = [len(table.rows) for table in tables]
    figure = Figure(figsize=(WIDTH, 0.5 + sum(0.75 + _CELL * size for size in sizes)), layout="constrained")
    grid = figure.add_gridspec(len(tables), 1, height_ratios=sizes)
    for place, table in enumerate(tables):
        axes = figure.add_subplot(grid[place, 0])
        cells = [[f"{weight:.2f}" for weight in row] for row in table.weights]
        draw_table(axes, table.weights, table.rows, table.columns, cells)
        axes.set_title(table.title, fontsize=10, color=INK, loc="left")
    return figure


def missing_figure(table: Mapping[str, Mapping[str, float]]) -> Figure:
    """A row per subset of modalities, a column per metric. The better within its column, the stronger the colour."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(WIDTH, 1.1 + _CELL * len(table)), layout="constrained")
    axes = figure.add_subplot()
    columns = list(next(iter(table.values())))
    cells = [[number(value) for value in row.values()] for row in table.values()]
    draw_table(axes, goodness(table), list(table), [name.replace("_", " ") for name in columns], cells)
    return figure


def draw_table(
    axes: Axes, strengths: Array, rows: Sequence[str], columns: Sequence[str], cells: Sequence[Sequence[str]]
) -> None:
    """Draw cells with their text. `strengths` [rows, columns], 0 to 1: how strong the colour of each cell is."""
    plain(axes)
    axes.grid(visible=False)
    axes.pcolormesh(np.clip(strengths, 0, 1), cmap=shades(0.03, 0.75), vmin=0, vmax=1, edgecolors=INK, linewidth=0.3)
    axes.set_ylim(len(rows), 0)
    for row, texts in enumerate(cells):
        for column, text in enumerate(texts):
            axes.text(column + 0.5, row + 0.5, text, ha="center", va="center", fontsize=8, color=INK)
    names = [drawable(name, 22) for name in columns]
    slanted = len(names) * max(map(len, names)) > 80
    axes.set_xticks(
        np.arange(len(names)) + 0.5, names, rotation=30 if slanted else 0, ha="left" if slanted else "center"
    )
    axes.set_yticks(np.arange(len(rows)) + 0.5, [drawable(name, 36) for name in rows])
    axes.xaxis.tick_top()
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)
