"""Where the front comes from: the fitter parents of its genomes, back to the founders, and a picture of them.

A genome has up to two parents. After some generations nearly every genome is an ancestor of every other. Only the line
of the fitter parents is a tree that can be read, because each genome has only one.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from haemsa.cluster.report.figures.style import FAINT, INK, PAPER, SERIES, WIDTH, plain, titled

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_TALL: Final = 9.0  # inches
_NUMBERED: Final = 60  # up to so many genomes of the front have their number next to them


@dataclass(frozen=True)
class Ancestry:
    """A forest of genomes: `front` and its fitter ancestors.

    parent: by id, the fitter parent; None for a founder, which was sampled. lane: by id, its height in the picture, 0
    for the lowest. founder: by id, the founder that it comes from. others: how many ancestors are only reached through
    the other parents; they are not in the forest.
    """

    front: tuple[int, ...]
    parent: Mapping[int, int | None]
    lane: Mapping[int, float]
    founder: Mapping[int, int]
    others: int


def trace(parents: Mapping[int, Sequence[int]], front: Iterable[int]) -> Ancestry:
    """The ancestry of `front`.

    Args:
        parents: by id, the parents, the fitter one first. Parents have smaller ids than their children.
        front: ids of the genomes to trace.
    """
    ends = tuple(sorted(set(front)))
    fitter: dict[int, int | None] = {}
    for end in ends:
        number: int | None = end
        while number is not None and number not in fitter:
            fitter[number] = next(iter(parents.get(number, ())), None)
            number = fitter[number]
    founder: dict[int, int] = {}
    for number in sorted(fitter):  # parents before their children
        parent = fitter[number]
        founder[number] = number if parent is None else founder[parent]
    others = len(_ancestors(parents, ends)) - len(fitter)
    return Ancestry(ends, fitter, _lanes(fitter, ends), founder, others)


def _ancestors(parents: Mapping[int, Sequence[int]], ends: Iterable[int]) -> set[int]:
    """All ancestors through both parents, and `ends` too."""
    ancestors, left = set(ends), list(ends)
    while left:
        new = set(parents.get(left.pop(), ())) - ancestors
        ancestors |= new
        left += new
    return ancestors


def _lanes(fitter: Mapping[int, int | None], ends: Sequence[int]) -> dict[int, float]:
    """Each genome of the front has its own lane, near its relatives. An ancestor is in the middle of its children."""
    front = set(ends)
    children: dict[int | None, list[int]] = {}
    for number in sorted(fitter):
        children.setdefault(fitter[number], []).append(number)
    lanes: dict[int, float] = {}
    left, free = list(reversed(children.get(None, []))), 0
    while left:
        number = left.pop()
        below = children.get(number, [])
        if all(child in lanes for child in below):
            on_front = number in front
            lanes[number] = float(free) if on_front else sum(lanes[child] for child in below) / len(below)
            free += on_front
        else:
            left += [number, *reversed(below)]
    return lanes


def ancestry_figure(ancestry: Ancestry) -> Figure:
    """Every genome of the front has its own height. A line joins each genome to its fitter parent."""
    from matplotlib.figure import Figure

    count = len(ancestry.front)
    figure = Figure(figsize=(WIDTH, min(_TALL, 1.2 + 0.27 * count)), layout="constrained")
    axes = figure.add_subplot()
    plain(axes)
    founders = sorted(set(ancestry.founder.values()), key=lambda number: ancestry.lane[number])
    colours = {number: SERIES[place % len(SERIES)] for place, number in enumerate(founders)}
    _draw_lines(axes, ancestry, colours)
    _draw_genomes(axes, ancestry, colours)
    axes.set_yticks([])
    axes.spines["left"].set_visible(False)
    axes.grid(axis="y", visible=False)
    axes.set_ylim(-0.8, count - 0.2)
    axes.margins(x=0.05)
    axes.locator_params("x", integer=True)
    axes.set_xlabel("genomes, in the order in which they were bred")
    if ancestry.others:
        words = f"not drawn: {ancestry.others:,} further ancestors, through the other parents"
        axes.set_title(words, fontsize=9, color=FAINT, loc="left")
    return figure


def _draw_lines(axes: Axes, ancestry: Ancestry, colours: Mapping[int, str]) -> None:
    """A line runs at the parent's height, then over to the child's. Ancestors are dots."""
    from matplotlib.collections import LineCollection

    for founder, colour in colours.items():
        born = [
            (child, parent)
            for child, parent in ancestry.parent.items()
            if parent is not None and ancestry.founder[child] == founder
        ]
        lines = [_line(ancestry, child, parent) for child, parent in born]
        axes.add_collection(LineCollection(lines, colors=colour, linewidths=1.4, alpha=0.8, zorder=2))
        heights = [ancestry.lane[child] for child, _ in born]
        axes.scatter([child for child, _ in born], heights, s=8, color=colour, linewidths=0, zorder=3)


def _line(ancestry: Ancestry, child: int, parent: int) -> list[tuple[float, float]]:
    start, end = ancestry.lane[parent], ancestry.lane[child]
    return [(parent, start), (parent + 0.75 * (child - parent), start), (child, end)]


def _draw_genomes(axes: Axes, ancestry: Ancestry, colours: Mapping[int, str]) -> None:
    """The front and the founders, with their numbers if there is room."""
    front = set(ancestry.front)
    for number in sorted(front | set(colours)):
        parent, on_front = ancestry.parent[number], number in front
        colour, place = colours[ancestry.founder[number]], (number, ancestry.lane[number])
        marker, size = "s" if parent is None else "o", 7 if on_front else 5
        (dot,) = axes.plot(*place, marker, color=colour, zorder=4, markersize=size)
        dot.set_markerfacecolor(colour if on_front else PAPER)
        titled(dot, _title(number, parent, on_front))
        if len(front if on_front else colours) <= _NUMBERED:
            shift, side = (-7, "right") if parent is None else (7, "left")
            text = axes.annotate(str(number), place, (shift, 0), textcoords="offset points", fontsize=8)
            text.set(va="center", ha=side, color=INK if on_front else FAINT)


def _title(number: int, parent: int | None, on_front: bool) -> str:
    origin = "a founder" if parent is None else f"child of {parent}"
    return f"genome {number}, {origin}{', on the front' if on_front else ''}"
