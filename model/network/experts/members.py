"""The experts of a cohort as members of groups, and what all parts of a group have in common."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final, NamedTuple

from torch import Tensor

from haemsa.model.network.batch import Batch
from haemsa.model.network.cohort import Cohort, Init, Slot, Stacked
from haemsa.model.network.noise import Noise
from haemsa.model.spec.network import ExpertSpec

ParameterShape = Callable[[int, int], tuple[int, ...]]
"""A parameter's shape from the token width and the hidden width."""
_GROUP_COST: Final = 60_000
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


class ExpertPart(Stacked):
    """A part of a group of experts of one level, whose hidden layers are padded to one width."""

    def __init__(self, cohort: Cohort, level: int, hidden: int) -> None:
        super().__init__()
        self.cohort, self.level, self.hidden = cohort, level, hidden

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
        self.add(name, slots, self.cohort, init, least=shape(self.cohort.width, self.hidden))


def by_size(members: Sequence[Member], cohort: Cohort) -> list[list[Member]]:
    """Experts split by width where padding would cost more than another group; narrow ones first.

    The experts of a single network are split at every width, so that it has no padding at all.
    """
    extra = _GROUP_COST if len(cohort) > 1 else 0
    widths = sorted({member.spec.width for member in members})
    weights = [sum(_weights(m.spec, cohort) for m in members if m.spec.width == width) for width in widths]
    best: list[tuple[int, list[int]]] = [(0, [])]  # least cost of the first n widths, and where groups end
    for end in range(1, len(widths) + 1):
        tries = [
            (best[start][0] + extra + widths[end - 1] * sum(weights[start:end]), [*best[start][1], end])
            for start in range(end)
        ]
        best.append(min(tries, key=lambda item: (item[0], len(item[1]))))
    ends = best[-1][1]
    limits = [widths[end - 1] for end in ends]
    return [[m for m in members if low < m.spec.width <= high] for low, high in zip([0, *limits], limits, strict=False)]


def _weights(spec: ExpertSpec, cohort: Cohort) -> int:
    """Roughly how many weights a hidden unit has: inputs, outputs, a further layer, and features that it reads."""
    read = cohort.schema.over_time(spec.sees) if spec.kind == "cross_attention" else ()
    return 3 * cohort.width + 2 * sum(cohort.schema.modalities[name][1] for name in read)
