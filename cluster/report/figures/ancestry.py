"""Where the front comes from: the fitter parents of its genomes, back to the founders, and where to draw them.

A genome has up to two parents, and after some generations nearly every one is an ancestor of every other: only the line
of the fitter parents, of which each genome has one, is a tree that can be read.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from haemsa.cluster.report.figures.style import FAINT, INK, PAPER, SERIES, WIDTH, plain, titled

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


@dataclass(frozen=True)
class Ancestry:
    """A forest of genomes: `front` and its fitter ancestors.

    parent: by id, the fitter parent (None: a founder, which was sampled). lane: by id, its height, 0 for the lowest.
    founder: by id, the founder that it comes from. others: ancestors through the other parents, which are not in it.
    """

    front: tuple[int, ...]
    parent: Mapping[int, int | None]
    lane: Mapping[int, float]
    founder: Mapping[int, int]
    others: int


def trace(parents: Mapping[int, Sequence[int]], front: Iterable[int]) -> Ancestry:
    """The ancestry of `front`. `parents`: by id, the fitter one first, ids smaller than its own."""
    ends = tuple(sorted(set(front)))
    fitter: dict[int, int | None] = {}
    for end in ends:
        number: int | None = end
        while number is not None and number not in fitter:
            fitter[number] = next(iter(parents.get(number, ())), None)
            number = fitter[number]
    founder: dict[int, int] = {}
    for number in sorted(fitter):  # parents before their children
        above = fitter[number]
        founder[number] = number if above is None else founder[above]
    others = len(_ancestors(parents, ends)) - len(fitter)
    return Ancestry(ends, fitter, _lanes(fitter, ends), founder, others)


def _ancestors(parents: Mapping[int, Sequence[int]], ends: Iterable[int]) -> set[int]:
    """All of them, `ends` too."""
    found, left = set(ends), list(ends)
    while left:
        new = set(parents.get(left.pop(), ())) - found
        found |= new
        left += new
    return found


def _lanes(fitter: Mapping[int, int | None], ends: Sequence[int]) -> dict[int, float]:
    """Each genome of the front has a lane of its own, next to its nearest relatives; an ancestor lies amid its own."""
    last = set(ends)
    children: dict[int | None, list[int]] = {}
    for number in sorted(fitter):
        children.setdefault(fitter[number], []).append(number)
    lanes: dict[int, float] = {}
    left, free = list(reversed(children.get(None, []))), 0
    while left:
        number = left.pop()
        own = children.get(number, [])
        if all(child in lanes for child in own):
            alone = number in last
            lanes[number] = float(free) if alone else sum(lanes[child] for child in own) / len(own)
            free += alone
        else:
            left += [number, *reversed(own)]
    return lanes


_TALL: Final = 9.0
_NAMED: Final = 60  # genomes of the front that have a number beside them


def ancestry_figure(ancestry: Ancestry) -> Figure:
    """Every genome of the front has a height of its own; a line goes from each genome to its fitter parent."""
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
        words = f"{ancestry.others:,} further ancestors, through the other parents, are not drawn"
        axes.set_title(words, fontsize=9, color=FAINT, loc="left")
    return figure


def _draw_lines(axes: Axes, ancestry: Ancestry, colours: Mapping[int, str]) -> None:
    """Along the parent's height, then over to the child's; a dot where an ancestor is."""
    from matplotlib.collections import LineCollection

    for founder, colour in colours.items():
        born = [
            (child, up)
            for child, up in ancestry.parent.items()
            if up is not None and ancestry.founder[child] == founder
        ]
        lines = [_line(ancestry, child, parent) for child, parent in born]
        axes.add_collection(LineCollection(lines, colors=colour, linewidths=1.4, alpha=0.8, zorder=2))
        heights = [ancestry.lane[child] for child, _ in born]
        axes.scatter([child for child, _ in born], heights, s=8, color=colour, linewidths=0, zorder=3)


def _line(ancestry: Ancestry, child: int, parent: int) -> list[tuple[float, float]]:
    start, end = ancestry.lane[parent], ancestry.lane[child]
    return [(parent, start), (parent + 0.75 * (child - parent), start), (child, end)]


def _draw_genomes(axes: Axes, ancestry: Ancestry, colours: Mapping[int, str]) -> None:
    """The front and the founders, with their numbers where there is room."""
    front = set(ancestry.front)
    for number in sorted(front | set(colours)):
        parent, ends = ancestry.parent[number], number in front
        colour, place = colours[ancestry.founder[number]], (number, ancestry.lane[number])
        (dot,) = axes.plot(*place, "s" if parent is None else "o", color=colour, zorder=4, markersize=7 if ends else 5)
        dot.set_markerfacecolor(colour if ends else PAPER)
        titled(dot, _title(number, parent, ends))
        if len(front if ends else colours) <= _NAMED:
            shift, side = (-7, "right") if parent is None else (7, "left")
            text = axes.annotate(str(number), place, (shift, 0), textcoords="offset points", fontsize=8)
            text.set(va="center", ha=side, color=INK if ends else FAINT)


def _title(number: int, parent: int | None, ends: bool) -> str:
    origin = "a founder" if parent is None else f"child of {parent}"
    return f"genome {number}, {origin}{', on the front' if ends else ''}"
