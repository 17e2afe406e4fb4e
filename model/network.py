"""The whole network of a cohort: encoders, levels, heads. One network is a cohort of one; there is no other code."""

from __future__ import annotations

from typing import NamedTuple

from torch import Tensor, nn

from model.cohort import Cohort, Stacked
from model.encoders import Batch, FeatureStatistics
from model.gates import GateOutput
from model.heads import Heads
from model.hierarchy import Level
from model.noise import Noise
from model.tokens import Encoders


class NetworkOutput(NamedTuple):
    """Raw outputs by task [P, B, C], and what the gates of each level did."""

    outputs: dict[str, Tensor]
    gates: list[GateOutput]


class CohortNetwork(Stacked):
    """P networks as one module; row i of everything it returns belongs to `cohort.rows[i]`.

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
        self.constant("noise_keys", cohort.noise_keys())
        self.reads = sorted({*self.encoders.reads, *(name for level in levels for name in level.reads)})

    def set_statistics(self, statistics: FeatureStatistics) -> None:
        """Standardise features with the statistics of each row's fold, from now on."""
        self.encoders.set_statistics(statistics)
        for level in self._levels:
            level.set_statistics(statistics)

    def forward(self, batch: Batch, step: int | None = None) -> NetworkOutput:
        """Outputs for a batch; with the number of a training `step`, under that step's noise."""
        noise = None if step is None else Noise(self.noise_keys, step)
        tokens, present = self.encoders(batch, noise)
        known = None if batch.complete and not (noise and self.encoders.drops) else present
        gates = []
        for level in self.levels:
            tokens, gate = level(tokens, known, noise, batch)
            gates.append(gate)
        return NetworkOutput(self.heads(tokens, known), gates)
