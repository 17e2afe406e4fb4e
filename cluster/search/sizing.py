"""How large cohorts, populations and rungs are, so that they fit each other, the workers and the data."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from haemsa.cluster.config import SearchConfig
from haemsa.cluster.search.problem import Problem
from haemsa.cluster.workers.evaluator import Evaluator
from haemsa.cluster.workers.throughput import SIZES
from haemsa.evo.expert_space.bounds import Bounds
from haemsa.evo.rungs import Ladder, ladder, single
from haemsa.model.data.folds import Folds
from haemsa.model.seeds import SeedPurpose
from haemsa.model.training.batch_size import fit_batch

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


def sized_config(config: SearchConfig, problem: Problem, evaluator: Evaluator) -> SearchConfig:
    """The settings with numbers in place of "auto", so that a resumed search has the same sizes."""
    measured, rungs = None, ladder_of(config, problem.folds)
    several = _most(config, rungs, evaluator.expected) > min(SIZES)  # otherwise there is nothing to choose from
    if config.cohort == "auto" and config.mode == "steady" and several:
        rng = np.random.default_rng((config.seed, SeedPurpose.COHORT_SIZE))
        measured = evaluator.fastest_cohort([problem.space.sample(rng) for _ in range(max(SIZES))])
    sizes = fit_sizes(config, rungs, evaluator.expected, measured)
    batch_size = fit_batch(config.batch_size, len(problem.pool))
    return config.model_copy(update={"cohort": sizes.cohort, "population": sizes.population, "batch_size": batch_size})


def fit_sizes(config: SearchConfig, rungs: Ladder, workers: int, measured: int | None = None) -> Sizes:
    """Sizes as configured. Where they are "auto": the cohort that was `measured` as fastest, and a population to match.

    A population is much smaller than what many workers train at a time: with 64 workers a population as large as that
    needs almost twice the evaluations (tests/bench/driver/bench_scale.py). But a cohort never ends more than one
    generation.
    """
    cohort = min(measured or COHORT, _most(config, rungs, workers))
    if config.cohort != "auto":
        cohort = config.cohort
    if config.population != "auto":
        return Sizes(cohort, config.population)
    if config.mode == "generational":
        return Sizes(cohort, POPULATION)
    genomes = max(1, cohort // rungs.added(0))
    return Sizes(cohort, max(POPULATION, genomes, workers * genomes // SHARE))


def _most(config: SearchConfig, rungs: Ladder, workers: int) -> int:
    """The largest cohort that leaves something to breed from. Without a number of evaluations, any size does."""
    if not config.evaluations:
        return max(SIZES)
    return max(LEAST, config.evaluations // (ROUNDS * workers) * rungs.added(0))
