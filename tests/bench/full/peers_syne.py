"""Syne Tune's MOASHA and multi-objective regularised evolution over the space of haemsa, with plain torch trials.

Both are set up to do well:

- Their common priority (`NonDominatedPriority`) is replaced through the parameter that is there for it. In 0.16 it
  returns the order of the candidates where their ranks are expected. So the best of three could come last.
- They see the logarithm of parameters, as the hypervolume does. Dominance is the same, and the distances by which a
  front is thinned make sense.
- MOASHA judges a trial after each rung of a search of haemsa. A report's resource is 1, 3, 9, 27. So the grace period is
  the first rung, `max_t` is the last one with all folds, and each is a milestone for the reduction factor of 3, which
  is that of haemsa and of Syne Tune's defaults. There is one bracket, as by default. What goes on, goes on from its
  weights. MOASHA draws from any object with `sample()`. It gets the space itself, whose genomes are better than
  uniform ones.
- Regularised evolution trains every trial on all folds. In ten minutes that is 40 to 60 trials. With the default
  population of 100 it would only draw at random. It gets 16, and a parent is the best of 4, which is the share of the
  paper (25 of 100). The first trials are those of the other searchers. It mutates one gene at a time, and most genes of
  a shallow network have no effect. So it is asked again until a genome is new.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime, timezone
from functools import partial
from multiprocessing.managers import BaseManager
from pathlib import Path
from threading import Lock
from typing import Any, Final, Literal

import moocore
import numpy as np
import optuna
from optuna.distributions import BaseDistribution, CategoricalDistribution, IntDistribution
from optuna.trial import FixedTrial
from syne_tune.backend.trial_status import Trial
from syne_tune.config_space import choice, loguniform, randint, uniform
from syne_tune.optimizer.scheduler import SchedulerDecision, TrialScheduler
from syne_tune.optimizer.schedulers.multiobjective import MultiObjectiveRegularizedEvolution
from syne_tune.optimizer.schedulers.multiobjective.moasha import MOASHA
from syne_tune.optimizer.schedulers.multiobjective.multiobjective_priority import MOPriority
from syne_tune.optimizer.schedulers.multiobjective.non_dominated_priority import compute_epsilon_net
from syne_tune.optimizer.schedulers.single_fidelity_scheduler import SingleFidelityScheduler

from haemsa.cluster.search.problem import Problem
from haemsa.cluster.search.sizing import ladder_of
from haemsa.evo.expert_space.space import ExpertSpace
from haemsa.evo.rungs import Fidelity
from haemsa.model.spec.genome import Genome
from tests.bench.driver.workers import CONTEXT, in_processes
from tests.bench.evolution.suggest import suggest_genome
from tests.bench.evolution.traces import Trace
from tests.bench.full.peers_optuna import first_trials
from tests.bench.shared.setting import PROCESSES, Scorer, Setting, search_seeds

Kind = Literal["moasha", "evolution"]
ETA: Final = 3
POPULATION: Final = 16
SAMPLE: Final = 4
TRIES: Final = 1000
"""How often a new genome is asked for. A tiny space may have no more."""
RESOURCE: Final = "resource"


def syne_moasha(setting: Setting, path: Path) -> None:
    """Search with MOASHA for the setting's seconds; the trace goes to `path`."""
    _search(setting, path, "moasha")


def syne_evolution(setting: Setting, path: Path) -> None:
    """Search with MultiObjectiveRegularizedEvolution for the setting's seconds; the trace goes to `path`."""
    _search(setting, path, "evolution")


def _search(setting: Setting, path: Path, kind: Kind) -> None:
    trace = Trace.begin(path)
    with served(setting, kind) as study:
        in_processes(setting, trace, work, kind, study)


class Ranks(MOPriority):
    """Front by front, and within a front by Syne Tune's epsilon net from the best in the first objective."""

    def priority_unsafe(self, objectives: np.ndarray) -> np.ndarray:
        """The place of each candidate, 0 for the best."""
        fronts = moocore.pareto_rank(objectives)
        places = np.empty(len(objectives))
        for front in np.unique(fronts):
            own = fronts == front
            places[own] = np.sum(fronts < front) + compute_epsilon_net(objectives[own], dim=0)
        return places


class Draw:
    """A hyperparameter that is a whole genome, drawn by the space itself."""

    def __init__(self, space: ExpertSpace, seed: int) -> None:
        self._space, self._rng = space, np.random.default_rng(seed)

    def sample(self) -> str:
        """A genome as JSON."""
        return self._space.sample(self._rng).to_json()


class Study:
    """A scheduler of Syne Tune, to which several processes speak in turn, as its Tuner does."""

    def __init__(self, setting: Setting, kind: Kind) -> None:
        problem = setting.problem()
        self._metrics = [f"loss{place}" for place in range(len(problem.objectives))]
        self._log = [name == "params" for name in problem.objectives]
        self._last = len(rungs_of(setting, problem, kind)) - 1
        self._scheduler, self._genome = (
            self._moasha(problem, setting) if kind == "moasha" else self._evolution(problem, setting)
        )
        self._lock, self._trials, self._keys = Lock(), dict[int, Trial](), set[str]()

    def _moasha(self, problem: Problem, setting: Setting) -> tuple[TrialScheduler, Callable[[Any], Genome]]:
        scheduler = MOASHA(
            {"genome": Draw(problem.space, setting.seed)},
            metrics=self._metrics,
            time_attr=RESOURCE,
            multiobjective_priority=Ranks(),
            max_t=ETA**self._last,
            grace_period=1,
            reduction_factor=ETA,
            random_seed=setting.seed,
        )
        return scheduler, lambda config: Genome.from_json(config["genome"])

    def _evolution(self, problem: Problem, setting: Setting) -> tuple[TrialScheduler, Callable[[Any], Genome]]:
        genes, rng = config_space(problem), np.random.RandomState(setting.seed)  # noqa: NPY002  what Syne Tune takes
        drawn = [
            {name: given.get(name, _drawn(gene, rng)) for name, gene in genes.items()}
            for given in first_trials(problem, setting.seed)[: POPULATION + PROCESSES]
        ]
        searcher = MultiObjectiveRegularizedEvolution(
            genes,
            points_to_evaluate=drawn,
            population_size=POPULATION,
            sample_size=SAMPLE,
            multiobjective_priority=Ranks(),
            random_seed=setting.seed,
        )
        scheduler = SingleFidelityScheduler(genes, self._metrics, searcher=searcher, random_seed=setting.seed)
        return scheduler, lambda config: suggest_genome(FixedTrial(config), problem.space.domain, whole=True)

    def ask(self) -> tuple[int, str]:
        """The number and the genome, as JSON, of a new trial."""
        with self._lock:
            for _ in range(TRIES):
                config = self._scheduler.suggest().config
                genome = self._genome(config)
                if genome.key not in self._keys:
                    break
            self._keys.add(genome.key)
            trial = Trial(len(self._trials), config, datetime.now(timezone.utc))
            self._trials[trial.trial_id] = trial
            self._scheduler.on_trial_add(trial)
            return trial.trial_id, genome.to_json()

    def tell(self, number: int, rung: int, losses: Sequence[float] | None) -> bool:
        """Report what a trial has after a rung, None if it diverged. Returns whether it goes on."""
        with self._lock:
            scheduler, trial = self._scheduler, self._trials[number]
            if losses is None:
                scheduler.on_trial_error(trial)
                return False
            seen = [np.log10(loss) if log else loss for loss, log in zip(losses, self._log, strict=True)]
            result = {RESOURCE: ETA**rung, **dict(zip(self._metrics, map(float, seen), strict=True))}
            if scheduler.on_trial_result(trial, result) == SchedulerDecision.STOP:
                scheduler.on_trial_remove(trial)
                return False
            if rung == self._last:
                scheduler.on_trial_complete(trial, result)
            return rung < self._last


def rungs_of(setting: Setting, problem: Problem, kind: Kind) -> Sequence[Fidelity]:
    """When a trial reports: after each rung of a search of ours, or once it has all epochs and folds."""
    if kind == "evolution":
        return [Fidelity(None, len(problem.folds))]
    ladder = ladder_of(setting.config(), problem.folds)
    return ladder.rungs[: ladder.full + 1]


def config_space(problem: Problem) -> dict[str, Any]:
    """The genes that Optuna suggests for a whole genome, for Syne Tune. A gene of one value is that value."""
    trial = optuna.create_study().ask()
    suggest_genome(trial, problem.space.domain, whole=True)
    return {name: _gene(distribution) for name, distribution in trial.distributions.items()}


def _gene(distribution: BaseDistribution) -> Any:
    if isinstance(distribution, CategoricalDistribution):
        return choice(list(distribution.choices)) if not distribution.single() else distribution.choices[0]
    low, high = distribution.low, distribution.high
    if distribution.single():
        return low
    if isinstance(distribution, IntDistribution):
        return randint(low, high)
    return (loguniform if distribution.log else uniform)(low, high)


def _drawn(gene: Any, rng: Any) -> Any:
    return gene.sample(random_state=rng) if hasattr(gene, "sample") else gene


class _Manager(BaseManager):
    """Keeps the study in a process of its own, which only works when it is spoken to."""


_Manager.register("Study", Study)


@contextmanager
def served(setting: Setting, kind: Kind) -> Iterator[Any]:
    """A study for all processes."""
    with _Manager(ctx=CONTEXT) as manager:
        yield manager.Study(setting, kind)


def work(setting: Setting, trace: Trace, worker: int, kind: Kind, study: Any) -> None:
    """Train what the study asks for, until the seconds are over."""
    problem = setting.problem()
    scorer, rungs = Scorer.of(problem), rungs_of(setting, problem, kind)
    while trace.elapsed < setting.seconds:
        number, text = study.ask()
        genome, seeds = Genome.from_json(text), search_seeds(setting.seed, number, len(scorer.folds))
        for level, scores in enumerate(scorer.in_rungs(genome, seeds, rungs)):
            trace.append(genome, scores, number=number, id=number, level=level)
            if not study.tell(number, level, scorer.losses(scores)):
                break
