"""A search over a model of the space: the engine, its rungs and its cohorts are real, and training is simulated."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

import moocore
import numpy as np
from deap import base

from haemsa.cluster.search.confirmation import chosen_to_confirm
from haemsa.cluster.search.evolution import suggest_simpler
from haemsa.cluster.workers.job import target_epochs
from haemsa.evo.candidate import Candidate, Score, Skill
from haemsa.evo.evolution import Evolution
from haemsa.evo.expert_space.space import ExpertSpace
from haemsa.evo.operators.toolbox import toolbox
from haemsa.evo.rungs import Fidelity
from haemsa.evo.space import SpaceExhausted
from haemsa.model.spec.genome import Genome
from tests.bench.tabular.space_model import Floats, SpaceModel
from tests.bench.tabular.trainings import EPOCHS, FOLDS

CONFIRMED: Final = 8
"""Candidates that are trained again at the end, as `haemsa search` does by default."""
Evolve = Callable[[int], Evolution[Genome]]
"""Makes the evolution of a search with this seed."""


class Spent(NamedTuple):
    """A budget, or what was spent of it.

    `evaluations`: genomes. Where they are spent, what is promising still climbs. `epochs`: of one network on one fold.
    They stand for time: where they are spent, a search stops. 0: no limit.
    """

    evaluations: int = 0
    epochs: float = 0.0

    def __str__(self) -> str:
        return f"{self.evaluations:,} evaluations" if self.evaluations else f"{self.epochs:,.0f} epochs"


@dataclass(frozen=True)
class Task:
    """What is searched: a model of the errors, and the number of parameters of a genome."""

    model: SpaceModel
    space: ExpertSpace
    parameters: Callable[[Genome], float]
    reference: tuple[float, float]
    """An error, and the logarithm (base 10) of a number of parameters: the hypervolume is measured up to these."""
    simpler: Callable[[Genome], Sequence[Genome]] = lambda _: ()
    first: Sequence[Genome] = ()
    skill: Skill | None = None

    def measure(self, candidate: Candidate[Genome], fidelity: Fidelity) -> dict[str, float | Score]:
        """The scores of a candidate at a fidelity. Replicates beyond the folds are trained with another seed."""
        rounds = range(-(-fidelity.replicates // FOLDS))
        errors = np.concatenate([self.model.measure([candidate.genome], seed)[0] for seed in rounds], axis=1)
        errors = _after(target_epochs(fidelity, candidate.genome), candidate.genome.training.epochs, errors)
        scores = Score.of(errors[: fidelity.replicates].tolist())
        return {"mae": scores, "params": self.parameters(candidate.genome)}

    def truth(self, genomes: Sequence[Genome]) -> Floats:
        """Expected errors `[N]` after all epochs, which no search sees."""
        errors: Floats = self.model.expect(genomes)[:, -1]
        return errors

    def hypervolume(self, genomes: Sequence[Genome]) -> float:
        """The hypervolume of genomes by their expected errors and the logarithm of their parameters."""
        sizes = np.log10([self.parameters(genome) for genome in genomes])
        points = np.stack([self.truth(genomes), sizes], axis=1)
        return float(moocore.hypervolume(points, ref=list(self.reference)))


def _after(epochs: int, own: int, errors: Floats) -> Floats:
    """Errors `[F]` after so many of a genome's `own` epochs, between those `[E, F]` after `EPOCHS`, on a log scale."""
    places = [place for place, known in enumerate(EPOCHS) if known is not None and 2 * known <= own]
    known = np.log([*(EPOCHS[place] or own for place in places), own])
    rows = errors[[*places, len(EPOCHS) - 1]]
    return np.array([np.interp(np.log(epochs), known, column) for column in rows.T])


class Found(NamedTuple):
    """What a search has found: the expected error of the best that it confirms, and the hypervolume of its front."""

    best: float
    hypervolume: float
    spent: Spent


def search(task: Task, evolution: Evolution[Genome], budget: Spent, cohort: int = 16) -> Found:
    """Search with one worker until the budget is spent. Confirm the front with fresh seeds, which choose the best."""
    evolution.suggest(task.first)
    ladder, epochs = evolution.ladder, 0.0
    most = cohort if evolution.mode == "steady" else evolution.population_size
    while not budget.epochs or epochs < budget.epochs:
        batch = _ask(evolution, most, max(0, budget.evaluations - evolution.given) if budget.evaluations else None)
        if not batch:
            break
        task.model.expect([candidate.genome for candidate in batch])  # all at once is quicker
        for candidate in batch:
            generation = evolution.generation
            fidelity = ladder.rungs[candidate.rung]
            epochs += ladder.added(candidate.rung) * target_epochs(fidelity, candidate.genome)
            evolution.tell(candidate, task.measure(candidate, fidelity))
            if evolution.generation > generation:
                suggest_simpler(evolution, task.simpler)
    genomes = [record.genome for record in chosen_to_confirm(evolution, CONFIRMED)]
    confirmed = task.model.measure(genomes, 1_000_000)[:, -1].mean(axis=1)
    best = float(task.truth(genomes)[int(np.argmin(confirmed))])
    volume = task.hypervolume([record.genome for record in evolution.front()])
    return Found(best, volume, Spent(evolution.given, epochs))


def _ask(evolution: Evolution[Genome], count: int, new: int | None) -> list[Candidate[Genome]]:
    try:
        return evolution.ask(count, new=new)
    except SpaceExhausted:
        return evolution.ask(count, new=0)


def evolve_with(space: ExpertSpace, operators: Callable[[base.Toolbox], None] | None = None, **settings: Any) -> Evolve:
    """Makes evolutions as `haemsa search` does, but with these settings. `operators` registers others."""
    given: Mapping[str, Any] = {"population_size": 32, "batch": 16, "favour_first": True, **settings}
    box = toolbox(space)
    if operators:
        operators(box)
    return lambda seed: Evolution(space, {"mae": "min", "params": "min"}, seed=seed, toolbox=box, **given)
