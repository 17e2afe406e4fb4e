"""States of format 2 as they were written before: old run directories go on, in the format of today."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest

from haemsa.evo import Candidate, Evolution, Failure, Score
from haemsa.evo.checkpoint import candidate_from_json, records_from_json, scores_from_json, scores_to_json
from haemsa.evo.rungs import Fidelity, Ladder
from haemsa.evo.settings import Mode

SETTINGS = """"format": 2, "seed": 1, "population_size": 3, "objectives": [["small", "min"], ["even", "max"]],
    "ladder": [2, 1, [1, 1], [null, 2]]"""
ROWS = """
    {"id": 0, "genome": 47, "parents": [], "fidelity": 1, "failure": null, "outcomes": [
        {"small": [47.0, 0.0, 1, [47.0]], "even": [0.0, 0.0, 1, []]},
        {"small": [47.5, 0.5, 2, [47.0, 48.0]], "even": [0.0, 0.0, 1, []]}]},
    {"id": 1, "genome": 51, "parents": [], "fidelity": 0, "failure": null, "outcomes": [
        {"small": [51.0, 0.0, 1, [51.0]], "even": [0.0, 0.0, 1, []]}]},
    {"id": 2, "genome": 75, "parents": [], "fidelity": 0, "failure": null, "outcomes": [
        {"small": [75.0, 0.0, 1, [75.0]], "even": [0.0, 0.0, 1, []]}]}"""
STEADY: dict[str, Any] = json.loads(f"""{{{SETTINGS}, "mode": "steady",
    "next_id": 6, "generation": 1, "reference": [77.8, 0.1],
    "population": [[0, 0, null, 0, [47.0, 0.0]], [1, 1, null, 0, [51.0, 0.0]], [2, 2, null, 0, [75.0, 0.0]]],
    "entered": [], "order": [3, 0, 4, 5], "ended": [0, 5], "pending": [3, 4], "suggested": [[99, 0]],
    "queue": [], "rising": [], "rows": [{ROWS},
    {{"id": 5, "genome": 69, "parents": [0, 2], "fidelity": 0, "outcomes": [],
      "failure": {{"kind": "nan", "message": "small is nan"}}}},
    {{"id": 3, "genome": 95, "parents": [], "fidelity": 0, "outcomes": [], "failure": null}},
    {{"id": 4, "genome": 53, "parents": [0, 0], "fidelity": 0, "outcomes": [], "failure": null}}]}}""")
"""Candidate 0 ended on its second rung and 5 failed; both wait for 3, which was asked for before."""
GENERATIONAL: dict[str, Any] = json.loads(f"""{{{SETTINGS}, "mode": "generational",
    "next_id": 6, "generation": 1, "reference": [77.75, 0.1],
    "population": [[0, 0, null, 1, [47.5, 0.0]], [1, 1, null, 0, [51.0, 0.0]], [2, 2, null, 0, [75.0, 0.0]]],
    "entered": [], "order": [3, 4], "ended": [3], "pending": [4], "suggested": [],
    "queue": [{{"id": 5, "genome": 53, "parents": [1, 1], "fidelity": 0, "outcomes": [], "failure": null}}],
    "rising": [], "rows": [{ROWS},
    {{"id": 3, "genome": 56, "parents": [0, 0], "fidelity": 0, "outcomes": [],
      "failure": {{"kind": "nan", "message": "small is nan"}}}},
    {{"id": 4, "genome": 9, "parents": [0, 0], "fidelity": 0, "outcomes": [], "failure": null}}]}}""")
"""In the second generation 3 failed, 4 is being evaluated, and 5 was bred and not asked for."""


class Numbers:
    """Whole numbers from 0 to 99."""

    def sample(self, rng: np.random.Generator) -> int:
        return int(rng.integers(100))

    def mutate(self, genome: int, rng: np.random.Generator) -> int:
        return (genome + int(rng.integers(1, 10))) % 100

    def crossover(self, a: int, b: int, rng: np.random.Generator) -> tuple[int, int]:
        return (a + b) // 2, abs(a - b)

    def key(self, genome: int) -> str:
        return str(genome)


def search(mode: Mode) -> Evolution[int]:
    ladder = Ladder((Fidelity(1), Fidelity(None, 2)), eta=2, full=1)
    return Evolution(Numbers(), {"small": "min", "even": "max"}, seed=1, population_size=3, mode=mode, ladder=ladder)


def loaded(state: dict[str, Any]) -> Evolution[int]:
    evolution = search(state["mode"])
    evolution.load_state_dict(state, int)
    return evolution


def outcome(candidate: Candidate[int]) -> dict[str, float]:
    return {"small": float(candidate.genome), "even": 1.0 - candidate.genome % 2}


@pytest.mark.parametrize("state", [STEADY, GENERATIONAL], ids=["steady", "generational"])
def test_an_old_state_is_loaded_and_saved_in_the_format_of_today(state: dict[str, Any]) -> None:
    found = loaded(state).state_dict(int)
    added = {"format": 3, "crossover": 0.7, "mutation": 1.0, "screening": 1, "logbook": "[]"}
    members = [[number, crowding, level, values] for number, _, crowding, level, values in state["population"]]
    # a reference point of its own is kept no more: no front falls outside of one
    assert found == {**state, **added, "population": members, "reference": None}
    assert loaded(found).state_dict(int) == found
    assert set(loaded(state).state_dict(int, rows=False)) == set(found) - {"rows"}


def test_a_state_of_an_unknown_format_is_refused() -> None:
    with pytest.raises(ValueError, match="the saved search has format 4, this one 3"):
        loaded({**STEADY, "format": 4})


def test_a_steady_search_goes_on_from_an_old_state() -> None:
    evolution = loaded(STEADY)
    assert [candidate.id for candidate in evolution.pending] == [3, 4]
    assert [record.id for record in evolution.front()] == [0]
    assert {individual.id: individual.level for individual in evolution.population} == {0: 0, 1: 0, 2: 0}
    suggested, child = evolution.ask(2)
    assert (suggested, child.id) == (Candidate(6, 99, (0,)), 7)
    for candidate in evolution.pending[:1]:
        evolution.tell(candidate, outcome(candidate))  # candidate 3, then 0 with its newer scores
    assert evolution.population[0].level == 1
    assert evolution.archive.failed[5].failure == Failure("nan", "small is nan")


def test_a_generational_search_goes_on_from_an_old_state() -> None:
    evolution = loaded(GENERATIONAL)
    (waiting,) = evolution.pending
    assert evolution.ask(9) == [Candidate(5, 53, (1, 1))]
    for candidate in (waiting, Candidate(5, 53)):
        evolution.tell(candidate, outcome(candidate))
    (climber,) = evolution.ask(9)
    assert (climber.id, climber.rung) == (4, 1)
    evolution.tell(climber, outcome(climber))
    assert evolution.generation == 2
    assert {individual.id for individual in evolution.population} == {0, 1, 4}


def test_scores_go_through_json_and_back() -> None:
    scores = {"mae": Score(0.1 + 0.2, 1 / 3, 5)}
    assert scores_from_json(scores_to_json(scores)) == scores


def test_a_row_tells_of_each_rung_and_of_the_failure_at_the_end() -> None:
    row = {**STEADY["rows"][0], "fidelity": 2, "failure": {"kind": "crash", "message": "it crashed"}}
    candidate = candidate_from_json(row, int)
    assert candidate == Candidate(0, 47, (), 2)
    assert records_from_json(row, candidate) == [
        Candidate(0, 47, (), 0).evaluated({"small": Score(47.0, 0.0, 1, (47.0,)), "even": Score(0.0)}),
        Candidate(0, 47, (), 1).evaluated({"small": Score(47.5, 0.5, 2, (47.0, 48.0)), "even": Score(0.0)}),
        candidate.failed(Failure("crash", "it crashed")),
    ]
