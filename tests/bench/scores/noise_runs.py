"""Networks of many genomes, each trained once and scored in several ways.

An official run trains on the training split, and is scored on the validation and the test split. A folds run trains
on training and validation samples, and is scored on what its fold holds out. The test split is read because the
question is how well scores predict it. Nothing is chosen by it, and no search sees any of this.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from haemsa.model.cost import cost
from haemsa.model.data.dataset import SPLITS, Dataset
from haemsa.model.data.folds import Folds, grouped, holdout
from haemsa.model.data.normalisation import Normalisation
from haemsa.model.network.cohort import CohortRow, sort_order
from haemsa.model.spec.genome import Genome
from haemsa.model.training.fold_statistics import FoldStatistics
from haemsa.model.training.plan import Plan
from haemsa.model.training.pool import Pool, batches
from haemsa.model.training.process import prepare_process
from haemsa.model.training.train import FailedRow, TrainedRow, TrainingSettings, _Run
from tests.bench.shared.setting import BATCH_SIZE

KINDS: Final = ("average", "last", "best")
"""Weights of a run: averaged over late epochs, of the last epoch, of the best epoch on the very samples that score."""
REPLICATES: Final = 5
Run = dict[str, dict[str, float]]
"""Mean absolute errors by part ("score" and, of official runs, "test") and kind."""
Indices = NDArray[np.int64]
Values = NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class Protocol:
    """`REPLICATES` networks of a genome: replicate k has a seed of its own, and fold k or the only one.

    parts: by name, the samples that are scored for each fold. purpose: part of the seeds. order_seed: of the batches.
    """

    folds: Folds
    parts: dict[str, list[Indices]]
    purpose: int
    order_seed: int

    def rows(self, genomes: Sequence[Genome], seed: int) -> list[CohortRow]:
        """All replicates of each genome. Seeds come only from its key and not from other genomes."""
        return [
            CohortRow(genome, run_seed(seed, self.purpose, genome, k), k % len(self.folds))
            for genome in genomes
            for k in range(REPLICATES)
        ]

    @property
    def watched(self) -> Indices:
        """All samples that some fold is scored on."""
        return np.unique(np.concatenate([samples for part in self.parts.values() for samples in part]))


def run_seed(seed: int, purpose: int, genome: Genome, replicate: int) -> int:
    """The seed of one run."""
    return int(np.random.SeedSequence([seed, purpose, int(genome.key, 16), replicate]).generate_state(1)[0])


class Bench:
    """One data set, its protocols, and training under them, on one thread. Errors are of its first regression task."""

    def __init__(self, dataset: Dataset, seed: int = 0) -> None:
        prepare_process()
        self.seed = seed
        order = np.concatenate([dataset.split(split) for split in SPLITS])
        self.dataset = Normalisation.fit(dataset).apply(dataset).take(order)
        self.task = next(name for name, task in dataset.tasks.items() if task.kind == "regression")
        self.targets = self.dataset.tasks[self.task].targets
        self.pool = Pool.of(self.dataset)
        self.protocols = self._protocols()
        self._statistics = {name: FoldStatistics.fit(self.pool, p.folds) for name, p in self.protocols.items()}

    def _protocols(self) -> dict[str, Protocol]:
        """Folds as a search has them; two sets of official runs, the second with its batches in another order."""
        known = self.dataset.pool()
        folds, official = self._hide_test(grouped(known, REPLICATES, self.seed)), self._hide_test(holdout(known))
        held_out = [np.flatnonzero(row[: len(known)]) for row in folds.held_out]
        parts = {"score": [self.dataset.split("valid")], "test": [self.dataset.split("test")]}
        return {
            "folds": Protocol(folds, {"score": held_out}, 2, self.seed),
            "seeds": Protocol(official, parts, 6, self.seed),
            "fresh": Protocol(official, parts, 7, self.seed + 1),
        }

    def _hide_test(self, folds: Folds) -> Folds:
        """The folds over all samples; all of them hold out the test split, which comes last."""
        hidden = np.ones((len(folds), len(self.dataset.split("test"))), dtype=bool)
        return Folds(np.concatenate([folds.held_out, hidden], axis=1), folds.kind)

    def size(self, genome: Genome) -> float:
        """What cohorts are sorted by."""
        return cost(genome.network, self.pool.schema)["flops"] * genome.training.epochs

    def train(self, name: str, genomes: Sequence[Genome]) -> list[list[Run] | None]:
        """The runs of each genome under a protocol, trained as one cohort; None for one that diverged."""
        protocol = self.protocols[name]
        runs = [
            None if isinstance(row, FailedRow) else self._score(protocol, row, epochs)
            for row, epochs in self._train(protocol, protocol.rows(genomes, self.seed), self._statistics[name])
        ]
        own = [runs[start : start + REPLICATES] for start in range(0, len(runs), REPLICATES)]
        return [None if None in some else [run for run in some if run] for some in own]

    def _train(
        self, protocol: Protocol, rows: Sequence[CohortRow], statistics: FoldStatistics
    ) -> list[tuple[TrainedRow | FailedRow, list[Values]]]:
        """Train rows as `haemsa.model.training.train.train` does; with what each row predicted after each epoch."""
        settings = TrainingSettings(BATCH_SIZE, order_seed=protocol.order_seed)
        plans = [Plan.of(index, row, None, None, settings.average) for index, row in enumerate(rows)]
        run = _Watched([plans[index] for index in sort_order(rows)], self.pool, statistics, settings)
        run.task, run.watched = self.task, protocol.watched
        seen: list[list[Values]] = [[] for _ in rows]
        results: dict[int, TrainedRow | FailedRow] = {}
        while run.plans:
            run.train_epoch(list(batches(protocol.folds.trained, BATCH_SIZE, protocol.order_seed, run.epoch)))
            for plan, values in zip(run.plans, run.predict(), strict=True):
                seen[plan.index].append(values)
            results |= run.take_finished()
        return [(results[index], seen[index]) for index in range(len(rows))]

    def _score(self, protocol: Protocol, row: TrainedRow, epochs: Sequence[Values]) -> Run:
        own = {name: samples[row.row.fold] for name, samples in protocol.parts.items()}
        best = int(np.argmin([self.error(values, own["score"]) for values in epochs]))
        outputs = (row.outputs[self.task][:, 0], epochs[-1], epochs[best])
        found = {
            name: {kind: self.error(values, samples) for kind, values in zip(KINDS, outputs, strict=True)}
            for name, samples in own.items()
        }
        return found | {"epochs": {"best": best + 1.0, "last": float(len(epochs))}}

    def error(self, values: Values, samples: Indices) -> float:
        """Mean absolute error of predictions [N] on the labelled of these samples."""
        return float(np.nanmean(np.abs(values[samples].astype(np.float64) - self.targets[samples])))


class _Watched(_Run):
    """A cohort in training that also predicts with its weights as they stand."""

    task: str
    watched: Indices

    def predict(self) -> Values:
        """Predictions [P, N] of the task, in the order of `plans`; NaN for samples that are not watched."""
        found = np.full((len(self.plans), len(self.pool)), np.nan, np.float32)
        scale = self.stepper.criterion.scales[self.task]
        with torch.no_grad():
            for indices in np.array_split(self.watched, max(1, len(self.watched) // 256)):
                outputs: Tensor = self.stepper.network(self.pool.batch(indices, self.settings.dtype)).outputs[self.task]
                found[:, indices] = (outputs * scale.deviation + scale.mean)[:, :, 0].numpy()
        return found
