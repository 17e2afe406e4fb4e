"""The genomes that are scored, as a search meets them, wave by wave; and the file that keeps their scores."""

from __future__ import annotations

import itertools
import json
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np

from haemsa.cluster.shared.files import write_text
from haemsa.evo.expert_space.bounds import Bounds
from haemsa.evo.expert_space.space import ExpertSpace
from haemsa.model.cost import cost
from haemsa.model.data.dataset import Dataset
from haemsa.model.schema import Schema
from haemsa.model.spec.genome import Genome
from tests.bench.scores.noise_runs import Bench, Run

COHORT: Final = 32
"""Genomes in a cohort, each with all its replicates: 160 networks."""
PARENTS: Final = 3
"""One in so many drawn genomes becomes a parent."""


class TimeUpError(Exception):
    """No time is left for another cohort."""


class Kept:
    """Scores runs of genomes, cohort by cohort, until the time is up, and keeps them in a file.

    Work that was cut off goes on where it was. Raises ValueError for a file of something else than `about`.
    """

    def __init__(self, bench: Bench, path: Path, about: Mapping[str, Any], seconds: float) -> None:
        self.bench, self.path, self.about, self.end = bench, path, dict(about), time.monotonic() + seconds
        self.runs: dict[str, dict[str, list[Run] | None]] = {name: {} for name in bench.protocols}
        self.genomes: dict[str, Any] = {}
        self.seconds = 0.0
        if path.exists():
            data = json.loads(path.read_text(encoding="utf-8"))
            if data["about"] != self.about:
                raise ValueError(f"{path} holds scores of {data['about']}, expected {self.about}")
            self.runs, self.genomes, self.seconds = data["runs"], data["genomes"], data["seconds"]

    def __call__(self, name: str, genomes: Sequence[Genome]) -> list[list[Run] | None]:
        """The runs of each genome under a protocol; those that are new are trained. Raises TimeUpError."""
        new = [genome for genome in genomes if genome.key not in self.runs[name]]
        new.sort(key=lambda genome: (self.bench.size(genome), genome.key))
        for start in range(0, len(new), COHORT):
            if time.monotonic() >= self.end:
                raise TimeUpError
            self._train(name, new[start : start + COHORT])
        return [self.runs[name][genome.key] for genome in genomes]

    def _train(self, name: str, genomes: Sequence[Genome]) -> None:
        began = time.monotonic()
        for genome, runs in zip(genomes, self.bench.train(name, genomes), strict=True):
            self.runs[name][genome.key], self.genomes[genome.key] = runs, genome.to_dict()
        spent = time.monotonic() - began
        self.seconds += spent
        print(f"  {name}: {len(genomes)} genomes in {spent:.0f} s, {len(self.runs[name])} so far", flush=True)
        self.path.parent.mkdir(parents=True, exist_ok=True)
        data = {"about": self.about, "seconds": self.seconds, "runs": self.runs, "genomes": self.genomes}
        write_text(self.path, json.dumps(data) + "\n")


def space_of(dataset: Dataset, bounds: Bounds | None = None, limits: Mapping[str, float] | None = None) -> ExpertSpace:
    """The space of a search of this data."""
    steps, schema = {name: item.steps for name, item in dataset.modalities.items()}, Schema.of(dataset)
    return ExpertSpace(
        tuple(dataset.modalities), bounds=bounds, steps=steps, limits=limits, cost=lambda network: cost(network, schema)
    )


def waves(space: ExpertSpace, kept: Kept, count: int, size: int) -> Iterator[list[Genome]]:
    """Waves of `size` genomes. All their runs are kept. Ends after `count`, or when the time is up.

    Half of a wave is drawn at random. The others are mutated children of the best third, by folds, of all drawn so far.
    """
    drawn: list[Genome] = []
    seen: set[str] = set()
    try:
        for wave in range(count):
            rng = np.random.default_rng([kept.bench.seed, 5, wave])
            new = distinct((space.sample(rng) for _ in itertools.count()), size - size // 2, seen)
            drawn += new
            bred = distinct(_children(space, _best(drawn, kept), rng), size // 2, seen)
            for name in kept.bench.protocols:
                kept(name, [*new, *bred])
            yield [*new, *bred]
    except TimeUpError:
        return


def distinct(genomes: Iterator[Genome], count: int, seen: set[str]) -> list[Genome]:
    """The next `count` genomes whose keys were not seen; notes theirs."""
    found: list[Genome] = []
    while len(found) < count:
        genome = next(genomes)
        if genome.key not in seen:
            seen.add(genome.key)
            found.append(genome)
    return found


def _best(drawn: Sequence[Genome], kept: Kept) -> list[Genome]:
    losses = [_mean(runs) for runs in kept("folds", drawn)]
    order = np.argsort(losses, kind="stable")[: max(2, len(drawn) // PARENTS)]
    return [drawn[index] for index in order]


def _mean(runs: Sequence[Run] | None) -> float:
    return float(np.mean([run["score"]["average"] for run in runs])) if runs else np.inf


def _children(space: ExpertSpace, parents: Sequence[Genome], rng: np.random.Generator) -> Iterator[Genome]:
    while True:
        a, b = rng.choice(len(parents), 2, replace=False)
        for child in space.crossover(parents[a], parents[b], rng):
            yield space.mutate(child, rng)
