"""Where the front comes from: the fitter parents of its genomes, back to the founders, and where to draw them.

A genome has up to two parents, and after some generations nearly every one is an ancestor of every other: only the line
of the fitter parents, of which each genome has one, is a tree that can be read.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass


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
