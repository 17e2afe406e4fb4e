"""Made data in the shapes of real sets, and genomes to train on it. Benchmarks of cohorts share them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from haemsa.evo.expert_space.bounds import Bounds
from haemsa.evo.expert_space.space import ExpertSpace
from haemsa.model.cost import cost
from haemsa.model.data.dataset import Dataset, Modality, step_mask
from haemsa.model.data.task import Task
from haemsa.model.schema import Schema
from haemsa.model.spec.genome import Genome
from tests.bench.networks.idiomatic_training import PLAIN

GENOMES = 64
EPOCHS = (3, 4, 5, 6, 8, 10, 12, 16)


@dataclass(frozen=True)
class Case:
    """Made data like a real set: (T, D, mean length) per modality, samples for training and validation, batch size."""

    name: str
    modalities: dict[str, tuple[int, int, int]]
    train: int
    valid: int
    batch_size: int
    target: float


MOSEI = {"text": (1, 768, 1), "audio": (1, 40, 1), "vision": (1, 35, 1)}
MOSI = {"text": (40, 384, 15), "audio": (1, 73, 1)}
CASES = (
    Case("MOSEI-922 utterances", MOSEI, 635, 143, 32, 6.0),
    Case("MOSI tokens", MOSI, 1284, 229, 32, 5.0),
    Case("MOSEI-922 utterances, large batches", MOSEI, 635, 143, 128, 3.0),
    Case("MOSI tokens, large batches", MOSI, 1284, 229, 128, 3.0),
)


def made_data(case: Case) -> Dataset:
    """Noise features of the right shapes, labels that depend on them a little."""
    rng = np.random.default_rng(0)
    count = case.train + case.valid
    signal = rng.normal(size=count)
    modalities = {}
    for name, (steps, width, mean) in case.modalities.items():
        lengths = np.clip(rng.gamma(3, mean / 3, count), 1, steps).astype(np.int64)
        features = rng.normal(size=(count, steps, width)) + 0.3 * signal[:, None, None] * rng.normal(size=width)
        features *= step_mask(lengths, steps)[:, :, None]
        modalities[name] = Modality(features.astype(np.float32), lengths)
    return Dataset(
        name="made",
        modalities=modalities,
        tasks={"sentiment": Task("regression", np.clip(signal, -3, 3).astype(np.float32), bounds=(-3.0, 3.0))},
        splits={"train": np.arange(case.train), "valid": np.arange(case.train, count)},
        ids=tuple(map(str, range(count))),
        groups=np.arange(count),
    )


def sampled(case: Case, schema: Schema, epochs: Sequence[int], count: int = GENOMES) -> list[Genome]:
    """Genomes as a search draws its first ones, of plain training, sorted as it sorts them before it cuts cohorts."""
    steps = {name: shape[0] for name, shape in case.modalities.items()}
    space = ExpertSpace(list(case.modalities), bounds=Bounds(epochs=tuple(epochs), **PLAIN), steps=steps)
    rng = np.random.default_rng(1)
    genomes = [space.sample(rng) for _ in range(count)]
    return sorted(genomes, key=lambda genome: cost(genome.network, schema)["flops"] * genome.training.epochs)


def spread(genomes: Sequence[Genome], count: int) -> list[Genome]:
    """So many of them, at equal distances."""
    return [genomes[place] for place in np.linspace(0, len(genomes) - 1, count).round().astype(int)]
