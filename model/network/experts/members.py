"""The experts of a cohort as members of groups, and what all parts of a group have in common."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache
from typing import Final, NamedTuple

from torch import Tensor

from haemsa.model.network.batch import Batch
from haemsa.model.network.cohort import Cohort, Init, Slot, Stacked
from haemsa.model.network.noise import Noise
from haemsa.model.spec.network import ExpertSpec

ParameterShape = Callable[[int, int], tuple[int, ...]]
"""A parameter's shape from the token width and the hidden width."""
_GROUP_COST: Final = 150_000
"""One more group of experts takes as long in a step as so many padded parameters (measured on a CPU)."""


class Member(NamedTuple):
    """An expert of a cohort: its row, its place in that row's level, and its specification."""

    row: int
    number: int
    spec: ExpertSpec


class Source(NamedTuple):
    """What experts read besides tokens: the batch, which tokens are present, bool [P, D, B] or None, and noise."""

    batch: Batch | None
    present: Tensor | None
    noise: Noise | None


class Size(NamedTuple):
    """The token width and the hidden width to which experts are padded."""

    width: int
    hidden: int


def size_of(members: Sequence[Member], cohort: Cohort) -> Size:
    """The widest of each."""
    return Size(max(cohort.widths[m.row] for m in members), max(m.spec.width for m in members))


class ExpertPart(Stacked):
    """A part of a group of experts of one level, which are padded to one size."""

    def __init__(self, cohort: Cohort, level: int, size: Size) -> None:
        super().__init__()
        self.cohort, self.level, self.size = cohort, level, size

    def path_of(self, member: Member) -> str:
        """The first part of the names of an expert's weights."""
        return f"levels.{self.level}.experts.{member.number}"

    def token_of(self, member: Member, name: str) -> int:
        """Where a token of the expert's row lies on the axis [P * D]."""
        return member.row * len(self.cohort.tokens) + self.cohort.tokens.index(name)

    def add_each(self, name: str, places: Sequence[tuple[Member, str]], shape: ParameterShape, init: Init) -> None:
        """Make a stack with a parameter for each of these parts of experts."""
        slots = [
            Slot(index, m.row, f"{self.path_of(m)}.{part}", shape(self.cohort.widths[m.row], m.spec.width))
            for index, (m, part) in enumerate(places)
        ]
        self.add(name, slots, self.cohort, init, least=shape(*self.size))


class _Load(NamedTuple):
    """What decides how many parameters experts have together if all are padded to one size."""

    size: Size
    across: int  # matrices between tokens and hidden units
    deep: int  # matrices between hidden layers
    read: int  # features of steps that are projected

    def parameters(self) -> int:
        width, hidden = self.size
        return self.across * width * hidden + self.deep * hidden * hidden + self.read * hidden

    def with_(self, other: _Load) -> _Load:
        size = Size(*map(max, zip(self.size, other.size, strict=True)))
        return _Load(size, *(sum(pair) for pair in zip(self[1:], other[1:], strict=True)))


def _load(member: Member, cohort: Cohort) -> _Load:
    spec = member.spec
    read = cohort.schema.over_time(spec.sees) if spec.kind == "cross_attention" else ()
    across = len(spec.sees) * (2 if spec.kind == "gated" else 1) + 1
    features = sum(2 * cohort.schema.modalities[name][1] for name in read)
    return _Load(size_of([member], cohort), across, spec.depth - 1, features)


def by_size(members: Sequence[Member], cohort: Cohort) -> list[list[Member]]:
    """Experts in groups of like size. Two groups become one while that pads less than another group costs.

    The experts of a single network are split at every width, so that it has no padding at all.
    """
    extra = _GROUP_COST if len(cohort) > 1 else 0
    loads = dict[Size, _Load]()
    found = dict[Size, list[Member]]()
    for member in members:
        own = _load(member, cohort)
        loads[own.size] = loads[own.size].with_(own) if own.size in loads else own
        found.setdefault(own.size, []).append(member)
    groups, padding = [(loads[size], found[size]) for size in sorted(loads)], cache(_padding)
    while len(groups) > 1:
        pairs = ((one, other) for other in range(len(groups)) for one in range(other))
        pads, one, other = min((padding(groups[one][0], groups[other][0]), one, other) for one, other in pairs)
        if pads >= extra:
            break
        load, more = groups.pop(other)
        groups[one] = (groups[one][0].with_(load), [*groups[one][1], *more])
    return [group for _, group in groups]


def _padding(first: _Load, second: _Load) -> int:
    """How many more parameters two groups have as one."""
    return first.with_(second).parameters() - first.parameters() - second.parameters()
