"""An evolution with rungs: who is asked for again, what is compared, and that it goes on as if never stopped."""

import json
import random
from collections import Counter
from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest

from haemsa.evo import Candidate, Evolution, Failure, Score
from haemsa.evo.rungs import Ladder, ladder
from haemsa.evo.settings import Mode
from tests.support.evo.real_space import RealSpace, Vector, zdt1

LADDER = ladder(1, 9, 2, seeds=2)
"""1, 3 and all epochs; 2 folds, twice: five rungs. The fourth is full."""
MODES: tuple[Mode, ...] = ("steady", "generational")
both_modes = pytest.mark.parametrize("mode", MODES)


def search(seed: int = 0, mode: Mode = "steady", rungs: Ladder = LADDER, **options: Any) -> Evolution[Vector]:
    objectives = {"f1": "min", "f2": "min"}
    return Evolution(RealSpace(6), objectives, seed=seed, population_size=12, mode=mode, ladder=rungs, **options)  # type: ignore[arg-type]


def outcome(candidate: Candidate[Vector], rungs: Ladder = LADDER) -> Mapping[str, Score] | Failure:
    """Scores that are blurred the more the lower the rung; now and then a failure on a higher one."""
    if candidate.rung == 2 and candidate.id % 5 == 2:
        return Failure("nan", "it diverged later")
    rng = np.random.default_rng([candidate.id, candidate.rung])
    n = rungs.rungs[candidate.rung].replicates
    blur = 0.1 / (1 + candidate.rung)
    return {name: Score.of((v + blur * rng.normal(size=n)).tolist()) for name, v in zdt1(candidate.genome).items()}


def step(evolution: Evolution[Vector], n: int, new: int | None = None, order: random.Random | None = None) -> list[Any]:
    batch = evolution.ask(n, new=new)
    told = list(batch)
    if order is not None:
        order.shuffle(told)
    for candidate in told:
        evolution.tell(candidate, outcome(candidate))
    return batch


def run(evolution: Evolution[Vector], candidates: int, n: int = 4) -> list[Candidate[Vector]]:
    """Search until so many candidates ended and none climbs any more; all that was asked for."""
    asked: list[Candidate[Vector]] = []
    while True:
        left = candidates - len(evolution.archive)
        batch = step(evolution, n, new=max(0, left))
        asked += batch
        if not batch:
            return asked


@both_modes
def test_candidates_climb_one_rung_at_a_time_about_one_in_eta(mode: Mode) -> None:
    evolution = search(mode=mode)
    asked = run(evolution, 120)
    by_id: dict[int, list[int]] = {}
    for candidate in asked:
        by_id.setdefault(candidate.id, []).append(candidate.rung)
    assert all(rungs == list(range(len(rungs))) for rungs in by_id.values())
    counts = Counter(candidate.rung for candidate in asked)
    assert counts[0] == len(evolution.archive) == 120
    assert [counts[rung] for rung in (1, 2, 3)] == [40, 13, pytest.approx(4, abs=1)]
    assert counts[4] <= 1


@pytest.mark.parametrize("favour_first", [True, False])
def test_half_of_those_that_climb_are_the_best_in_the_first_objective_if_it_is_favoured(favour_first: bool) -> None:
    evolution = search(mode="generational", favour_first=favour_first)
    first = sorted(step(evolution, 12), key=lambda candidate: outcome(candidate)["f1"].mean)
    risen = [candidate.id for candidate in evolution.ask(12)]
    assert len(risen) == 4
    assert ({candidate.id for candidate in first[:2]} <= set(risen)) == favour_first


def test_those_with_little_skill_do_not_climb_while_others_may() -> None:
    def skill(scores: Mapping[str, Score]) -> float:
        return 1 - scores["f1"].mean

    def least_of_those_that_climb(evolution: Evolution[Vector]) -> float:
        step(evolution, 12)
        skills = {number: skill(record.scores) for number, record in evolution.archive.evaluated.items()}
        risen = [skills[candidate.id] for candidate in evolution.ask(12)]
        assert len(risen) == 4
        return min(risen) / max(skills.values())

    assert least_of_those_that_climb(search(mode="generational")) < 0.25
    assert least_of_those_that_climb(search(mode="generational", skill=skill)) >= 0.25


@both_modes
def test_the_front_holds_final_scores_alone_once_there_are_any(mode: Mode) -> None:
    evolution = search(mode=mode)
    run(evolution, 120)
    assert evolution.archive.top_level == LADDER.full
    assert all(item.rung >= LADDER.full for item in evolution.front())
    levels = [individual.level for individual in evolution.population]
    assert levels == sorted(levels, reverse=True)


@both_modes
def test_a_failure_on_a_higher_rung_takes_a_candidate_out(mode: Mode) -> None:
    evolution = search(mode=mode)
    run(evolution, 120)
    failed = set(evolution.archive.failed)
    assert failed and not failed & set(evolution.archive.evaluated)
    assert not failed & {individual.id for individual in evolution.population}
    assert not failed & {item.id for item in evolution.front()}
    assert not failed & evolution.ids_to_keep()


def test_without_new_candidates_only_those_that_climb_are_given_out() -> None:
    evolution = search()
    step(evolution, 12)
    batch = evolution.ask(99, new=0)
    assert [candidate.rung for candidate in batch] == [1] * 4
    assert evolution.ask(99, new=0) == []


def test_candidates_wait_until_a_batch_of_them_climbs() -> None:
    evolution = Evolution(RealSpace(6), {"f1": "min", "f2": "min"}, seed=0, population_size=30, ladder=LADDER, batch=8)
    given = [candidate.rung for _ in range(12) for candidate in step(evolution, 4)]
    assert given[: 6 * 4] == [0] * 24
    assert given[6 * 4 :][:4] == [1] * 4


@pytest.mark.parametrize("workers", [1, 3, 100])
def test_a_generational_front_depends_neither_on_workers_nor_on_the_order_of_tells(workers: int) -> None:
    plain, other, order = search(0, "generational"), search(0, "generational"), random.Random(workers)
    while plain.generation < 6:
        step(plain, 1)
    while other.generation < 6:
        step(other, workers, order=order)
    assert other.front() == plain.front()
    assert [individual.id for individual in other.population] == [individual.id for individual in plain.population]


def journal_rows(asked: Mapping[int, Candidate[Vector]], told: Mapping[int, list[Any]]) -> list[dict[str, Any]]:
    """Rows as a journal has them, with every rung's scores."""
    rows = []
    for number, candidate in asked.items():
        outcomes = [outcome for outcome in told.get(number, []) if not isinstance(outcome, Failure)]
        failure = next((outcome for outcome in told.get(number, []) if isinstance(outcome, Failure)), None)
        rows.append(
            {
                "id": number,
                "genome": list(candidate.genome),
                "parents": list(candidate.parents),
                "fidelity": candidate.rung,
                "outcomes": [
                    {k: [s.mean, s.error, s.replicates, list(s.values)] for k, s in o.items()} for o in outcomes
                ],
                "failure": {"kind": failure.kind, "message": failure.message} if failure else None,
            }
        )
    return rows


@both_modes
@pytest.mark.parametrize("rows", [True, False])
@pytest.mark.parametrize("stop", [3, 14, 25, 60])
def test_a_search_goes_on_from_its_state_as_if_never_stopped(mode: Mode, rows: bool, stop: int) -> None:
    evolution = search(4, mode)
    asked: dict[int, Candidate[Vector]] = {}
    told: dict[int, list[Any]] = {}
    for _ in range(stop):
        for candidate in evolution.ask(3):
            asked[candidate.id] = candidate
            told.setdefault(candidate.id, []).append(outcome(candidate))
            evolution.tell(candidate, told[candidate.id][-1])
    waiting = evolution.ask(5)
    asked |= {candidate.id: candidate for candidate in waiting}
    late = waiting[1:3] if mode == "steady" else []  # told before one that was asked for earlier
    for candidate in late:
        told.setdefault(candidate.id, []).append(outcome(candidate))
        evolution.tell(candidate, told[candidate.id][-1])
    saved = json.loads(json.dumps(evolution.state_dict(list, rows=rows)))
    twin = search(4, mode)
    journal = json.loads(json.dumps(journal_rows(asked, told)))
    twin.load_state_dict(saved, tuple, None if rows else journal[::-1])
    assert twin.pending == evolution.pending
    assert twin.ids_to_keep() == evolution.ids_to_keep()
    for each in (evolution, twin):
        for candidate in each.pending:
            each.tell(candidate, outcome(candidate))
        for _ in range(40):
            step(each, 2)
    assert twin.front() == evolution.front()
    assert twin.state_dict(list, rows=False) == evolution.state_dict(list, rows=False)


def test_the_state_of_another_ladder_is_refused() -> None:
    saved = search().state_dict(list)
    with pytest.raises(ValueError, match="the saved search has ladder"):
        search(rungs=ladder(1, 9, 3)).load_state_dict(saved, tuple)


@both_modes
def test_what_is_worth_keeping_stays_small(mode: Mode) -> None:
    evolution = search(mode=mode)
    run(evolution, 400)
    ids_to_keep = evolution.ids_to_keep()
    assert {item.id for item in evolution.front()} <= ids_to_keep
    assert len(ids_to_keep) < len(evolution.front()) + 4 * 2 * 12 + 1


@pytest.mark.slow
def test_rungs_reach_a_better_front_for_the_same_cost() -> None:
    volumes = {"rungs": 0.0, "all at once": 0.0}
    for seed in range(6):
        for name, rungs in {"rungs": LADDER, "all at once": Ladder((LADDER.rungs[-1],))}.items():
            evolution, spent = search(seed, rungs=rungs, crossover=1.0), 0
            evolution.archive.reference = np.array([1.1, 6.0])
            while spent < 1500:
                for candidate in evolution.ask(2):
                    rung = rungs.rungs[candidate.rung]
                    spent += (rung.epochs or 9) * rungs.added(candidate.rung)
                    evolution.tell(candidate, {k: Score(v) for k, v in zdt1(candidate.genome).items()})
            volumes[name] += evolution.hypervolume()
    assert volumes["rungs"] > volumes["all at once"]
