"""Levels: experts read normalised tokens, gates mix their outputs into the tokens, with a residual."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor, nn

from model.cohort import Cohort, Stacked
from model.experts import ExpertGroup, Member, by_size
from model.gates import GateOutput, Gates
from model.noise import Noise


def normalise(tokens: Tensor, width: Tensor) -> Tensor:
    """RMS norm over the real width of each row (Zhang and Sennrich 2019), without a gain: [P, D, B, W], [P, 1, 1, 1]."""
    square = tokens.square().sum(-1, keepdim=True) / width
    return tokens * torch.rsqrt(square + 1e-6)


class LevelOutput(NamedTuple):
    """Tokens after the level [P, D, B, W] and what its gates did for the rows that have it."""

    tokens: Tensor
    gate: GateOutput


class Level(Stacked):
    """One level of the first n rows of a cohort; the others pass unchanged."""

    def __init__(self, cohort: Cohort, level: int) -> None:
        super().__init__()
        self.rows = cohort.rows_with_level(level)
        members: dict[str, list[Member]] = {}
        for row in range(self.rows):
            for number, spec in enumerate(cohort.rows[row].genome.network.levels[level].experts):
                members.setdefault(spec.kind, []).append(Member(row, number, spec))
        groups = [group for _, kind in sorted(members.items()) for group in by_size(kind, cohort)]
        self.groups = nn.ModuleList(ExpertGroup(cohort, level, group) for group in groups)
        self._pairs = [len(group.tokens_seen) for group in self.groups]
        seen = [token for group in self.groups for token in group.tokens_seen]
        self.register_buffer("token_index", torch.tensor(seen), persistent=False)
        self.gates = Gates(cohort, level)
        E = self.gates.weight.shape[-1]
        flat = [(member.row, member.number) for group in self.groups for member in group.members]
        places = {key: place for place, key in enumerate(flat)}
        table = [places.get((row, number), len(flat)) for row in range(self.rows) for number in range(E)]
        self.register_buffer("place", torch.tensor(table), persistent=False)
        self._padded = len(flat) < len(table)
        width = torch.tensor(cohort.widths[: self.rows], dtype=torch.float32).view(-1, 1, 1, 1)
        self.register_buffer("width", width, persistent=False)

        places = [place for group in self.groups for place in group.dropout_places]
        rows = [place.row for place in places]
        self.register_buffer("dropout_rows", torch.tensor(rows), persistent=False)
        sites = torch.tensor([place.site for place in places], dtype=torch.int32)
        self.register_buffer("dropout_sites", sites, persistent=False)
        self.register_buffer("dropout_rate", cohort.gene("dropout")[rows], persistent=False)
        self._drops = bool(self.dropout_rate.any())

    def _keep(self, noise: Noise | None, tokens: Tensor) -> list[Tensor | None]:
        """Dropout multipliers for each group of experts, hashed in one go."""
        if noise is None or not self._drops:
            return [None] * len(self.groups)
        shape = (tokens.shape[-2], max(group.hidden for group in self.groups))
        keep = noise.keep(self.dropout_rows, self.dropout_sites, shape, self.dropout_rate).to(tokens.dtype)
        return list(keep.split([len(group.dropout_places) for group in self.groups]))

    def forward(self, tokens: Tensor, present: Tensor | None, noise: Noise | None) -> LevelOutput:
        """Mix experts into tokens [P, D, B, W]; `present` is bool [P, D, B], or None where all are."""
        n = self.rows
        own, others = tokens.split([n, len(tokens) - n])
        normed = normalise(own, self.width)
        gate = self.gates(normed, None if present is None else present[:n], noise)
        seen = normed.flatten(0, 1).index_select(0, self.token_index).split(self._pairs)
        keeps = self._keep(noise, tokens)
        outputs = [group(part, keep) for group, part, keep in zip(self.groups, seen, keeps, strict=True)]
        if self._padded:
            outputs.append(outputs[0].new_zeros(1, *outputs[0].shape[1:]))
        by_row = torch.cat(outputs).index_select(0, self.place).view(n, -1, *tokens.shape[2:])  # [P, E, B, W]
        mixed = own + mix(gate.weights, by_row)
        return LevelOutput(torch.cat([mixed, others]) if len(others) else mixed, gate)


def mix(weights: Tensor, outputs: Tensor) -> Tensor:
    """Weighted sum over experts: weights [P, D, B, E] and outputs [P, E, B, W] give [P, D, B, W]."""
    return torch.matmul(weights.transpose(1, 2), outputs.transpose(1, 2)).transpose(1, 2)
