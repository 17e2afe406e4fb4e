"""What happens inside a trained network: the weights of its experts, what its heads read, and what it learned.

Axes: `K` members, `N` samples, `C` outputs, `D` tokens (those of the genome's modalities, and the global one last),
`E` experts of a level, `W` token width.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from haemsa.model.network.cohort_network import CohortNetwork, NetworkOutput
from haemsa.model.network.heads import Heads
from haemsa.model.network.operations.pooling import pool
from haemsa.model.predictor.inputs import Inputs
from haemsa.model.predictor.predictor import Predictor
from haemsa.model.spec.genome import Genome
from haemsa.model.spec.network import GLOBAL

Array = NDArray[np.float32]


@dataclass(frozen=True)
class Insight:
    """What networks of one genome did with samples. All arrays are float32.

    Attributes:
        genome: The genome of the networks.
        outputs: By task, the predictions of `Predictor.predict_members`, [K, N, C].
        gates: For each level, the weight of each expert in each token, [K, N, D, E].
        shares: By task, how much its head takes of each token, [K, N, D].
        features: By task, what its last layer reads, [K, N, W].
    """

    genome: Genome
    outputs: dict[str, Array]
    gates: list[Array]
    shares: dict[str, Array]
    features: dict[str, Array]

    @property
    def tokens(self) -> tuple[str, ...]:
        """The names of the D tokens."""
        return tokens_of(self.genome)


def tokens_of(genome: Genome) -> tuple[str, ...]:
    """The names of a genome's tokens, in the order of `Insight`."""
    return (*genome.network.modalities, GLOBAL)


def look_inside(predictor: Predictor, inputs: Inputs) -> Insight:
    """Predict samples, and keep what happens on the way.

    Args:
        predictor: A model whose members have one genome.
        inputs: Raw features and lengths by modality.

    Raises:
        ValueError: The members have several genomes, or the inputs do not fit the model.
    """
    genomes = {genome for genome, _ in predictor.members}
    if len(genomes) != 1:
        raise ValueError(f"the model has networks of {len(genomes)} genomes, expected one genome to look inside")
    (genome,) = genomes
    recorder = _Recorder(genome)
    outputs = predictor.predict_members(inputs, watch=recorder.watch)
    depth = len(genome.network.levels)
    return Insight(
        genome,
        outputs,
        [_joined([gates[level] for gates in recorder.gates]) for level in range(depth)],
        {task: _joined(parts) for task, parts in recorder.shares.items()},
        {task: _joined(parts) for task, parts in recorder.features.items()},
    )


@dataclass
class _Recorder:
    """Hooks on a network that keep what it does with each batch. The first axis is members, the second samples."""

    genome: Genome
    gates: list[list[Tensor]] = field(default_factory=list)
    shares: dict[str, list[Tensor]] = field(default_factory=dict)
    features: dict[str, list[Tensor]] = field(default_factory=dict)

    def watch(self, network: CohortNetwork) -> None:
        tokens = network.cohort.tokens
        self._places = [tokens.index(name) for name in tokens_of(self.genome)]
        network.heads.register_forward_pre_hook(self._read)
        network.register_forward_hook(lambda _network, _inputs, output: self._mix(output))

    def _read(self, heads: nn.Module, inputs: tuple[Tensor, Tensor | None]) -> None:
        assert isinstance(heads, Heads)
        tokens, present = inputs
        for task in heads.tasks:
            shares = heads.shares(task, tokens, present)
            self.shares.setdefault(task, []).append(shares.movedim(1, 2)[..., self._places])
            self.features.setdefault(task, []).append(pool(shares, tokens))

    def _mix(self, output: NetworkOutput) -> None:
        self.gates.append([gate.weights.permute(0, 3, 1, 2)[:, :, self._places] for gate in output.gates])


def _joined(parts: list[Tensor]) -> Array:
    """The batches of one array as one, [K, N, ...]."""
    joined: Array = torch.cat(parts, 1).float().numpy()
    return joined
