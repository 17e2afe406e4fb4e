from haemsa.evo import Evolution, Failure
from tests.support.evo.real_space import RealSpace, zdt1


def test_the_history_is_that_of_all_candidates_by_id() -> None:
    evolution = Evolution(RealSpace(4), {"f1": "min", "f2": "min"}, seed=0, population_size=6)
    while len(evolution.archive) < 60:
        (candidate,) = evolution.ask(1)
        failed = candidate.id % 10 == 3
        evolution.tell(candidate, Failure("crash", "it crashed") if failed else zdt1(candidate.genome))
    (waiting,) = evolution.ask(1)
    history = evolution.history()
    assert list(history.genealogy_tree) == list(range(61))
    assert history.genealogy_history[60].genome == waiting.genome
    assert not history.genealogy_history[3].fitness.valid
    best = evolution.population[0]
    ancestors = history.getGenealogy(best)
    assert best.parents and ancestors[best.id] == best.parents
    assert all(ancestors[number] == evolution.archive.record(number).parents for number in ancestors)
    founders = [number for number, parents in ancestors.items() if not parents]
    assert founders and max(founders) < 8  # drawn before six had scores
    assert set(history.getGenealogy(best, max_depth=1)) == {best.id}


def test_a_search_that_has_not_begun_has_an_empty_history() -> None:
    evolution = Evolution(RealSpace(2), {"f": "min"}, seed=0, population_size=2)
    assert evolution.history().genealogy_tree == {}
