"""Which genes win: how many of the survivors of each generation have them."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable, Mapping, Sequence
from operator import attrgetter, methodcaller
from typing import Final

import numpy as np
from numpy.typing import NDArray

from model.spec import Genome, TrainingGenes

Shares = Mapping[str, NDArray[np.float64]]
"""By value, the share of the genomes that have it, [G] over generations."""
_PARTS: Final[Mapping[str, Callable[[Genome], Iterable[object]]]] = {
    "modality": lambda genome: genome.network.modalities,
    "encoder": lambda genome: (encoder.kind for encoder in genome.network.encoders),
    "expert": lambda genome: (expert.kind for level in genome.network.levels for expert in level.experts),
    "gate": lambda genome: (level.gate.kind for level in genome.network.levels),
    "number of levels": lambda genome: [len(genome.network.levels)],
}

_FIELDS: Final = dataclasses.fields(TrainingGenes)
_NUMBERS: Final = [field.name for field in _FIELDS if isinstance(field.default, (int, float))]
_CHOICES: Final = [field.name for field in _FIELDS if isinstance(field.default, str)]


def part_shares(populations: Sequence[Sequence[Genome]]) -> dict[str, Shares]:
    """Shares of the genomes that have at least one such part: modality, kind of encoder, expert and gate, levels."""
    return {name: _shares(populations, part) for name, part in _PARTS.items()}


def choice_shares(populations: Sequence[Sequence[Genome]]) -> dict[str, Shares]:
    """Shares of the values of those training genes that are no numbers, where genomes differ in them."""
    found = {
        name: _shares(populations, lambda genome, name=name: [getattr(genome.training, name)])  # type: ignore[misc]
        for name in _CHOICES
    }
    return {name: shares for name, shares in found.items() if len(shares) > 1}


def quartiles(populations: Sequence[Sequence[Genome]]) -> dict[str, NDArray[np.float64]]:
    """Lower quartile, median and upper quartile [3, G] of training genes that are numbers, weights of tasks too.

    Only of those in which genomes differ.
    """
    every = [genome.training for genomes in populations for genome in genomes]
    tasks = sorted({task for training in every for task, _ in training.task_weights})
    genes: dict[str, Callable[[TrainingGenes], float]] = {name: attrgetter(name) for name in _NUMBERS}
    genes |= {f"weight of {task}": methodcaller("task_weight", task) for task in tasks}
    return {
        name: np.array([np.quantile([of(g.training) for g in genomes], (0.25, 0.5, 0.75)) for genomes in populations]).T
        for name, of in genes.items()
        if len({of(training) for training in every}) > 1
    }


def _shares(populations: Sequence[Sequence[Genome]], values: Callable[[Genome], Iterable[object]]) -> Shares:
    having = [[{str(value) for value in values(genome)} for genome in genomes] for genomes in populations]
    names = sorted({name for genomes in having for found in genomes for name in found})
    return {name: np.array([np.mean([name in found for found in genomes]) for genomes in having]) for name in names}
