import random
import threading

import numpy as np
import pytest

from haemsa.evo import Evolution
from haemsa.evo.operators.confined import confined, generator
from tests.support.evo.real_space import RealSpace, zdt1


def draw() -> tuple[float, float, float]:
    return random.random(), float(np.random.random()), float(generator().random())  # noqa: NPY002


def test_the_same_seed_draws_the_same_numbers_and_another_one_others() -> None:
    found = []
    for seed in (1, 1, 2):
        with confined(np.random.default_rng(seed)):
            found.append(draw())
    assert found[0] == found[1]
    assert all(a != b for a, b in zip(found[0], found[2], strict=True))


def test_the_caller_goes_on_as_if_nothing_had_been_drawn_also_after_an_error() -> None:
    random.seed(3)
    np.random.seed(3)  # noqa: NPY002
    np.random.normal()  # noqa: NPY002 - keeps a second number for the next call
    before, arrays = random.getstate(), np.random.get_state()  # noqa: NPY002
    with pytest.raises(KeyError), confined(np.random.default_rng(0)):
        draw()
        raise KeyError
    assert random.getstate() == before
    after = np.random.get_state()  # noqa: NPY002
    assert (after[1] == arrays[1]).all() and after[2:] == arrays[2:]


def test_it_may_be_entered_again_inside() -> None:
    with confined(np.random.default_rng(0)):
        first = random.random()
        with confined(np.random.default_rng(5)):
            random.random()
        second = random.random()
    with confined(np.random.default_rng(0)):
        assert [random.random(), random.random()] == [first, second]


def test_two_searches_in_two_threads_are_those_of_one_thread() -> None:
    def search(seed: int) -> list[tuple[float, ...]]:
        evolution = Evolution(RealSpace(4), {"f1": "min", "f2": "min"}, seed=seed, population_size=6)
        genomes = []
        for _ in range(80):
            (candidate,) = evolution.ask(1)
            evolution.tell(candidate, zdt1(candidate.genome))
            genomes.append(candidate.genome)
        return genomes

    alone = [search(0), search(1)]
    together: dict[int, list[tuple[float, ...]]] = {}
    threads = [threading.Thread(target=lambda seed=seed: together.update({seed: search(seed)})) for seed in (0, 1)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [together[0], together[1]] == alone
