"""A trial: train a cohort of jobs on a worker's device and score them. The one error boundary around training."""

from __future__ import annotations

import math
import os
import platform
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from haemsa.cluster.workers.evaluator import failed
from haemsa.cluster.workers.job import Arrays, Job, Result, RowState
from haemsa.cluster.workers.limits import is_out_of_memory
from haemsa.evo.candidate import Failure, Score
from haemsa.model.data.dataset import Dataset
from haemsa.model.data.folds import Folds
from haemsa.model.errors import error_line
from haemsa.model.seeds import SeedPurpose
from haemsa.model.spec.genome import Genome

if TYPE_CHECKING:
    from haemsa.model.inheritance.inherit import Inherited
    from haemsa.model.training.plan import Checkpoint
    from haemsa.model.training.train import FailedRow, TrainedRow


@dataclass(frozen=True)
class WorkerData:
    """What a worker keeps: normalised samples without the test split, the folds that score, and shared settings."""

    pool: Dataset
    folds: Folds
    seed: int
    batch_size: int = 16
    device: str = "cpu"
    missing: bool = False  # score with modalities missing, too


INHERITED_LOGIT = -3.0
"""Where an inherited softmax starts a new expert or modality: a share of 1 in 20, which training can raise.

Shut wholly (-16) a child predicts exactly as its parent, but what is new in it never opens; this costs it about .007.
"""


def row_seed(seed: int, purpose: SeedPurpose, candidate: int, replicate: int) -> int:
    """The seed of one training: from the search's seed, what it is for, the candidate and the replicate alone."""
    return int(np.random.SeedSequence([seed, purpose, candidate, replicate]).generate_state(1)[0])


class CohortTrainer:
    """Trains cohorts on data that it holds. Made once per worker; torch loads here, not on import."""

    def __init__(self, data: WorkerData) -> None:
        from haemsa.model.training.fold_statistics import FoldStatistics
        from haemsa.model.training.pool import Pool
        from haemsa.model.training.process import prepare_process

        _check_device(data.device)
        prepare_process()  # one thread: workers do not fight over cores, and results do not depend on their number
        self.data = data
        self._pool = Pool.of(data.pool, data.device)
        self._statistics = FoldStatistics.fit(self._pool, data.folds)

    def __call__(self, jobs: Sequence[Job]) -> list[Result]:
        """Train the jobs together, all replicates of each; results in their order. Never raises for a genome."""
        start = time.perf_counter()
        results = self._attempt(jobs)
        seconds = (time.perf_counter() - start) / len(jobs)
        return [replace(result, seconds=seconds) for result in results]

    def _attempt(self, jobs: Sequence[Job]) -> list[Result]:
        """Train the jobs; out of memory or an error halves the cohort, until who is to blame fails alone."""
        try:
            return self._train(jobs)
        except Exception as error:
            failure = Failure("memory" if is_out_of_memory(error) else "error", error_line(error))
        if len(jobs) == 1:
            return failed(jobs, failure.kind, failure.message)
        half = len(jobs) // 2
        return [*self._attempt(jobs[:half]), *self._attempt(jobs[half:])]

    def fastest_cohort(self, genomes: Sequence[Genome]) -> int:
        """How many networks this device trains fastest together."""
        from haemsa.cluster.workers.throughput import fastest_cohort

        return fastest_cohort(genomes, self.data.pool, self.data.batch_size, self.data.seed, self.data.device)

    def _train(self, jobs: Sequence[Job]) -> list[Result]:
        from haemsa.model.network.cohort import CohortRow
        from haemsa.model.training.train import TrainingSettings, train

        folds = self.data.folds
        places = [(job, replicate, epochs) for job in jobs for replicate, epochs in job.waiting().items()]
        rows = [
            CohortRow(job.genome, row_seed(self.data.seed, job.purpose, job.id, k), k % len(folds))
            for job, k, _ in places
        ]
        settings = TrainingSettings(
            self.data.batch_size, order_seed=self.data.seed, held_out_only=True, missing=self.data.missing
        )
        starts, until = [_start(job, k) for job, k, _ in places], [epochs for *_, epochs in places]
        trained = (
            train(rows, self._pool, folds, settings, until=until, starts=starts, statistics=self._statistics)
            if rows
            else []
        )
        by_job: dict[int, dict[int, Any]] = {job.id: {} for job in jobs}
        for (job, replicate, _), row in zip(places, trained, strict=True):
            by_job[job.id][replicate] = row
        return [self._result(job, by_job[job.id]) for job in jobs]

    def _result(self, job: Job, rows: Mapping[int, TrainedRow | FailedRow]) -> Result:
        from haemsa.model.cost import cost
        from haemsa.model.training.train import FailedRow

        trained: dict[int, TrainedRow] = {}
        for replicate, row in rows.items():
            if isinstance(row, FailedRow):
                message = f"the loss or the weights were not finite after {row.epochs} epochs (fold {row.row.fold})"
                return Result(job.id, Failure("nan", message))
            trained[replicate] = row
        found = {k: held_out_metrics(self.data.pool, self.data.folds, row) for k, row in trained.items()}
        costs = {name: Score(value) for name, value in cost(job.genome.network, self._pool.schema).items()}
        outputs = tuple(row.outputs for row in trained.values()) if job.outputs else ()
        return Result(job.id, _scores(job, found) | costs, {k: _state(row) for k, row in trained.items()}, outputs)


def _check_device(device: str) -> None:
    """Raise ValueError if torch has no such device here: a Ray node may claim GPUs that torch cannot use."""
    import torch

    if torch.device(device).type == "cuda" and not torch.cuda.is_available():
        seen = os.environ.get("CUDA_VISIBLE_DEVICES", "not set")
        found = f"torch {torch.__version__} finds no GPU on {platform.node()} (CUDA_VISIBLE_DEVICES: {seen})"
        raise ValueError(f"{found}, expected one: see nvidia-smi there, or train on the CPU with --gpus-per-worker 0")


def held_out_metrics(pool: Dataset, folds: Folds, row: TrainedRow) -> dict[str, float]:
    """Every metric on the samples that the row's fold holds out; its mean over what was shown, where that varied."""
    from haemsa.model.metrics import all_metrics, with_missing

    indices = np.flatnonzero(folds.held_out[row.row.fold])
    tasks = {name: task.take(indices) for name, task in pool.tasks.items()}

    def metrics(outputs: Arrays) -> dict[str, float]:
        return all_metrics(tasks, {name: values[indices] for name, values in outputs.items()})

    found, shown = metrics(row.outputs), [metrics(outputs) for outputs in row.shown.values()]
    if not shown:
        return found
    return found | {with_missing(name): float(np.mean([each[name] for each in shown])) for name in found}


def _scores(job: Job, found: Mapping[int, Mapping[str, float]]) -> dict[str, Score]:
    """Scores over all replicates: those just trained, and those of the rung below that needed no more."""
    names = list(next(iter(found.values()), job.known))
    each = range(job.fidelity.replicates)
    undefined = (math.nan,) * len(each)  # known scores are without the metrics that some fold leaves undefined
    known = {name: job.known.get(name, undefined) for name in names}
    return {name: Score.of([found[k][name] if k in found else known[name][k] for k in each]) for name in names}


def _start(job: Job, replicate: int) -> Checkpoint | Inherited | None:
    from haemsa.model.inheritance.inherit import Inherited
    from haemsa.model.training.plan import Checkpoint

    state = job.states.get(replicate)
    if state is not None and state.raw:
        return Checkpoint(state.epochs, _tensors(state.raw), _tensors(state.first), _tensors(state.second))
    if job.parent is not None and replicate in job.inherited:
        return Inherited(job.parent, _tensors(job.inherited[replicate]), shut=INHERITED_LOGIT)
    return None


def _state(row: TrainedRow) -> RowState:
    point = row.checkpoint
    if point is None:
        return RowState(row.row.genome.training.epochs, _arrays(row.weights))
    parts = (_arrays(part) for part in (row.weights, point.weights, point.first, point.second))
    return RowState(point.epochs, *parts)


def _tensors(arrays: Arrays) -> dict[str, Any]:
    import torch

    return {name: torch.from_numpy(np.array(values)) for name, values in arrays.items()}


def _arrays(weights: Mapping[str, Any]) -> Arrays:
    return {name: values.cpu().numpy() for name, values in weights.items()}
