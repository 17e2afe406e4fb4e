"""Training a cohort of jobs on the device of a worker, and scoring them. No error of a genome gets beyond this file."""

from __future__ import annotations

import os
import platform
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from haemsa.cluster.workers.evaluator import failed
from haemsa.cluster.workers.job import Job, Result
from haemsa.cluster.workers.limits import is_out_of_memory
from haemsa.cluster.workers.own_objectives.objective import OwnObjective, OwnObjectiveError
from haemsa.cluster.workers.row_state import Arrays, RowState
from haemsa.cluster.workers.scores import held_out_metrics, scores
from haemsa.evo.candidate import Failure, Score
from haemsa.model.cost import LATENCY
from haemsa.model.data.dataset import Dataset
from haemsa.model.data.folds import Folds
from haemsa.model.errors import error_line
from haemsa.model.seeds import SeedPurpose, derived_seed
from haemsa.model.spec.genome import Genome

if TYPE_CHECKING:
    from haemsa.model.predictor.latency import LatencyMeter
    from haemsa.model.training.plan import Checkpoint
    from haemsa.model.training.train import FailedRow, TrainedRow


@dataclass(frozen=True)
class WorkerData:
    """What a worker keeps: the training and validation samples, normalised, the folds, and settings of all jobs.

    `missing`: score with modalities missing, too. `latency`: measure how long one sample takes to predict.
    `own`: objectives of one's own.
    """

    pool: Dataset
    folds: Folds
    seed: int
    batch_size: int = 16
    device: str = "cpu"
    missing: bool = False
    latency: bool = False
    own: tuple[OwnObjective, ...] = ()


def row_seed(seed: int, purpose: SeedPurpose, candidate: int, replicate: int) -> int:
    """The seed of one training. It depends only on the search's seed, the purpose, the candidate and the replicate."""
    return derived_seed(seed, purpose, candidate, replicate)


class CohortTrainer:
    """Trains cohorts on data that it holds. A worker makes it once. torch loads here, not on import.

    Raises:
        ValueError: If torch does not have the device.
    """

    def __init__(self, data: WorkerData) -> None:
        from haemsa.model.training.fold_statistics import FoldStatistics
        from haemsa.model.training.pool import Pool
        from haemsa.model.training.process import prepare_process

        check_device(data.device)
        prepare_process()  # one thread: then workers do not fight over cores, and results do not depend on them
        self.data = data
        self._pool = Pool.of(data.pool, data.device)
        self._statistics = FoldStatistics.fit(self._pool, data.folds)

    def __call__(self, jobs: Sequence[Job]) -> list[Result]:
        """Train the jobs together, all replicates of each. Results come in the order of the jobs.

        A genome that cannot be trained has a failure as its result.
        """
        start = time.perf_counter()
        results = self._attempt(jobs)
        seconds, most = (time.perf_counter() - start) / len(jobs), self._gpu_mib()
        return [replace(result, seconds=seconds, gpu_mib=most) for result in results]

    def _gpu_mib(self) -> float:
        """The most memory of the GPU that was taken since this was asked last."""
        if self.data.device != "cuda":
            return 0.0
        import torch

        most = torch.cuda.max_memory_allocated() / 2**20
        torch.cuda.reset_peak_memory_stats()
        return most

    def _attempt(self, jobs: Sequence[Job]) -> list[Result]:
        """Train the jobs. After an error, halves of the cohort are tried, until only the job to blame fails."""
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
        trainings = [(job, replicate, epochs) for job in jobs for replicate, epochs in job.waiting().items()]
        rows = [
            CohortRow(job.genome, row_seed(self.data.seed, job.purpose, job.id, k), k % len(folds))
            for job, k, _ in trainings
        ]
        settings = TrainingSettings(
            self.data.batch_size, order_seed=self.data.seed, held_out_only=True, missing=self.data.missing
        )
        starts, until = [_start(job.states.get(k)) for job, k, _ in trainings], [epochs for *_, epochs in trainings]
        trained = (
            train(rows, self._pool, folds, settings, until=until, starts=starts, statistics=self._statistics)
            if rows
            else []
        )
        by_job: dict[int, dict[int, Any]] = {job.id: {} for job in jobs}
        for (job, replicate, _), row in zip(trainings, trained, strict=True):
            by_job[job.id][replicate] = row
        return [replace(self._result(job, by_job[job.id]), purpose=job.purpose) for job in jobs]

    def _result(self, job: Job, rows: Mapping[int, TrainedRow | FailedRow]) -> Result:
        from haemsa.model.cost import cost
        from haemsa.model.training.train import FailedRow

        trained: dict[int, TrainedRow] = {}
        for replicate, row in rows.items():
            if isinstance(row, FailedRow):
                message = f"the loss or the weights were not finite after {row.epochs} epochs (fold {row.row.fold})"
                return Result(job.id, Failure("nan", message))
            trained[replicate] = row
        try:
            data = self.data
            values = {k: held_out_metrics(data.pool, data.folds, row, data.own) for k, row in trained.items()}
        except OwnObjectiveError as error:
            return Result(job.id, error.failure, failed_objective=error.objective)
        costs = {name: Score(value) for name, value in cost(job.genome.network, self._pool.schema).items()}
        costs |= self._latency(job, trained) if self.data.latency else {}
        outputs = tuple(row.outputs for row in trained.values()) if job.outputs else ()
        states = {k: _state(row) for k, row in trained.items()}
        return Result(job.id, scores(job, values) | costs, states, outputs, replicates=job.part or ())

    def _latency(self, job: Job, trained: Mapping[int, TrainedRow]) -> dict[str, Score]:
        """The latency of a genome. It is measured with the first replicate that was trained, once for all rungs."""
        if LATENCY in job.measured or not trained:
            return dict(job.measured)
        found = self._meter.measure(next(iter(trained.values())))
        return {LATENCY: Score(found.median, found.error)}

    @cached_property
    def _meter(self) -> LatencyMeter:
        from haemsa.model.predictor.latency import LatencyMeter

        return LatencyMeter(self._pool, self._statistics)


def check_device(device: str) -> None:
    """Raise ValueError if torch does not have this device. A Ray node may claim GPUs that torch cannot use."""
    import torch

    if torch.device(device).type == "cuda" and not torch.cuda.is_available():
        seen = os.environ.get("CUDA_VISIBLE_DEVICES", "not set")
        raise ValueError(
            f"torch {torch.__version__} finds no GPU on {platform.node()} (CUDA_VISIBLE_DEVICES: {seen}), "
            "expected one: see nvidia-smi there, or train on the CPU with --gpus-per-worker 0"
        )


def _start(state: RowState | None) -> Checkpoint | None:
    """The checkpoint that the training of a replicate goes on from. None: from scratch."""
    from haemsa.model.training.plan import Checkpoint

    if state is None or not (parts := state.parts())["raw"]:
        return None
    return Checkpoint(state.epochs, *(_tensors(parts[part]) for part in ("raw", "first", "second")))


def _state(row: TrainedRow) -> RowState:
    """What is kept of a trained row."""
    point = row.checkpoint
    if point is None:
        return RowState.of(row.row.genome.training.epochs, _arrays(row.weights))
    return RowState.of(point.epochs, *map(_arrays, (row.weights, point.weights, point.first, point.second)))


def _tensors(arrays: Arrays) -> dict[str, Any]:
    import torch

    return {name: torch.from_numpy(np.array(values)) for name, values in arrays.items()}


def _arrays(weights: Mapping[str, Any]) -> Arrays:
    return {name: values.cpu().numpy() for name, values in weights.items()}
