"""The real driver on simulated workers, in virtual time: they stay busy, and nodes that leave lose nothing."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest

from haemsa.cluster.workers.evaluator import Finished
from haemsa.model.seeds import SeedPurpose
from tests.bench.driver.simulated import Nodes, SimulatedCluster
from tests.bench.driver.simulation import Outcome, Setting, simulate

pytestmark = pytest.mark.slow

WORKERS, EVALUATIONS = 64, 1200


@pytest.fixture
def returned(monkeypatch: pytest.MonkeyPatch) -> list[Finished]:
    """All that the driver collects."""
    found: list[Finished] = []
    collect = SimulatedCluster.collect

    def collecting(self: SimulatedCluster, timeout: float | None = None) -> list[Finished]:
        ended = collect(self, timeout)
        found.extend(ended)
        return ended

    monkeypatch.setattr(SimulatedCluster, "collect", collecting)
    return found


def run(**settings: Any) -> Outcome:
    given = {"workers": WORKERS, "evaluations": EVALUATIONS, "cohort": 2}
    return simulate(Setting(**{**given, **settings}))


def check_every_candidate_ended_once(outcome: Outcome, returned: list[Finished]) -> None:
    results = [result for finished in returned for result in finished.results]
    times = Counter(result.id for result in results if result.purpose == SeedPurpose.SEARCH)
    assert times == dict.fromkeys(range(EVALUATIONS), 1)
    assert outcome.statuses == {
        "asked": 0,
        "done": len(outcome.evolution.archive.evaluated),
        "failed": len(outcome.evolution.archive.failed),
    }
    assert len(outcome.evolution.archive) == EVALUATIONS


def test_sixty_four_workers_are_busy_from_the_first_to_the_last_submission(returned: list[Finished]) -> None:
    outcome = run()
    assert outcome.until_last_submit.busy_fraction >= 0.95
    check_every_candidate_ended_once(outcome, returned)


def test_nodes_that_leave_lose_nothing_and_those_that_join_are_used(returned: list[Finished]) -> None:
    outcome = run(nodes=Nodes(8, stay=900, gone=300), failing=0.1)
    usage = outcome.until_last_submit
    assert usage.busy_fraction >= 0.95
    assert usage.lost > 0
    assert 0.05 * EVALUATIONS < len(outcome.evolution.archive.failed) < 0.15 * EVALUATIONS
    check_every_candidate_ended_once(outcome, returned)


def test_with_rungs_workers_are_busy_while_new_candidates_come_and_then_all_that_may_climbs() -> None:
    outcome = run(rungs=True, cohort=4)
    assert outcome.cluster.submitted[0].busy_fraction >= 0.95
    assert outcome.until_last_submit.busy_fraction >= 0.7
    assert outcome.statuses == {"asked": 0, "done": EVALUATIONS, "failed": 0}
    reached = Counter(record.rung for record in outcome.evolution.archive.evaluated.values())
    assert sum(count for rung, count in reached.items() if rung > 0) == EVALUATIONS // 3


def test_a_virtual_hour_is_over_when_its_workers_have_spent_it() -> None:
    generational, steady = (run(evaluations=600, mode=mode) for mode in ("generational", "steady"))
    assert steady.ended < generational.ended < generational.cluster.time
    assert generational.search.clock.elapsed() == generational.cluster.time
