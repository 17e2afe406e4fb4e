"""Two schedulers of Syne Tune over the space of haemsa: MOASHA, and multi-objective regularised evolution.

Both are set up to do well:

- Their common priority (`NonDominatedPriority`) is replaced through the parameter that is there for it. In 0.16 it
  returns the order of the candidates where their ranks are expected. So the best of three can come last.
- They see the logarithm of parameters, as the hypervolume does. Dominance is the same. But now the epsilon net, which
  spreads candidates over a front, does not only see parameters.
- MOASHA judges a trial after each rung of a search of haemsa. The rungs count as 1, 3, 9, ... units of a resource. So
  the grace period is the first rung, `max_t` is the last one (all folds), and every rung is a milestone of the
  reduction factor 3, which is that of haemsa and Syne Tune's default. There is one bracket, as by default. MOASHA draws
  from any object with `sample()`. It gets the space itself, because the space draws better genomes than gene by gene.
- Regularised evolution trains every trial on all folds. In ten minutes this is about 50 trials. With the default
  population of 100 it would only draw at random. It has 16, and a parent is the best of 4, which is the share of the
  paper (25 of 100). Its first trials are those of the other searchers. It mutates one gene at a time, but most genes of
  a shallow network have no effect. So it is asked again until a genome is new (peers_syne.py).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

import moocore
import numpy as np
import optuna
from optuna.distributions import BaseDistribution, CategoricalDistribution, FloatDistribution
from optuna.trial import FixedTrial
from syne_tune.config_space import choice, loguniform, randint, uniform
from syne_tune.optimizer.scheduler import TrialScheduler
from syne_tune.optimizer.schedulers.multiobjective import MultiObjectiveRegularizedEvolution
from syne_tune.optimizer.schedulers.multiobjective.moasha import MOASHA
from syne_tune.optimizer.schedulers.multiobjective.multiobjective_priority import MOPriority
from syne_tune.optimizer.schedulers.multiobjective.non_dominated_priority import compute_epsilon_net
from syne_tune.optimizer.schedulers.single_fidelity_scheduler import SingleFidelityScheduler

from haemsa.cluster.search.problem import Problem
from haemsa.evo.expert_space.space import ExpertSpace
from haemsa.model.spec.genome import Genome
from tests.bench.evolution.suggest import suggest_genome
from tests.bench.full.peers_optuna import first_trials
from tests.bench.shared.setting import PROCESSES

ETA: Final = 3
POPULATION: Final = 16
SAMPLE: Final = 4
RESOURCE: Final = "resource"
"""What a trial has used, in what it reports."""
Searcher = tuple[TrialScheduler, Callable[[Mapping[str, Any]], Genome]]
"""A scheduler, and the genome of a configuration that it suggests."""


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


def moasha(problem: Problem, metrics: Sequence[str], seed: int, rungs: int) -> Searcher:
    """MOASHA over so many rungs."""
    scheduler = MOASHA(
        {"genome": Draw(problem.space, seed)},
        list(metrics),
        time_attr=RESOURCE,
        multiobjective_priority=Ranks(),
        max_t=ETA ** (rungs - 1),
        grace_period=1,
        reduction_factor=ETA,
        random_seed=seed,
    )
    return scheduler, lambda config: Genome.from_json(config["genome"])


def evolution(problem: Problem, metrics: Sequence[str], seed: int) -> Searcher:
    """Regularised evolution over the genes that Optuna suggests for a whole genome."""
    genes, rng = config_space(problem), np.random.RandomState(seed)
    first = [
        {name: given.get(name, _drawn(gene, rng)) for name, gene in genes.items()}
        for given in first_trials(problem, seed)[: POPULATION + PROCESSES]
    ]
    searcher = MultiObjectiveRegularizedEvolution(
        genes,
        points_to_evaluate=first,
        population_size=POPULATION,
        sample_size=SAMPLE,
        multiobjective_priority=Ranks(),
        random_seed=seed,
    )
    scheduler = SingleFidelityScheduler(genes, list(metrics), searcher=searcher, random_seed=seed)
    return scheduler, lambda config: suggest_genome(FixedTrial(dict(config)), problem.space.domain, whole=True)


def config_space(problem: Problem) -> dict[str, Any]:
    """Syne Tune's space of the genes. A gene of one value is that value."""
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    trial = optuna.create_study().ask()
    suggest_genome(trial, problem.space.domain, whole=True)
    return {name: _gene(distribution) for name, distribution in trial.distributions.items()}


def _gene(distribution: BaseDistribution) -> Any:
    if isinstance(distribution, CategoricalDistribution):
        return distribution.choices[0] if distribution.single() else choice(list(distribution.choices))
    if distribution.single():
        return distribution.low
    if isinstance(distribution, FloatDistribution):
        return (loguniform if distribution.log else uniform)(distribution.low, distribution.high)
    return randint(distribution.low, distribution.high)


def _drawn(gene: Any, rng: np.random.RandomState) -> Any:
    return gene.sample(random_state=rng) if hasattr(gene, "sample") else gene
