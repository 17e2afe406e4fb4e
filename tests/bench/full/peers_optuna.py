"""Optuna's NSGA-II and TPE over the space of haemsa: two processes share a study in a journal file.

Both are set up to do well. The first trials are drawn by the space itself, as for every searcher. NSGA-II gets whole
genomes of fixed length, because it inherits only what all trials have. In a shallow network about 70 % of these genes
have no effect, so genes are redrawn at a rate that changes one or two genes with an effect. TPE models only the genes
with an effect, group by group. The journal is in memory if there is such a folder, because it is synced after every
gene, which takes 3 ms on a disk.
"""

from __future__ import annotations

import tempfile
import warnings
from functools import partial
from pathlib import Path
from typing import Any, Final, Literal

import numpy as np
import optuna
from optuna.samplers import BaseSampler, NSGAIISampler, TPESampler
from optuna.storages import JournalStorage
from optuna.storages.journal import JournalFileBackend

from haemsa.cluster.search.problem import Problem
from tests.bench.driver.workers import in_processes
from tests.bench.evolution.suggest import parameters, suggest_genome
from tests.bench.evolution.traces import Trace
from tests.bench.shared.setting import Scorer, Setting, search_seeds

Kind = Literal["nsga2", "tpe"]
POPULATION: Final = 32
MUTATION: Final = 0.03
STUDY: Final = "peer"
MEMORY: Final = Path("/dev/shm")


def optuna_nsga2(setting: Setting, path: Path) -> None:
    """Search with NSGAIISampler for the setting's seconds; the trace goes to `path`."""
    _search(setting, path, "nsga2")


def optuna_tpe(setting: Setting, path: Path) -> None:
    """Search with the multi-objective TPESampler for the setting's seconds; the trace goes to `path`."""
    _search(setting, path, "tpe")


def sampler(kind: Kind, seed: int, worker: int = 0) -> BaseSampler:
    """A sampler for one of several workers."""
    own = int(np.random.SeedSequence([seed, worker]).generate_state(1)[0])
    if kind == "nsga2":
        return NSGAIISampler(population_size=POPULATION, mutation_prob=MUTATION, seed=own)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)  # `group` is experimental
        return TPESampler(multivariate=True, group=True, constant_liar=True, seed=own)


def first_trials(problem: Problem, seed: int) -> list[dict[str, Any]]:
    """Parameters of the first trials, drawn as our space draws them."""
    rng = np.random.default_rng(seed)
    return [parameters(problem.space.domain, problem.space.sample(rng)) for _ in range(POPULATION)]


def _search(setting: Setting, path: Path, kind: Kind) -> None:
    trace = Trace.begin(path)
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    problem = setting.problem()
    with tempfile.TemporaryDirectory(dir=MEMORY if MEMORY.is_dir() else None) as folder:
        journal = str(Path(folder) / "journal.log")
        directions = ["minimize"] * len(problem.objectives)
        study = optuna.create_study(storage=_storage(journal), study_name=STUDY, directions=directions)
        for trial in first_trials(problem, setting.seed):
            study.enqueue_trial(trial)
        in_processes(setting, trace, _work, kind, journal)


def _storage(journal: str) -> JournalStorage:
    return JournalStorage(JournalFileBackend(journal))


def _work(setting: Setting, trace: Trace, worker: int, kind: Kind, journal: str) -> None:
    optuna.logging.set_verbosity(optuna.logging.ERROR)  # a diverged trial is in the trace
    problem = setting.problem()
    own = sampler(kind, setting.seed, worker)
    study = optuna.load_study(storage=_storage(journal), study_name=STUDY, sampler=own)
    objective = partial(_objective, setting, trace, problem, Scorer.of(problem), kind)
    study.optimize(objective, timeout=setting.seconds - trace.elapsed)


def _objective(
    setting: Setting, trace: Trace, problem: Problem, scorer: Scorer, kind: Kind, trial: optuna.Trial
) -> list[float]:
    genome = suggest_genome(trial, problem.space.domain, whole=kind == "nsga2")
    scores = scorer.alone(genome, search_seeds(setting.seed, trial.number, len(scorer.folds)))
    trace.append(genome, scores, number=trial.number)
    return scorer.losses(scores) or [float("nan")] * len(scorer.objectives)  # NaN: Optuna fails the trial
