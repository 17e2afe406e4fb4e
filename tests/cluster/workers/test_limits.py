"""What a candidate may take."""

from __future__ import annotations

import math
import subprocess
import sys

import pytest

from haemsa.cluster.workers.job import Job
from haemsa.cluster.workers.limits import TimeLimit, is_out_of_memory
from haemsa.evo.rungs import Fidelity
from tests.support.cluster.search_fakes import candidates, jobs

HOARD = """
from haemsa.cluster.workers.limits import limit_memory
limit_memory(2**28)
kept = [bytes(2**24) for _ in range(8)]
try:
    bytes(2**28)
except MemoryError:
    print("enough")
"""


def test_a_time_limit_is_what_was_given_for_each_candidate() -> None:
    limit = TimeLimit(5.0)
    limit.learn(100.0, jobs(1))
    assert limit.seconds(jobs(1)) == 5.0
    assert limit.seconds(jobs(3)) == 15.0


def test_without_one_it_is_learnt_from_the_slowest_epochs_so_far_and_never_short() -> None:
    limit = TimeLimit(None)
    assert limit.seconds(jobs(1)) == math.inf
    epochs = [sum(job.waiting().values()) for job in jobs(2)]
    limit.learn(0.5, jobs(1))
    assert limit.seconds(jobs(2)) == 600.0
    limit.learn(40.0, jobs(1))
    limit.learn(1.0, jobs(2))
    assert limit.seconds(jobs(2)) == pytest.approx(50 * 40.0 * sum(epochs) / epochs[0])


def folds(count: int) -> list[Job]:
    """The job of a genome with six epochs on each fold."""
    return [Job(candidates(1)[0], Fidelity(None, count))]


def test_what_a_cohort_usually_takes_is_told_by_all_that_ended_and_never_too_short() -> None:
    limit = TimeLimit(None)
    assert limit.usual(folds(1)) == math.inf
    limit.learn(60.0, folds(2))
    limit.learn(60.0, folds(1))  # 120 seconds for 18 epochs; six of them after each other in both
    assert limit.usual(folds(5)) == pytest.approx(120.0 * 30 / 18)  # by all epochs, as on a CPU
    assert limit.usual(folds(1)) == pytest.approx(60.0)  # by those after each other, as on a GPU
    limit.learn(0.0, folds(95))
    assert limit.usual(folds(1)) == pytest.approx(40.0)
    for _ in range(97):
        limit.learn(0.0, folds(1))
    assert limit.usual(folds(1)) == 12.0


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (MemoryError(), True),
        (RuntimeError("CUDA out of memory. Tried to allocate 2 GiB"), True),
        (
            RuntimeError("[enforce fail] DefaultCPUAllocator: can't allocate memory: you tried to allocate 9 bytes"),
            True,
        ),
        (RuntimeError("shapes do not match"), False),
    ],
)
def test_errors_that_mean_that_there_was_no_memory(error: Exception, expected: bool) -> None:
    assert is_out_of_memory(error) is expected


@pytest.mark.skipif(sys.platform != "linux", reason="memory is limited on Linux alone")
def test_a_process_takes_no_more_memory_than_it_may() -> None:
    found = subprocess.run([sys.executable, "-c", HOARD], capture_output=True, text=True, check=True)
    assert found.stdout == "enough\n"
