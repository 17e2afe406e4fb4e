"""Peers of haemsa: searchers over the same space, data and folds that train one plain network at a time.

    python -m tests.bench.full.peers optuna_nsga2 --data PATH --seconds 600 --seed 0 --trace FILE.jsonl

Each runs two processes of one torch thread for a number of seconds, start-up included, and leaves a trace. Only
random search trains in haemsa's cohorts: the difference to it is what evolution is worth. Those of Syne Tune need the
extra `peers`, because it brings hundreds of megabytes.
"""

from __future__ import annotations

import argparse
import itertools
import random
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from multiprocessing import TimeoutError as OutOfTime
from pathlib import Path
from typing import Any, Final

import numpy as np
from deap import algorithms, base, tools

from haemsa.evo.expert_space.space import ExpertSpace
from haemsa.model.spec.genome import Genome
from tests.bench.driver.workers import CONTEXT, in_processes
from tests.bench.evolution.traces import Trace
from tests.bench.shared.setting import PROCESSES, Scorer, Setting, keep_scorer, kept_scorer, search_seeds

POPULATION: Final = 32
COHORT: Final = 8
BLOCK: Final = 64
"""Random genomes drawn at once, and sorted by cost to be cut into cohorts."""
WORST: Final = 1e9
"""The loss of a diverged network, for a searcher that must have one. It is finite, as DEAP's crowding needs."""


def random_search(setting: Setting, path: Path) -> None:
    """Genomes at random, trained in cohorts of ours."""
    in_processes(setting, Trace.begin(path), _random_work)


def _random_work(setting: Setting, trace: Trace, worker: int) -> None:
    problem = setting.problem()
    scorer = Scorer.of(problem)
    rng = np.random.default_rng([setting.seed, worker])
    numbers = itertools.count(worker, PROCESSES)
    while trace.elapsed < setting.seconds:
        block = sorted((problem.space.sample(rng) for _ in range(BLOCK)), key=problem.size)
        for place in rng.permutation(BLOCK // COHORT) * COHORT:  # in any order: cheap ones are not to come first
            cohort = block[place : place + COHORT]
            own = [next(numbers) for _ in cohort]
            seeds = [search_seeds(setting.seed, number, len(scorer.folds)) for number in own]
            found = scorer.together(cohort, seeds, order_seed=setting.seed)
            for number, genome, scores in zip(own, cohort, found, strict=True):
                trace.append(genome, scores, number=number)


class Fitness(base.Fitness):
    """Two losses."""

    weights = (-1.0, -1.0)


@dataclass
class Individual:
    """What DEAP breeds."""

    genome: Genome
    fitness: Fitness = field(default_factory=Fitness)


def deap_mu_plus_lambda(setting: Setting, path: Path) -> None:
    """DEAP's eaMuPlusLambda with NSGA-II's selection, our variation, and a multiprocessing pool to map over."""
    trace = Trace.begin(path)
    space = setting.problem().space
    rng = np.random.default_rng(setting.seed)
    random.seed(setting.seed)  # DEAP's own randomness
    with CONTEXT.Pool(PROCESSES, _begin, (setting, trace)) as pool:
        toolbox = _toolbox(space, rng)
        toolbox.register("map", _limited(pool, setting, trace))
        population = [Individual(space.sample(rng)) for _ in range(POPULATION)]
        try:
            algorithms.eaMuPlusLambda(
                population, toolbox, POPULATION, POPULATION, cxpb=0.7, mutpb=0.3, ngen=10**9, verbose=False
            )
        except OutOfTime:
            return


def _toolbox(space: ExpertSpace, rng: np.random.Generator) -> base.Toolbox:
    """A child is a mutant of a crossing, or of one parent, as in the evolution of haemsa."""

    def mate(a: Individual, b: Individual) -> tuple[Individual, Individual]:
        children = space.crossover(a.genome, b.genome, rng)
        a.genome, b.genome = (space.mutate(child, rng) for child in children)
        return a, b

    toolbox = base.Toolbox()
    toolbox.register("mate", mate)
    toolbox.register("mutate", lambda individual: (Individual(space.mutate(individual.genome, rng)),))
    toolbox.register("select", tools.selNSGA2)
    toolbox.register("evaluate", _evaluate)
    return toolbox


def _limited(pool: Any, setting: Setting, trace: Trace) -> Callable[..., list[Sequence[float]]]:
    """`pool.map`, one genome at a time, which raises multiprocessing's TimeoutError when the seconds are over."""
    numbers = itertools.count()

    def limited(function: Callable[..., Any], individuals: Iterable[Individual]) -> list[Sequence[float]]:
        tasks = [(next(numbers), individual.genome) for individual in individuals]
        return pool.map_async(function, tasks, chunksize=1).get(max(0.0, setting.seconds - trace.elapsed))

    return limited


_own: list[tuple[Setting, Trace]] = []


def _begin(setting: Setting, trace: Trace) -> None:
    _own[:] = [(setting, trace)]
    keep_scorer(setting)


def _evaluate(task: tuple[int, Genome]) -> Sequence[float]:
    (number, genome), (setting, trace), scorer = task, _own[0], kept_scorer()
    scores = scorer.alone(genome, search_seeds(setting.seed, number, len(scorer.folds)))
    trace.append(genome, scores, number=number)
    return scorer.losses(scores) or [WORST] * len(scorer.objectives)


def optuna_nsga2(setting: Setting, path: Path) -> None:
    """Optuna's NSGA-II."""
    from tests.bench.full.peers_optuna import optuna_nsga2 as search

    search(setting, path)


def optuna_tpe(setting: Setting, path: Path) -> None:
    """Optuna's multi-objective TPE."""
    from tests.bench.full.peers_optuna import optuna_tpe as search

    search(setting, path)


def ray_tune_optuna(setting: Setting, path: Path) -> None:
    """Ray Tune with Optuna's multi-objective TPE."""
    from tests.bench.full.peers_ray import ray_tune_optuna as search

    search(setting, path)


def syne_moasha(setting: Setting, path: Path) -> None:
    """Syne Tune's MOASHA."""
    from tests.bench.full.peers_syne import syne_moasha as search

    search(setting, path)


def syne_evolution(setting: Setting, path: Path) -> None:
    """Syne Tune's multi-objective regularised evolution."""
    from tests.bench.full.peers_syne import syne_evolution as search

    search(setting, path)


Searcher = Callable[[Setting, Path], None]
PEERS: Final[dict[str, Searcher]] = {
    search.__name__: search
    for search in (
        optuna_nsga2, optuna_tpe, ray_tune_optuna, syne_moasha, syne_evolution, deap_mu_plus_lambda, random_search
    )
}  # fmt: skip
"""Every searcher by name: `(setting, path of a new trace)`; returns when the seconds are over. ModuleNotFoundError: its
library is not installed."""


def main() -> None:
    """Run one searcher."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("searcher", choices=PEERS)
    parser.add_argument("--data", required=True, help="planted, digits, or a path")
    parser.add_argument("--validation", default="holdout", help="holdout or folds:K")
    parser.add_argument("--seconds", type=float, default=600.0)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--trace", type=Path, required=True, help="a new file")
    arguments = parser.parse_args()
    setting = Setting(arguments.data, arguments.seconds, arguments.seed, arguments.validation)
    PEERS[arguments.searcher](setting, arguments.trace)


if __name__ == "__main__":
    main()
