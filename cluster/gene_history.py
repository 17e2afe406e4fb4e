"""Which genes win: how many of the survivors of each generation have them."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Final

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

_NAMES: Final = [field.name for field in dataclasses.fields(TrainingGenes)]


def part_shares(populations: Sequence[Sequence[Genome]]) -> dict[str, Shares]:
    """Shares of the genomes that have at least one such part: modality, kind of encoder, expert and gate, levels."""
    return {name: _shares(populations, part) for name, part in _PARTS.items()}


def choice_shares(populations: Sequence[Sequence[Genome]]) -> dict[str, Shares]:
    """Shares of the values of those training genes that are no numbers."""
    names = [name for name in _NAMES if not _is_number(populations, name)]
    return {name: _shares(populations, lambda genome, name=name: [getattr(genome.training, name)]) for name in names}  # type: ignore[misc]


def quartiles(populations: Sequence[Sequence[Genome]]) -> dict[str, NDArray[np.float64]]:
    """Lower quartile, median and upper quartile [3, G] of each training gene that is a number."""
    found = {}
    for name in _NAMES:
        if _is_number(populations, name):
            values = [[getattr(genome.training, name) for genome in genomes] for genomes in populations]
            found[name] = np.array([np.quantile(row, (0.25, 0.5, 0.75)) for row in values]).T
    return found


def _shares(populations: Sequence[Sequence[Genome]], values: Callable[[Genome], Iterable[object]]) -> Shares:
    having = [[{str(value) for value in values(genome)} for genome in genomes] for genomes in populations]
    names = sorted({name for genomes in having for found in genomes for name in found})
    return {name: np.array([np.mean([name in found for found in genomes]) for genomes in having]) for name in names}


def _is_number(populations: Sequence[Sequence[Genome]], name: str) -> bool:
    values: list[Any] = [getattr(genome.training, name) for genomes in populations for genome in genomes]
    return all(isinstance(value, (int, float)) and not isinstance(value, bool) for value in values)
