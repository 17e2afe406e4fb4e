"""What evaluators run in tests instead of training. All are made within functions, so that Ray sends them by value."""

from __future__ import annotations

import math
import os
import signal
import threading
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from haemsa.cluster.workers.evaluator import JobBatch, TrainCohort
from haemsa.cluster.workers.job import Job, Result
from haemsa.cluster.workers.row_state import RowState
from haemsa.evo.candidate import Failure, Score
from haemsa.model.cost import cost
from haemsa.model.schema import Schema, TaskInfo
from haemsa.model.spec.genome import Genome

Make = Callable[[Any], TrainCohort]
SCHEMA = Schema({"text": (1, 6), "audio": (1, 4)}, {"sentiment": TaskInfo("regression")})


def scores_of(genome: Genome) -> dict[str, Score]:
    """A made-up error that falls with the size, and the real size."""
    params = cost(genome.network, SCHEMA)["params"]
    chance = zlib.crc32(genome.key.encode()) / 2**32
    return {"mae": Score(2 / math.log(params) + chance), "params": Score(params), "corr": Score(1 - chance)}


def instant(cohort: JobBatch) -> list[Result]:
    """Scores at once, with weights that say whose they are."""
    return [
        Result(item.id, scores_at(item), states_at(item), (), 0.001, replicates=item.part or (), purpose=item.purpose)
        for item in cohort
    ]


def scores_at(job: Job) -> dict[str, Score]:
    """The genome's scores, which few replicates blur."""
    found = scores_of(job.genome)
    rng = np.random.default_rng([zlib.crc32(job.genome.key.encode()), job.fidelity.epochs or 99])
    noise = (
        0.1 * rng.normal(size=job.fidelity.replicates) if job.fidelity.replicates > 1 or job.reached else np.zeros(1)
    )
    return {**found, "mae": Score.of((found["mae"].mean + noise[list(job.replicates)]).tolist())}


def states_at(job: Job) -> dict[int, RowState]:
    """For each replicate that had something to train, weights that say whose they are."""
    own = {"own": np.full(2, job.id, np.float32)}
    return {replicate: RowState.of(epochs, own, own, own, own) for replicate, epochs in job.waiting().items()}


def failing(cohort: JobBatch) -> list[Result]:
    """Every third candidate fails."""
    results = instant(cohort)
    failure = Failure("nan", "the loss was not finite")
    return [Result(item.id, failure) if item.id % 3 == 0 else item for item in results]


def echoing() -> Make:
    """Scores a candidate by its id and by the data that its worker was given."""

    def make(data: Any) -> TrainCohort:
        def train(cohort: JobBatch) -> list[Result]:
            return [Result(item.id, {"mae": Score(float(item.id)), "data": Score(float(data))}) for item in cohort]

        return train

    return make


def raising(number: int) -> Make:
    """A cohort with candidate `number` is an error; others are well."""

    def make(data: Any) -> TrainCohort:
        def train(cohort: JobBatch) -> list[Result]:
            if any(item.id == number for item in cohort):
                raise RuntimeError(f"candidate {number} cannot be trained\nand this is why")
            return [Result(item.id, {"mae": Score(1.0)}) for item in cohort]

        return train

    return make


def acting(act: Callable[[JobBatch, Any], object]) -> Make:
    """Scores a candidate by its id, after `act` on its cohort and the worker's data."""

    def make(data: Any) -> TrainCohort:
        def train(cohort: JobBatch) -> list[Result]:
            act(cohort, data)
            return [Result(item.id, {"mae": Score(float(item.id))}) for item in cohort]

        return train

    return make


def killing(number: int, times: int) -> Make:
    """A cohort with candidate `number` kills its worker, so many times; deaths are files in the folder `data`."""

    def act(cohort: JobBatch, data: Path) -> None:
        deaths = len(list(data.iterdir()))
        if any(item.id == number for item in cohort) and deaths < times:
            (data / str(deaths)).touch()
            os.kill(os.getpid(), signal.SIGKILL)

    return acting(act)


def hanging(number: int) -> Make:
    """A cohort with candidate `number` never ends."""
    return acting(lambda cohort, _: any(item.id == number for item in cohort) and threading.Event().wait())


def slow(seconds: float) -> Make:
    """Takes so long for a cohort."""
    return acting(lambda *_: threading.Event().wait(seconds))


def hoarding(number: int) -> Make:
    """Candidate `number` takes memory without end; a cohort that has no more of it says so of all its candidates."""

    def make(_: Any) -> TrainCohort:
        def train(cohort: JobBatch) -> list[Result]:
            taken: list[bytes] = []
            try:
                while any(item.id == number for item in cohort):
                    taken.append(bytes(2**24))
            except MemoryError:
                return [Result(item.id, Failure("memory", "no more")) for item in cohort]
            return [Result(item.id, {"mae": Score(float(item.id))}) for item in cohort]

        return train

    return make
