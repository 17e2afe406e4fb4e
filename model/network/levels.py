"""One level: its experts in groups that are computed together, and its gates, which mix them into the tokens."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor, nn

from haemsa.model.network.batch import Batch, FeatureStatistics
from haemsa.model.network.cohort import Cohort, Stacked
from haemsa.model.network.experts.group import ExpertGroup
from haemsa.model.network.experts.members import Member, Source
from haemsa.model.network.experts.tensor_fusion import TensorFusionGroup
from haemsa.model.network.gates import GateOutput, Gates
from haemsa.model.network.gathering import Gathering
from haemsa.model.network.noise import Noise
from haemsa.model.network.token_ops import normalise

Group = ExpertGroup | TensorFusionGroup


def expert_groups(cohort: Cohort, level: int) -> list[Group]:
    """All experts that the rows of a cohort have in a level."""
    every = [
        Member(row, number, spec)
        for row in range(cohort.rows_with_level(level))
        for number, spec in enumerate(cohort.rows[row].genome.network.levels[level].experts)
    ]
    products = [member for member in every if member.spec.kind == "tensor"]
    others = [member for member in every if member.spec.kind != "tensor"]
    groups: list[Group] = [ExpertGroup(cohort, level, part) for part in ExpertGroup.parts(others, cohort)]
    return groups + [TensorFusionGroup(cohort, level, part) for part in TensorFusionGroup.parts(products, cohort)]


class LevelOutput(NamedTuple):
    """Tokens after the level [P, D, B, W] and what its gates did for the rows that have it."""

    tokens: Tensor
    gate: GateOutput


class Level(Stacked):
    """One level of the first n rows of a cohort. The tokens of the other rows pass unchanged."""

    width: Tensor
    token_index: Tensor

    def __init__(self, cohort: Cohort, level: int) -> None:
        super().__init__()
        self.rows = cohort.rows_with_level(level)
        self.constant("width", torch.tensor(cohort.widths[: self.rows], dtype=torch.float32).view(-1, 1, 1, 1))
        groups = expert_groups(cohort, level)
        self.groups, self._groups = nn.ModuleList(groups), tuple(groups)
        self.gates = Gates(cohort, level)
        self._pairs = [len(group.tokens_seen) for group in groups]
        self.constant("token_index", torch.tensor([token for group in groups for token in group.tokens_seen]))
        self.place = self._places([member for group in groups for member in group.members])

    def _places(self, members: Sequence[Member]) -> Gathering:
        """Takes the output of each row's n-th expert from those of all groups."""
        places = {(member.row, member.number): place for place, member in enumerate(members)}
        every = [(row, number) for row in range(self.rows) for number in range(self.gates.weight.shape[-1])]
        return Gathering([places.get(key) for key in every], len(members))

    @property
    def reads(self) -> set[str]:
        """The modalities whose time steps its experts need."""
        return {name for group in self._groups for name in group.reads}

    def set_statistics(self, statistics: FeatureStatistics) -> None:
        """Standardise the features that experts read, if any, with the statistics of each row's fold."""
        for group in self._groups:
            group.set_statistics(statistics)

    def forward(
        self, tokens: Tensor, present: Tensor | None, noise: Noise | None, batch: Batch | None = None
    ) -> LevelOutput:
        """Mix experts into tokens [P, D, B, W]; `present` is bool [P, D, B], or None where all are.

        Experts that read features need `batch`.
        """
        n = self.rows
        own, others = torch.split(tokens, [n, len(tokens) - n])
        normed = normalise(own, self.width)
        gate = self.gates(normed, None if present is None else present[:n], noise)
        seen = torch.split(normed.flatten(0, 1).index_select(0, self.token_index), self._pairs)
        source = Source(batch, present, noise)
        outputs = [group(part, source) for group, part in zip(self.groups, seen, strict=True)]
        E = gate.weights.shape[2]
        by_row = self.place(outputs).view(n, E, *tokens.shape[2:])  # [P, E, B, W]
        mixed = own + mix(gate.weights, by_row)
        return LevelOutput(torch.cat([mixed, others]) if len(others) else mixed, gate)


def mix(weights: Tensor, outputs: Tensor) -> Tensor:
    """Weighted sum over experts: weights [P, D, E, B] and outputs [P, E, B, W] give [P, D, B, W]."""
    return torch.matmul(weights.permute(0, 3, 1, 2), outputs.transpose(1, 2)).transpose(1, 2)
