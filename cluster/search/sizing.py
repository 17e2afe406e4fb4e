"""How large cohorts, populations and rungs are, so that they fit each other, the workers and the data."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from haemsa.cluster.config import SearchConfig
from haemsa.evo.expert_space.bounds import Bounds
from haemsa.evo.rungs import Ladder, ladder, single
from haemsa.model.data.folds import Folds

COHORT: Final = 16
POPULATION: Final = 32
SHARE: Final = 8
"""One in so many of the genomes that train at a time survives, if that is more than `POPULATION`."""
ROUNDS: Final = 4
"""All workers train at most one in so many of the evaluations at a time. Otherwise nothing is there to breed from."""
LEAST: Final = 8
"""A cohort has at least so many networks, however few the evaluations are."""
SIZED: Final = ("population", "cohort", "batch_size")
"""Settings that may be "auto". The run directory has the numbers that were chosen."""


@dataclass(frozen=True)
class Sizes:
    """Networks in a cohort, and genomes in the population."""

    cohort: int
    population: int


def ladder_of(config: SearchConfig, folds: Folds) -> Ladder:
    """The rungs of a search; only one where rungs are switched off."""
    if not config.rungs:
        return single(len(folds))
    most = max(Bounds.from_dict(config.space).epochs)
    return ladder(config.first_epochs, most, len(folds), eta=config.eta)


def fit_sizes(config: SearchConfig, rungs: Ladder, workers: int, measured: int | None = None) -> Sizes:
    """Sizes as configured. Where they are "auto": the cohort that was `measured` as fastest, and a population to match.

    A population is much smaller than what many workers train at a time: with 64 workers a population as large as that
    needs almost twice the evaluations (tests/bench/driver/bench_scale.py). But a cohort never ends more than one
    generation.
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
