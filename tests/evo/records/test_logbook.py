import json

import numpy as np
import pytest

from haemsa.evo import Evolution, Failure
from haemsa.evo.settings import Mode
from tests.support.evo.real_space import RealSpace, Vector, zdt1


def search(mode: Mode = "steady") -> Evolution[Vector]:
    return Evolution(RealSpace(3), {"f1": "min", "f2": "max"}, seed=0, population_size=6, mode=mode)


def run(evolution: Evolution[Vector], evaluations: int) -> None:
    while len(evolution.archive) < evaluations:
        for candidate in evolution.ask(2):
            evolution.tell(candidate, zdt1(candidate.genome))


@pytest.mark.parametrize("mode", ["steady", "generational"])
def test_each_generation_has_a_record_of_its_population(mode: Mode) -> None:
    evolution = search(mode)
    run(evolution, 24)
    log = evolution.logbook
    assert log.select("generation") == [1, 2, 3, 4]
    assert log.select("evaluations") == [6, 12, 18, 24]
    values = np.array([individual.fitness.values for individual in evolution.population])
    for name, column, best in (("f1", values[:, 0], min), ("f2", values[:, 1], max)):
        last = log.chapters[name][-1]
        assert last == {
            "generation": 4,
            "mean": pytest.approx(column.mean()),
            "best": best(column),
            "spread": pytest.approx(column.std()),
        }
    assert (log[-1]["front_size"], log[-1]["hypervolume"]) == (len(evolution.front()), evolution.covered())
    assert "hypervolume" in str(log)


def test_the_log_goes_on_after_a_restart() -> None:
    evolution, again = search(), search()
    run(evolution, 14)
    again.load_state_dict(json.loads(json.dumps(evolution.state_dict(list))), tuple)
    for each in (evolution, again):
        run(each, 24)
    assert list(again.logbook) == list(evolution.logbook)
    assert dict(again.logbook.chapters) == dict(evolution.logbook.chapters)


def test_a_generation_without_scores_is_recorded_without_statistics() -> None:
    evolution = search()
    for candidate in evolution.ask(6):
        evolution.tell(candidate, Failure("crash", "it crashed"))
    (record,) = evolution.logbook
    assert record == {"generation": 1, "evaluations": 6, "front_size": 0, "hypervolume": 0.0}
    assert evolution.logbook.chapters["f1"][0]["mean"] is None
    json.loads(json.dumps(evolution.state_dict(list)))


def test_the_volume_of_many_objectives_is_not_measured() -> None:
    names = [f"f{n}" for n in range(6)]
    evolution = Evolution(RealSpace(6), dict.fromkeys(names, "min"), seed=0, population_size=4)  # type: ignore[arg-type]
    for candidate in evolution.ask(4):
        evolution.tell(candidate, dict(zip(names, candidate.genome, strict=True)))
    assert evolution.logbook[0]["hypervolume"] is None


def test_an_objective_may_have_the_name_of_a_field() -> None:
    evolution = Evolution(RealSpace(2), {"generation": "min"}, seed=0, population_size=2)
    for candidate in evolution.ask(2):
        evolution.tell(candidate, {"generation": candidate.genome[0]})
    assert evolution.logbook[0]["generation"] == 1
    assert 0 < evolution.logbook.chapters["generation"][0]["mean"] < 1
