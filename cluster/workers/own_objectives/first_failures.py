"""Ends a search whose own objective never works. Otherwise a mistake in it would cost the whole budget."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from haemsa.cluster.workers.job import Result
from haemsa.evo.candidate import Failure

FIRST: Final = 5
"""So many genomes may fail at the beginning."""


class FirstFailures:
    """Is told all results of a session. Once a genome has scores, it says no more."""

    def __init__(self) -> None:
        self._failed = 0
        self._worked = False

    def learn(self, results: Iterable[Result]) -> None:
        """Results are there, and recorded.

        Raises:
            ValueError: An objective of one's own failed for each of the first genomes.
        """
        last: Result | None = None
        for result in results:
            self._worked = self._worked or not isinstance(result.outcome, Failure)
            if result.failed_objective:
                self._failed, last = self._failed + 1, result
        if last is not None and not self._worked and self._failed >= FIRST:
            assert isinstance(last.outcome, Failure)
            raise ValueError(f"the first {self._failed} genomes all failed, the last: {last.outcome.message}")
