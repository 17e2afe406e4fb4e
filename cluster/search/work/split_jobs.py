"""One job on several workers: each trains some of its replicates, and their results become one.

A training depends only on its candidate and its replicate. So the result is what one worker would have given.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from haemsa.cluster.workers.evaluator import Finished, JobBatch
from haemsa.cluster.workers.job import Job, Result
from haemsa.cluster.workers.scores import scores
from haemsa.evo.candidate import Failure


@dataclass
class _Split:
    """A job in so many parts, what those that ended gave, and the seconds that they took."""

    job: Job
    parts: int
    ended: list[Result] = field(default_factory=list)
    seconds: float = 0.0


class SplitJobs:
    """Splits jobs into parts, and gathers the results of the parts."""

    def __init__(self) -> None:
        self._splits: dict[int, _Split] = {}

    def cohorts(self, cohort: JobBatch, most: int) -> list[JobBatch]:
        """The cohorts to submit in place of a cohort of one job: its parts of at most `most` replicates each.

        Other cohorts stay as they are.
        """
        replicates = list(cohort[0].waiting())
        count = math.ceil(len(replicates) / most)
        if len(cohort) > 1 or count < 2:
            return [cohort]
        (job,) = cohort
        if job.part is None:
            self._splits[job.id] = _Split(job, count)
        else:  # a part that is split again
            self._splits[job.id].parts += count - 1
        return [[_part(job, part.tolist())] for part in np.array_split(replicates, count)]

    def gathered(self, finished: Iterable[Finished]) -> list[Finished]:
        """What has ended as a whole. A job in parts ends with the last of them, after the seconds of all together."""
        return [whole for item in finished if (whole := self._gather(item)) is not None]

    def _gather(self, finished: Finished) -> Finished | None:
        split = self._splits.get(finished.results[0].id)
        if split is None:
            return finished
        split.ended += finished.results
        split.seconds += finished.seconds
        if len(split.ended) < split.parts:
            return None
        del self._splits[split.job.id]
        return Finished([merged(split.job, split.ended)], finished.worker, split.seconds)


def merged(job: Job, parts: Sequence[Result]) -> Result:
    """The result of a job, from the results of all its parts in any order. It has failed if one of them has."""
    parts = sorted(parts, key=lambda part: part.replicates)  # a part that failed comes first: it names none
    first = parts[0]
    if isinstance(first.outcome, Failure):
        return first
    trained = {replicate: values for part in parts for replicate, values in _values(part).items()}
    return replace(
        first,
        outcome={**first.outcome, **scores(job, trained)},
        states={replicate: state for part in parts for replicate, state in part.states.items()},
        outputs=tuple(outputs for part in parts for outputs in part.outputs),
        seconds=sum(part.seconds for part in parts),
        gpu_mib=max(part.gpu_mib for part in parts),
        replicates=(),
    )


def _values(part: Result) -> dict[int, dict[str, float]]:
    """The value of each metric by replicate. Costs, which have none, are the same in every part."""
    assert not isinstance(part.outcome, Failure)
    measured = {name: score.values for name, score in part.outcome.items() if score.values}
    return {
        replicate: {name: values[place] for name, values in measured.items()}
        for place, replicate in enumerate(part.replicates)
    }


def _part(job: Job, replicates: Sequence[int]) -> Job:
    """The job for these replicates only."""
    states = {replicate: state for replicate, state in job.states.items() if replicate in replicates}
    return replace(job, part=tuple(replicates), states=states)
