"""A search whose own objective never works ends after the first genomes."""

from __future__ import annotations

import pytest

from haemsa.cluster.workers.job import Result
from haemsa.cluster.workers.own_objectives.first_failures import FIRST, FirstFailures
from haemsa.evo.candidate import Failure, Score

BAD = Result(0, Failure("error", "objective m:cost: KeyError: 'x'"), failed_objective="m:cost")
GOOD = Result(1, {"mae": Score(1.0)})
OTHER = Result(2, Failure("nan", "the loss was not finite"))


def test_it_ends_when_the_first_genomes_all_failed_because_of_it() -> None:
    failures = FirstFailures()
    failures.learn([BAD] * (FIRST - 1))
    failures.learn([OTHER])
    with pytest.raises(ValueError, match=rf"^the first {FIRST} genomes all failed, the last: objective m:cost: KeyErr"):
        failures.learn([BAD])


def test_once_it_worked_any_number_may_fail() -> None:
    failures = FirstFailures()
    failures.learn([BAD, GOOD])
    failures.learn([BAD] * 2 * FIRST)


def test_other_failures_do_not_end_a_search() -> None:
    FirstFailures().learn([OTHER] * 2 * FIRST)
