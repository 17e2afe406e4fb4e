"""Syne Tune's MOASHA and multi-objective regularised evolution, with plain torch trials (syne_schedulers.py).

Syne Tune's own backends start a program for each trial, which would load torch and the data again: seconds for a trial
of seconds. So its schedulers are spoken to directly, in the order in which its Tuner does so. A process keeps the
scheduler, and two others train. A trial that MOASHA lets go on continues from its weights.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from multiprocessing.managers import BaseManager
from pathlib import Path
from threading import Lock
from typing import Any, Final, Literal

from syne_tune.backend.trial_status import Trial
from syne_tune.optimizer.scheduler import SchedulerDecision

from haemsa.cluster.search.problem import Problem
from haemsa.cluster.search.sizing import ladder_of
from haemsa.evo.rungs import Fidelity
from haemsa.model.spec.genome import Genome
from tests.bench.driver.workers import CONTEXT, in_processes
from tests.bench.evolution.traces import Trace
from tests.bench.full.syne_schedulers import ETA, RESOURCE, evolution, moasha
from tests.bench.shared.setting import Scorer, Setting, search_seeds

Kind = Literal["moasha", "evolution"]
TRIES: Final = 1000
"""How often a new genome is asked for. A tiny space may have no more."""


def syne_moasha(setting: Setting, path: Path) -> None:
    """Search with MOASHA for the setting's seconds; the trace goes to `path`."""
    _search(setting, path, "moasha")


def syne_evolution(setting: Setting, path: Path) -> None:
    """Search with multi-objective regularised evolution for the setting's seconds; the trace goes to `path`."""
    _search(setting, path, "evolution")


def _search(setting: Setting, path: Path, kind: Kind) -> None:
    trace = Trace.begin(path)
    with served(setting, kind) as study:
        in_processes(setting, trace, _work, kind, study)


class Study:
    """A scheduler to which several processes speak in turn."""

    def __init__(self, setting: Setting, kind: Kind) -> None:
        problem = setting.problem()
        rungs, self._objectives = len(rungs_of(setting, problem, kind)), tuple(problem.objectives)
        self._scheduler, self._genome = (
            moasha(problem, self._objectives, setting.seed, rungs)
            if kind == "moasha"
            else evolution(problem, self._objectives, setting.seed)
        )
        self._last, self._trials, self._seen, self._lock = rungs - 1, dict[int, Trial](), set[str](), Lock()

    def ask(self) -> tuple[int, str]:
        """The number of a new trial, and its genome as JSON."""
        with self._lock:
            for _ in range(TRIES):
                config = self._scheduler.suggest().config
                genome = self._genome(config)
                if genome.key not in self._seen:
                    break
            self._seen.add(genome.key)
            trial = Trial(len(self._trials), config, datetime.now(UTC))
            self._trials[trial.trial_id] = trial
            self._scheduler.on_trial_add(trial)
            return trial.trial_id, genome.to_json()

    def tell(self, number: int, rung: int, losses: Sequence[float] | None) -> bool:
        """Report what a trial has after a rung; None if it diverged. Returns whether it goes on."""
        with self._lock:
            trial = self._trials[number]
            if losses is None:
                self._scheduler.on_trial_error(trial)
                return False
            seen = {name: math.log10(loss) if name == "params" else loss for name, loss in self._named(losses)}
            result = {**seen, RESOURCE: ETA**rung}
            if self._scheduler.on_trial_result(trial, result) == SchedulerDecision.STOP:
                self._scheduler.on_trial_remove(trial)
                return False
            if rung == self._last:
                self._scheduler.on_trial_complete(trial, result)
            return rung < self._last

    def _named(self, losses: Sequence[float]) -> Iterator[tuple[str, float]]:
        return zip(self._objectives, losses, strict=True)


def rungs_of(setting: Setting, problem: Problem, kind: Kind) -> Sequence[Fidelity]:
    """When a trial reports: after each rung of a search of ours, or once it has all epochs and folds."""
    if kind == "evolution":
        return [Fidelity(None, len(problem.folds))]
    ladder = ladder_of(setting.config(), problem.folds)
    return ladder.rungs[: ladder.full + 1]


class _Manager(BaseManager):
    """Keeps a study in a process of its own, which only works when it is spoken to."""


_Manager.register("Study", Study)


@contextmanager
def served(setting: Setting, kind: Kind) -> Iterator[Any]:
    """A study for all processes."""
    with _Manager(ctx=CONTEXT) as manager:
        yield manager.Study(setting, kind)


def _work(setting: Setting, trace: Trace, worker: int, kind: Kind, study: Any) -> None:
    problem = setting.problem()
    scorer, rungs = Scorer.of(problem), rungs_of(setting, problem, kind)
    while trace.elapsed < setting.seconds:
        number, text = study.ask()
        genome, seeds = Genome.from_json(text), search_seeds(setting.seed, number, len(scorer.folds))
        for level, scores in enumerate(scorer.in_rungs(genome, seeds, rungs)):
            trace.append(genome, scores, number=number, id=number, level=level)
            if not study.tell(number, level, scorer.losses(scores)):
                break
