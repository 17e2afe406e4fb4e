"""What all searchers share: data, folds, space, budget; and how a genome is scored, in plain torch or in a cohort."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np

from haemsa.cluster.config import SearchConfig
from haemsa.cluster.search.problem import Problem
from haemsa.cluster.workers.scores import held_out_metrics
from haemsa.evo.rungs import Fidelity
from haemsa.model.cost import cost
from haemsa.model.data.dataset import Dataset
from haemsa.model.data.folds import Folds
from haemsa.model.metrics import all_metrics
from haemsa.model.network.cohort import CohortRow
from haemsa.model.spec.genome import Genome
from haemsa.model.training.pool import Pool
from haemsa.model.training.process import prepare_process
from haemsa.model.training.train import FailedRow, TrainedRow, TrainingSettings, train
from tests.bench.networks.idiomatic_training import PLAIN, train_in_parts
from tests.support.places import SHARED_DATA

REAL_DATA: Final = SHARED_DATA
"""The folder of real data sets. Benchmarks that use them are skipped if it is missing."""
BATCH_SIZE: Final = 16
PROCESSES: Final = 2
Scores = dict[str, float]
"""Metrics, as means over folds, and costs. Empty if a network diverged."""


@dataclass(frozen=True)
class Setting:
    """One search, whoever runs it: data by name or path, seconds, seed, what scores, and bounds that are not default.

    Folds come from the seed, as in a search of ours. Genomes are such as plain trainers know (`PLAIN`).
    """

    data: str
    seconds: float
    seed: int = 0
    validation: str = "holdout"
    space: Mapping[str, Any] = field(default_factory=dict)

    def config(self) -> SearchConfig:
        """The settings of a search of ours over the same data, folds and space."""
        settings = {
            "data": self.data,
            "validation": self.validation,
            "seed": self.seed,
            "space": {**PLAIN, **self.space},
        }
        return SearchConfig.of({**settings, "batch_size": BATCH_SIZE})

    def problem(self) -> Problem:
        """Data, folds, objectives (the main metric, and parameters) and space. ValueError if the metric goes up."""
        problem = Problem.of(self.config())
        if set(problem.objectives.values()) != {"min"}:
            raise ValueError(f"objectives are {dict(problem.objectives)}, expected them all to be minimised")
        return problem


def search_seeds(seed: int, number: int, folds: int) -> list[int]:
    """A seed per fold, all below 2**32, for the search's evaluation of that number."""
    return [int(np.random.SeedSequence([seed, number, fold]).generate_state(1)[0]) for fold in range(folds)]


class Scorer:
    """Scores genomes on the samples that folds hold out. Made once per process, which trains on one thread."""

    def __init__(self, dataset: Dataset, folds: Folds, objectives: Sequence[str], *, missing: bool = False) -> None:
        prepare_process()
        self.dataset, self.folds, self.objectives, self.missing = dataset, folds, tuple(objectives), missing
        self.pool = Pool.of(dataset)

    @classmethod
    def of(cls, problem: Problem) -> Scorer:
        """A scorer of the problem's data, folds and objectives."""
        return cls(problem.pool, problem.folds, tuple(problem.objectives), missing=problem.missing)

    def alone(self, genome: Genome, seeds: Sequence[int]) -> Scores:
        """Train one plain network per fold, each with its seed, and score them."""
        return next(self.in_rungs(genome, seeds, [Fidelity(None, len(self.folds))]))

    def in_rungs(self, genome: Genome, seeds: Sequence[int], rungs: Sequence[Fidelity]) -> Iterator[Scores]:
        """The same, with scores after each rung. No rung trains again what one before it trained.

        The rungs of few epochs are on one fold, as all usual ladders have them.
        """
        own, metrics = genome.training.epochs, list[Scores]()
        ends = [min(rung.epochs or own, own) for rung in rungs if rung.replicates == 1]
        first = self._fold(genome, 0, seeds[0], ends)
        for rung in rungs:
            if rung.replicates == 1:
                metrics = [next(first)]
            more = range(len(metrics), rung.replicates)
            metrics = [*metrics, *(next(self._fold(genome, fold, seeds[fold], [own])) for fold in more)]
            yield self._scores(genome, metrics)

    def _fold(self, genome: Genome, fold: int, seed: int, ends: Sequence[int]) -> Iterator[Scores]:
        """Metrics on what the fold holds out, each time that so many epochs have ended."""
        held_out = self.folds.held_out[fold]
        trained = Folds(held_out[None], self.folds.kind)
        for outputs in train_in_parts(genome, self.pool, trained, BATCH_SIZE, seed, ends):
            yield self._metrics(held_out, {name: values.numpy() for name, values in outputs.items()})

    def together(
        self,
        genomes: Sequence[Genome],
        seeds: Sequence[Sequence[int]],
        order_seed: int,
        batch_size: int = BATCH_SIZE,
    ) -> list[Scores]:
        """The same from one cohort of ours; `seeds` are by genome and fold."""
        rows = [
            CohortRow(genome, seed, k) for genome, own in zip(genomes, seeds, strict=True) for k, seed in enumerate(own)
        ]
        settings = TrainingSettings(batch_size=batch_size, order_seed=order_seed, missing=self.missing)
        trained = train(rows, self.pool, self.folds, settings)
        found = []
        for number, genome in enumerate(genomes):
            mine = trained[number * len(self.folds) :][: len(self.folds)]
            metrics = [self._of_row(row) for row in mine]
            found.append(self._scores(genome, metrics))
        return found

    def losses(self, scores: Scores) -> list[float] | None:
        """The objectives in their order; None for a network that diverged."""
        return [scores[name] for name in self.objectives] if scores else None

    def _of_row(self, row: TrainedRow | FailedRow) -> Scores:
        return {} if isinstance(row, FailedRow) else held_out_metrics(self.dataset, self.folds, row)

    def _metrics(self, held_out: np.ndarray, outputs: Mapping[str, np.ndarray]) -> Scores:
        indices = np.flatnonzero(held_out)
        tasks = {name: task.take(indices) for name, task in self.dataset.tasks.items()}
        return all_metrics(tasks, {name: values[indices] for name, values in outputs.items()})

    def _scores(self, genome: Genome, metrics: Sequence[Scores]) -> Scores:
        if not all(metrics):
            return {}
        means = {name: float(np.mean([one[name] for one in metrics])) for name in metrics[0]}
        found = means | cost(genome.network, self.pool.schema)
        scores = {name: value for name, value in found.items() if math.isfinite(value)}  # some labels allow no F1
        return scores if all(name in scores for name in self.objectives) else {}


_kept: list[Scorer] = []


def keep_scorer(setting: Setting) -> None:
    """Make this process's scorer: what a pool of processes begins with."""
    _kept[:] = [Scorer.of(setting.problem())]


def kept_scorer() -> Scorer:
    """The scorer that `keep_scorer` made."""
    return _kept[0]
