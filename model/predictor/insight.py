"""What happens inside a trained network: how much its gates give to experts, what its heads read, what it learned.

Axes: `K` members, `N` samples, `D` tokens (those of the genome's modalities, the global one last), `E` experts of a
level, `W` token width.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from haemsa.model.network.cohort_network import CohortNetwork, NetworkOutput
from haemsa.model.network.heads import Heads, pool
from haemsa.model.predictor.predictor import Inputs, Predictor
from haemsa.model.spec.genome import Genome
from haemsa.model.spec.network import GLOBAL

Array = NDArray[np.float32]


@dataclass(frozen=True)
class Insight:
    """All float32.

    outputs: by task [K, N, C], as `Predictor.predict_members` gives them. gates: per level, the weight of each expert
    in each token [K, N, D, E]. shares: by task, what its head takes of each token [K, N, D]. features: by task, what
    its last layer reads [K, N, W].
    """

    genome: Genome
    outputs: dict[str, Array]
    gates: list[Array]
    shares: dict[str, Array]
    features: dict[str, Array]

    @property
    def tokens(self) -> tuple[str, ...]:
        """Names of the D tokens."""
        return tokens_of(self.genome)


def tokens_of(genome: Genome) -> tuple[str, ...]:
    """Names of a genome's tokens, as `Insight` orders them."""
    return (*genome.network.modalities, GLOBAL)


def look_inside(predictor: Predictor, inputs: Inputs) -> Insight:
    """Predict, and keep what happens on the way. Raises ValueError if the members are of several genomes."""
    genomes = {genome for genome, _ in predictor.members}
    if len(genomes) != 1:
        raise ValueError(f"the model has networks of {len(genomes)} genomes, expected one genome to look inside")
    (genome,) = genomes
    seen = _Seen(genome)
    outputs = predictor.predict_members(inputs, watch=seen.watch)
    depth = len(genome.network.levels)
    return Insight(
        genome,
        outputs,
        [_joined([gates[level] for gates in seen.gates]) for level in range(depth)],
        {task: _joined(parts) for task, parts in seen.shares.items()},
        {task: _joined(parts) for task, parts in seen.features.items()},
    )


@dataclass
class _Seen:
    """What networks did with each batch, members before samples, as hooks on them see it."""

    genome: Genome
    gates: list[list[Tensor]] = field(default_factory=list)
    shares: dict[str, list[Tensor]] = field(default_factory=dict)
    features: dict[str, list[Tensor]] = field(default_factory=dict)

    def watch(self, network: CohortNetwork) -> None:
        tokens = network.cohort.tokens
        self._places = [tokens.index(name) for name in tokens_of(self.genome)]
        network.heads.register_forward_pre_hook(self._read)
        network.register_forward_hook(lambda _network, _given, output: self._mix(output))

    def _read(self, heads: nn.Module, given: tuple[Tensor, Tensor | None]) -> None:
        assert isinstance(heads, Heads)
        tokens, present = given
        for task in heads.tasks:
            shares = heads.shares(task, tokens, present)
            self.shares.setdefault(task, []).append(shares.movedim(1, 2)[..., self._places])
            self.features.setdefault(task, []).append(pool(shares, tokens))

    def _mix(self, output: NetworkOutput) -> None:
        self.gates.append([gate.weights.movedim(1, 2)[:, :, self._places] for gate in output.gates])


def _joined(parts: list[Tensor]) -> Array:
    found: Array = torch.cat(parts, 1).float().numpy()
    return found
