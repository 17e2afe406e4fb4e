"""Fast candidates come back sooner. They must not breed more for that. Workers and time are simulated."""

import heapq
from collections.abc import Iterator

import numpy as np
import pytest

from haemsa.evo import Evolution
from haemsa.evo.population import Arrivals
from tests.support.evo.real_space import RealSpace, Vector

pytestmark = pytest.mark.slow

WORKERS = 16
FAST, SLOW = 1.0, 10.0


def searched(seed: int, candidates: int = 400) -> Evolution[Vector]:
    """Only the first gene of a genome decides how long it takes. Scores are chance. No worker ever waits."""
    rng = np.random.default_rng(seed)
    evolution = Evolution(RealSpace(3), {"a": "min", "b": "min"}, seed=seed, population_size=24)
    running: list[tuple[float, int]] = []
    clock, asked = 0.0, {}
    while len(evolution.archive) < candidates:
        while len(running) < WORKERS:
            (candidate,) = evolution.ask(1)
            asked[candidate.id] = candidate
            takes = (FAST if candidate.genome[0] < 0.5 else SLOW) * rng.lognormal(0, 0.3)
            heapq.heappush(running, (clock + takes, candidate.id))
        clock, number = heapq.heappop(running)
        evolution.tell(asked[number], {"a": rng.random(), "b": rng.random()})
    return evolution


def share_of_fast(seeds: range) -> tuple[float, float]:
    """Share of fast genomes among the children of parents: the mean over searches, and its standard error."""
    shares = []
    for seed in seeds:
        bred = [item for item in searched(seed).archive.evaluated.values() if item.parents]
        shares.append(np.mean([item.genome[0] < 0.5 for item in bred]))
    return float(np.mean(shares)), float(np.std(shares, ddof=1) / np.sqrt(len(shares)))


@pytest.fixture
def as_they_end(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Outcomes enter at once, as in a plain steady state."""
    take = Arrivals.take
    monkeypatch.setattr(Arrivals, "take", lambda self, _: take(self, 0))
    yield


def test_entering_as_they_end_favours_what_trains_quickly(as_they_end: None) -> None:
    mean, error = share_of_fast(range(16))
    assert mean - 0.5 > 3 * error


def test_entering_in_the_order_asked_for_favours_nothing() -> None:
    mean, error = share_of_fast(range(16))
    assert abs(mean - 0.5) < 3 * error
    assert error < 0.08  # otherwise the test shows nothing


def test_a_candidate_that_never_ends_does_not_stop_the_search() -> None:
    evolution = Evolution(RealSpace(3), {"a": "min", "b": "min"}, seed=0, population_size=8)
    evolution.ask(1)  # and never told
    for _ in range(60):
        (candidate,) = evolution.ask(1)
        evolution.tell(candidate, {"a": candidate.genome[0], "b": candidate.genome[1]})
    assert len(evolution.population) == 8
    assert max(individual.id for individual in evolution.population) > 30
