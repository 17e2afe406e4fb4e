"""A trial: train a cohort of candidates on a worker's device and score them. The one error boundary around training."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from evo.candidate import Candidate, Failure, FailureKind, Score
from model.data.dataset import Dataset
from model.data.folds import Folds
from model.spec import Genome

AnyArray = np.ndarray[Any, Any]


@dataclass(frozen=True)
class TrialData:
    """What a worker keeps: normalised samples without the test split, the folds that score, and shared settings."""

    pool: Dataset
    folds: Folds
    seed: int
    batch_size: int = 16
    device: str = "cpu"


@dataclass(frozen=True)
class Result:
    """What became of a candidate: its scores by metric or a failure, its weights by fold, and its share of the time."""

    id: int
    outcome: Mapping[str, Score] | Failure
    weights: tuple[Mapping[str, AnyArray], ...] = ()
    seconds: float = 0.0


def row_seed(seed: int, candidate: int, replicate: int) -> int:
    """The seed of one training: from the search's seed, the candidate and the replicate; never from a worker."""
    return int(np.random.SeedSequence([seed, 2, candidate, replicate]).generate_state(1)[0])


class Trial:
    """Trains cohorts on data that it holds. Made once per worker; torch loads here, not on import."""

    def __init__(self, data: TrialData) -> None:
        from model.pool import Pool
        from model.process import prepare_process

        prepare_process()  # one thread: workers do not fight over cores, and results do not depend on their number
        self.data = data
        self._pool = Pool.of(data.pool, data.device)

    def __call__(self, candidates: Sequence[Candidate[Genome]]) -> list[Result]:
        """Train the candidates together, all folds of each; results in their order. Never raises for a genome."""
        start = time.perf_counter()
        try:
            results = self._train(candidates)
        except MemoryError as error:
            results = _all_failed(candidates, Failure("memory", str(error) or "out of memory"))
        except Exception as error:
            kind: FailureKind = "memory" if "out of memory" in str(error).lower() else "error"
            text = f"{type(error).__name__}: {error}".splitlines()[0][:500]
            results = _all_failed(candidates, Failure(kind, text))
        seconds = (time.perf_counter() - start) / len(candidates)
        return [Result(item.id, item.outcome, item.weights, seconds) for item in results]

    def _train(self, candidates: Sequence[Candidate[Genome]]) -> list[Result]:
        from model.cohort import Row
        from model.training import TrainingSettings, train

        folds = range(len(self.data.folds))
        rows = [Row(item.genome, row_seed(self.data.seed, item.id, k), k) for item in candidates for k in folds]
        settings = TrainingSettings(self.data.batch_size, order_seed=self.data.seed)
        trained = train(rows, self._pool, self.data.folds, settings)
        by_candidate = [trained[place : place + len(folds)] for place in range(0, len(trained), len(folds))]
        return [self._result(item, found) for item, found in zip(candidates, by_candidate, strict=True)]

    def _result(self, candidate: Candidate[Genome], rows: Sequence[Any]) -> Result:
        from model.training import FailedRow

        failed = next((row for row in rows if isinstance(row, FailedRow)), None)
        if failed is not None:
            message = f"the loss or the weights were not finite after {failed.epochs} epochs (fold {failed.row.fold})"
            return Result(candidate.id, Failure("nan", message))
        from model.cost import cost

        scores = held_out_scores(self.data.pool, self.data.folds, [row.outputs for row in rows])
        costs = cost(candidate.genome.network, self._pool.schema)
        weights = tuple({name: values.cpu().numpy() for name, values in row.weights.items()} for row in rows)
        return Result(candidate.id, scores | {name: Score(value) for name, value in costs.items()}, weights)


def held_out_scores(pool: Dataset, folds: Folds, outputs: Sequence[Mapping[str, AnyArray]]) -> dict[str, Score]:
    """Every metric on the samples that each fold holds out: mean over folds, and its standard error."""
    from model.metrics import all_metrics

    found = []
    for held_out, output in zip(folds.held_out, outputs, strict=True):
        indices = np.flatnonzero(held_out)
        tasks = {name: task.take(indices) for name, task in pool.tasks.items()}
        found.append(all_metrics(tasks, {name: values[indices] for name, values in output.items()}))
    values = {name: np.array([metrics[name] for metrics in found]) for name in found[0]}
    return {name: _score(array) for name, array in values.items()}


def _score(values: AnyArray) -> Score:
    n = len(values)
    return Score(float(values.mean()), float(values.std(ddof=1) / np.sqrt(n)) if n > 1 else 0.0, n)


def _all_failed(candidates: Sequence[Candidate[Genome]], failure: Failure) -> list[Result]:
    return [Result(item.id, failure) for item in candidates]
