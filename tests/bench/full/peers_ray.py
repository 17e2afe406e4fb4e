"""Ray Tune with OptunaSearch over the space of haemsa, with the same plain trainer as a class whose actors are reused.

It is set up to do well. The data is in the object store once, an actor keeps its tensors from trial to trial, Tune's
own loggers are off, and the first trials are those of the other searchers.
"""

from __future__ import annotations

import logging
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import optuna
import ray
from ray import tune
from ray.tune.search.optuna import OptunaSearch

from haemsa.cluster.search.problem import Problem
from haemsa.evo.expert_space.domain import Domain
from haemsa.model.spec.genome import Genome
from tests.bench.evolution.suggest import suggest_genome
from tests.bench.evolution.traces import Trace
from tests.bench.full.peers_optuna import first_trials, sampler
from tests.bench.shared.setting import PROCESSES, Scorer, Setting, search_seeds
from tests.support.places import ROOT


class PlainTrial(tune.Trainable):
    """One trial is one step: all folds at full epochs."""

    def setup(self, config: dict[str, Any], inputs: tuple[Any, ...], seed: int, trace: Trace) -> None:
        """Make the scorer from what is in the object store, once per actor."""
        self.trial, self.seed, self.trace = config, seed, trace
        self.scorer = Scorer(*inputs)

    def reset_config(self, new_config: dict[str, Any]) -> bool:
        """Take the next trial."""
        self.trial = new_config
        return True

    def step(self) -> dict[str, Any]:
        """Train and score."""
        genome, number = Genome.from_json(self.trial["genome"]), self.trial["number"]
        scores = self.scorer.alone(genome, search_seeds(self.seed, number, len(self.scorer.folds)))
        self.trace.append(genome, scores, number=number)
        losses = self.scorer.losses(scores) or [float("nan")] * len(self.scorer.objectives)
        return {f"loss{place}": loss for place, loss in enumerate(losses)} | {"done": True}


@dataclass(frozen=True)
class Suggest:
    """A trial's suggestions as its configuration: a class, since Tune pickles its searcher now and then."""

    domain: Domain

    def __call__(self, trial: Any) -> dict[str, Any]:
        """The genome, and the trial's number for its seeds."""
        return {"genome": suggest_genome(trial, self.domain, whole=False).to_json(), "number": trial.number}


def ray_tune_optuna(setting: Setting, path: Path) -> None:
    """Search with Ray Tune for the setting's seconds; the trace goes to `path`."""
    trace = Trace.begin(path)
    problem = setting.problem()
    inputs = (problem.pool, problem.folds, tuple(problem.objectives))
    with _ray(), tempfile.TemporaryDirectory() as folder:
        trainable = tune.with_parameters(PlainTrial, inputs=inputs, seed=setting.seed, trace=trace)
        tuner = tune.Tuner(
            tune.with_resources(trainable, {"cpu": 1}),
            tune_config=tune.TuneConfig(
                search_alg=_search_algorithm(problem, setting.seed),
                num_samples=-1,
                max_concurrent_trials=PROCESSES,
                reuse_actors=True,
                time_budget_s=max(1.0, setting.seconds - trace.elapsed),
                trial_dirname_creator=lambda trial: trial.trial_id,
            ),
            run_config=tune.RunConfig(
                storage_path=folder, verbose=0, checkpoint_config=tune.CheckpointConfig(checkpoint_at_end=False)
            ),
        )
        tuner.fit()


def _search_algorithm(problem: Problem, seed: int) -> OptunaSearch:
    losses = [f"loss{place}" for place in range(len(problem.objectives))]
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    return OptunaSearch(
        Suggest(problem.space.domain),
        metric=losses,
        mode=["min"] * len(losses),
        sampler=sampler("tpe", seed),
        points_to_evaluate=first_trials(problem, seed),
    )


@contextmanager
def _ray() -> Iterator[None]:
    """A quiet Ray of two cores on the loopback address. Its workers find the modules of the benchmarks."""
    paths = [str(ROOT), os.environ.get("PYTHONPATH", "")]
    os.environ |= {
        "PYTHONPATH": os.pathsep.join(filter(None, paths)),
        "RAY_AIR_NEW_OUTPUT": "0",  # the old output can be silenced
        "RAY_USAGE_STATS_ENABLED": "0",
        "TUNE_DISABLE_AUTO_CALLBACK_LOGGERS": "1",
    }
    ray.init(
        address="local",
        num_cpus=PROCESSES,
        include_dashboard=False,
        _node_ip_address="127.0.0.1",
        log_to_driver=False,
        logging_level=logging.ERROR,
    )
    try:
        yield
    finally:
        ray.shutdown()
