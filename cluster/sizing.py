"""How large cohorts, populations, rungs and batches are, so that they fit each other, the workers and the data."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

from cluster.config import SearchConfig
from evo.bounds import Bounds
from evo.fidelity import Ladder, ladder, single
from model.data.folds import Folds

COHORT = 16
POPULATION = 32
SHARE = 8
"""One in so many of the genomes that are trained at a time survives, where that is more than `POPULATION`."""
ROUNDS = 4
"""All workers train at most one in so many of the evaluations at a time: else a search has nothing to breed on."""
LEAST = 8
"""Networks in a cohort, however few the evaluations."""
BATCHES: Final = (16, 32, 64, 128)
STEPS: Final = 80
"""Training steps that an epoch has at least, unless the data is too small for that with the smallest batches."""
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


def fit_batch(asked: int | Literal["auto"], samples: int) -> int:
    """Samples per training step, as asked; auto: the most that leave an epoch of so many samples its steps.

    Where there is more data, networks become about as good with larger batches, in less than half the time
    (tests/bench/README.md).
    """
    if asked != "auto":
        return asked
    return max((size for size in BATCHES if samples >= STEPS * size), default=BATCHES[0])
