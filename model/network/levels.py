"""One level: its experts in groups that are computed together, and its gates, which mix them into the tokens."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor, nn

from haemsa.model.network.batch import Batch, FeatureStatistics
from haemsa.model.network.cohort import Cohort, Stacked
from haemsa.model.network.experts.cross_attention import CrossAttention, CrossAttentionJoin
from haemsa.model.network.experts.group import ExpertGroup
from haemsa.model.network.experts.members import Member, Source
from haemsa.model.network.experts.tensor_fusion import TensorFusionGroup
from haemsa.model.network.gates import GateOutput, Gates
from haemsa.model.network.noise import Noise
from haemsa.model.network.operations.gathering import Gathering, Taking
from haemsa.model.network.operations.layers import normalise
from haemsa.model.network.operations.mixing import add_mixed


def expert_groups(cohort: Cohort, level: int) -> tuple[list[ExpertGroup], list[TensorFusionGroup]]:
    """All experts that the rows of a cohort have in a level."""
    every = [
        Member(row, number, spec)
        for row in range(cohort.rows_with_level(level))
        for number, spec in enumerate(cohort.rows[row].genome.network.levels[level].experts)
    ]
    products = [member for member in every if member.spec.kind == "tensor"]
    others = [member for member in every if member.spec.kind != "tensor"]
    return (
        [ExpertGroup(cohort, level, part) for part in ExpertGroup.parts(others, cohort)],
        [TensorFusionGroup(cohort, level, part) for part in TensorFusionGroup.parts(products, cohort)],
    )


class LevelOutput(NamedTuple):
    """Tokens after the level [P, D, B, W] and what its gates did for the rows that have it."""

    tokens: Tensor
    gate: GateOutput


class Level(Stacked):
    """One level of the first n rows of a cohort. The tokens of the other rows pass unchanged."""

    width: Tensor

    def __init__(self, cohort: Cohort, level: int) -> None:
        super().__init__()
        self.rows = cohort.rows_with_level(level)
        self.constant("width", torch.tensor(cohort.widths[: self.rows], dtype=torch.float32).view(-1, 1, 1, 1))
        groups, products = expert_groups(cohort, level)
        self.groups, self._groups, self.products = nn.ModuleList(groups), tuple(groups), nn.ModuleList(products)
        crossings = [group.crossing for group in groups if group.crossing]
        self.attention = CrossAttention(cohort, crossings) if crossings else None
        self.gates = Gates(cohort, level)
        every: list[ExpertGroup | TensorFusionGroup] = [*groups, *products]
        readers: list[ExpertGroup | TensorFusionGroup | CrossAttentionJoin] = [*every, *crossings]
        self.seen = Taking([part.tokens_seen for part in readers], [part.size.width for part in readers])
        self.place = self._places([member for group in every for member in group.members], cohort.width)

    def _places(self, members: Sequence[Member], width: int) -> Gathering:
        """Takes the output of each row's n-th expert from those of all groups."""
        places = {(member.row, member.number): place for place, member in enumerate(members)}
        every = [(row, number) for row in range(self.rows) for number in range(self.gates.weight.shape[-1])]
        return Gathering([places.get(key) for key in every], len(members), width)

    @property
    def reads(self) -> set[str]:
        """The modalities whose time steps its experts need."""
        return set(self.attention.reads) if self.attention else set()

    def set_statistics(self, statistics: FeatureStatistics) -> None:
        """Standardise the features that experts read, if any, with the statistics of each row's fold."""
        if self.attention:
            self.attention.set_statistics(statistics)

    def forward(
        self, tokens: Tensor, present: Tensor | None, noise: Noise | None, batch: Batch | None = None
    ) -> LevelOutput:
        """Mix experts into tokens [P, D, B, W]; `present` is bool [P, D, B], or None where all are.

        Experts that read features need `batch`.
        """
        n = self.rows
        normed, tokens = normalise(tokens, self.width)
        gate = self.gates(normed, None if present is None else present[:n], noise)
        outputs = self._outputs(normed, Source(batch, present, noise))
        by_row = outputs.view(n, gate.weights.shape[2], *tokens.shape[2:])  # [P, E, B, W]
        return LevelOutput(add_mixed(tokens, gate.weights, by_row), gate)

    def _outputs(self, normed: Tensor, source: Source) -> Tensor:
        """What the experts of all rows make of normalised tokens [P, D, B, W]: [P * E, B, W]."""
        seen = iter(self.seen(normed.flatten(0, 1)))
        of_groups = [next(seen) for _ in self._groups]
        of_products = [next(seen) for _ in self.products]
        crossed = iter(self.attention(list(seen), source) if self.attention else [])
        outputs = [
            group(part, source.noise, next(crossed) if group.crossing else None)
            for group, part in zip(self._groups, of_groups, strict=True)
        ]
        outputs += [part(tokens, source.noise) for part, tokens in zip(self.products, of_products, strict=True)]
        found: Tensor = self.place(outputs)
        return found
