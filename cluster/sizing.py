"""How large cohorts, populations and rungs are, so that they fit each other, the workers and the data."""

from __future__ import annotations

from dataclasses import dataclass

from cluster.config import SearchConfig
from evo.bounds import Bounds
from evo.fidelity import Ladder, ladder, single
from model.data.folds import Folds

COHORT = 16
POPULATION = 32


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

    A population smaller than all workers' cohorts together would be bred from parents long outdated, and a generation
    could not fill the workers.
    """
    cohort = config.cohort if config.cohort != "auto" else measured or COHORT
    if config.population != "auto":
        return Sizes(cohort, config.population)
    in_flight = workers * max(1, cohort // rungs.added(0))
    return Sizes(cohort, max(POPULATION, in_flight) if config.mode == "steady" else POPULATION)
