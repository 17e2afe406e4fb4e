"""More children are bred than are trained, and the most promising are trained."""

from __future__ import annotations

import numpy as np
import pytest

from haemsa.evo.evolution import Evolution
from haemsa.evo.learning.screening import comparable, expected_gains
from tests.support.evo.lines import HIDDEN, Lines, run, search


def test_the_gain_of_a_point_is_what_it_adds_to_the_hypervolume() -> None:
    front = np.array([[1.0, 3.0], [3.0, 1.0]])
    points = np.array([[2.0, 2.0], [3.0, 3.0], [0.0, 4.0]])
    # the reference is beyond the worst by a tenth of the span: 3.3 and 4.3
    assert expected_gains(front, points[None]) == pytest.approx([1.0, 0.0, 1.0 * 0.3 + 0.0], abs=1e-9)


def test_opinions_on_a_gain_are_averaged() -> None:
    front = np.array([[1.0, 1.0]])
    better, worse = [[0.0, 1.0]], [[2.0, 2.0]]
    # in the box up to (2.2, 2.1), a unit of the first objective is worth 1.1
    assert expected_gains(front, np.array([better, worse])) == pytest.approx([1.1 / 2])
    assert expected_gains(front, np.array([better, worse, worse, worse])) == pytest.approx([1.1 / 4])


def test_wide_positive_objectives_are_compared_by_their_logarithm() -> None:
    losses = np.array([[0.5, 10.0, -5.0], [0.6, 1000.0, 500.0]])
    found = comparable(losses)
    assert found[:, 0].tolist() == [0.5, 0.6]
    assert found[:, 1] == pytest.approx(np.log([10.0, 1000.0]))
    assert found[:, 2].tolist() == [-5.0, 500.0]


def test_screened_children_are_better_than_unscreened_ones() -> None:
    def errors(screening: int) -> float:
        found = []
        for seed in range(3):
            evolution = search(seed=seed, screening=screening)
            run(evolution, 120)
            late = [record for number, record in evolution.archive.evaluated.items() if number >= 70]
            found += [abs(record.genome[0] - HIDDEN) for record in late]
        return float(np.mean(found))

    assert errors(4) < 0.8 * errors(1)


def test_all_candidates_differ() -> None:
    evolution = search()
    run(evolution, 120)
    genomes = [record.genome for record in evolution.archive.evaluated.values()]
    assert len(set(genomes)) == len(genomes) == 120


def test_a_number_below_one_is_refused() -> None:
    with pytest.raises(ValueError, match=r"^screening is 0, expected 1 or more$"):
        Evolution(Lines(), {"error": "min"}, seed=0, population_size=4, screening=0)
