import inspect
import random
import sys
import threading

import numpy as np
import pytest
from deap import algorithms, gp, tools

from haemsa.evo import Evolution, ExpertSpace
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


def test_a_thread_that_draws_from_random_all_the_time_changes_no_search() -> None:
    def search() -> list[object]:
        space = ExpertSpace(("text", "audio"))
        evolution = Evolution(space, {"width": "min", "levels": "max"}, seed=0, population_size=6)
        for _ in range(40):
            for candidate in evolution.ask(2):
                network = candidate.genome.network
                evolution.tell(candidate, {"width": network.width, "levels": len(network.levels)})
        return [evolution.archive.record(number).genome for number in range(80)]

    alone, ended = search(), threading.Event()

    def disturb() -> None:
        while not ended.is_set():
            random.random()

    thread = threading.Thread(target=disturb)
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)
    thread.start()
    try:
        assert search() == alone
    finally:
        ended.set()
        thread.join()
        sys.setswitchinterval(before)


def test_every_module_of_deap_that_draws_is_confined() -> None:
    modules = [algorithms, gp, *(value for value in vars(tools).values() if inspect.ismodule(value))]
    drawing = {module for module in modules if getattr(module, "random", None) is random}
    with confined(np.random.default_rng(0)):
        assert drawing and not [module for module in drawing if module.random is random]
    assert all(module.random is random for module in drawing)
