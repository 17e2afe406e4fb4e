"""All networks of a cohort as one: encoders, levels, heads. A single network is a cohort of one."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor, nn

from haemsa.model.network.batch import Batch, FeatureStatistics
from haemsa.model.network.cohort import Cohort, Stacked
from haemsa.model.network.gates import GateOutput
from haemsa.model.network.heads import Heads
from haemsa.model.network.levels import Level
from haemsa.model.network.noise import Noise, places_in
from haemsa.model.network.subsets import Subsets, distils
from haemsa.model.network.tokens import Encoders


class NetworkOutput(NamedTuple):
    """Raw outputs by task [P, B, C], and what the gates of each level did.

    `partial`: outputs from a random subset of the modalities; empty unless a row in training distils.
    """

    outputs: dict[str, Tensor]
    gates: list[GateOutput]
    partial: dict[str, Tensor]


class CohortNetwork(Stacked):
    """P networks as one module. Row i of everything that it returns belongs to `cohort.rows[i]`.

    `reads`: the modalities whose time steps they need.
    """

    noise_keys: Tensor

    def __init__(self, cohort: Cohort) -> None:
        super().__init__()
        self.cohort = cohort
        self.encoders = Encoders(cohort)
        depth = len(cohort.rows[0].genome.network.levels)
        levels = [Level(cohort, level) for level in range(depth)]
        self.levels, self._levels = nn.ModuleList(levels), tuple(levels)
        self.heads = Heads(cohort)
        self.subsets = Subsets(cohort) if any(map(distils, cohort.rows)) else None
        self.constant("noise_keys", cohort.noise_keys())
        self._places = places_in(self)
        self.reads = sorted({*self.encoders.reads, *(name for level in levels for name in level.reads)})

    def set_statistics(self, statistics: FeatureStatistics) -> None:
        """Standardise features with the statistics of each row's fold, from now on."""
        self.encoders.set_statistics(statistics)
        for level in self._levels:
            level.set_statistics(statistics)

    def forward(self, batch: Batch, keys: Tensor | None = None) -> NetworkOutput:
        """Outputs for a batch; in training, under the noise of rows with these keys of a step [P] (`step_keys`)."""
        noise = None
        if keys is not None and self._places:
            noise = Noise(self._places, keys, batch.samples, batch.order)
        local, present = self.encoders(batch, noise)
        complete = batch.complete and not (noise and self.encoders.dropout)
        outputs, gates = self._read(batch, local, present, complete, noise)
        partial: dict[str, Tensor] = {}
        if noise is not None and self.subsets is not None:
            partial, _ = self._read(batch, local, self.subsets(present, noise), False, noise)
        return NetworkOutput(outputs, gates, partial)

    def _read(
        self, batch: Batch, local: Tensor, present: Tensor, complete: bool, noise: Noise | None
    ) -> tuple[dict[str, Tensor], list[GateOutput]]:
        """Outputs, and what gates did, from local tokens [P, M, B, W] and which of them are present, bool [P, M, B]."""
        tokens = self.encoders.start(local, present, complete=complete)
        usable = None if complete else torch.cat([present, torch.ones_like(present[:, :1])], 1)
        gates = []
        for level in self.levels:
            tokens, gate = level(tokens, usable, noise, batch)
            gates.append(gate)
        return self.heads(tokens, usable), gates
