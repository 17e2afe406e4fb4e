"""How large cohorts, populations, rungs and batches are, so that they fit each other, the workers and the data."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from haemsa.cluster.config import SearchConfig
from haemsa.evo.expert_space.bounds import Bounds
from haemsa.evo.rungs import Ladder, ladder, single
from haemsa.model.data.folds import Folds

COHORT = 16
POPULATION = 32
SHARE = 8
"""One in so many of the genomes that are trained at a time survives, where that is more than `POPULATION`."""
ROUNDS = 4
"""All workers train at most one in so many of the evaluations at a time: else a search has nothing to breed on."""
LEAST = 8
"""Networks in a cohort, however few the evaluations."""
SIZED: Final = ("population", "cohort", "batch_size")
"""Settings that a run directory has as numbers, where "auto" was asked for."""


@dataclass(frozen=True)
class Sizes:
    """Networks in a cohort, and genomes in the population."""

    cohort: int
    population: int


def ladder_of(config: SearchConfig, folds: Folds) -> Ladder:
    """The rungs that a search has: one alone where they are switched off."""
    if not config.rungs:
        return single(len(folds))
    most = max(Bounds.from_dict(config.space).epochs)
    return ladder(config.first_epochs, most, len(folds), eta=config.eta)


def fit_sizes(config: SearchConfig, rungs: Ladder, workers: int, measured: int | None = None) -> Sizes:
    """Sizes as configured; where they are "auto", a cohort as `measured` to train fastest, and a population to match.

    A population stays small beside what many workers train at a time (`tests/bench/bench_scale.py`: with 64 workers one
    as large needs almost twice the evaluations), but a cohort never ends more than one generation.
    """
    cohort = measured or COHORT
    if config.evaluations:
        cohort = min(cohort, max(LEAST, config.evaluations // (ROUNDS * workers) * rungs.added(0)))
    if config.cohort != "auto":
        cohort = config.cohort
    if config.population != "auto":
        return Sizes(cohort, config.population)
    if config.mode == "generational":
        return Sizes(cohort, POPULATION)
    genomes = max(1, cohort // rungs.added(0))
    return Sizes(cohort, max(POPULATION, genomes, workers * genomes // SHARE))
