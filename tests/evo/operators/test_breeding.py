"""Genomes that somebody suggests: they come first, once, and survive a restart."""

from __future__ import annotations

import numpy as np

from haemsa.evo.evolution import Evolution
from tests.support.evo.real_space import RealSpace


def search() -> Evolution[tuple[float, ...]]:
    return Evolution(RealSpace(2), {"a": "min", "b": "min"}, seed=0, population_size=4)


def test_a_suggestion_comes_before_children_and_names_its_parent() -> None:
    evolution = search()
    first = evolution.ask(4)[0]
    evolution.suggest([(0.25, 0.5), (0.5, 0.25)], first.id)
    asked = evolution.ask(3)
    assert [item.genome for item in asked[:2]] == [(0.25, 0.5), (0.5, 0.25)]
    assert [item.parents for item in asked[:2]] == [(first.id,), (first.id,)]
    assert [item.id for item in asked] == [4, 5, 6]


def test_a_known_genome_is_not_suggested_again() -> None:
    evolution = search()
    known = evolution.ask(1)[0]
    evolution.suggest([known.genome, (0.25, 0.5), (0.25, 0.5)], known.id)
    genomes = [item.genome for item in evolution.ask(3)]
    assert genomes[0] == (0.25, 0.5)
    assert len(set(genomes) | {known.genome}) == 4


def test_suggestions_that_wait_are_part_of_the_state() -> None:
    evolution = search()
    parent = evolution.ask(1)[0]
    evolution.suggest([(0.25, 0.5)], parent.id)
    again = search()
    again.load_state_dict(evolution.state_dict(list), lambda row: tuple(np.asarray(row).tolist()))
    assert [item.genome for item in again.ask(1)] == [(0.25, 0.5)]


def test_what_is_suggested_without_a_parent_begins_the_first_population() -> None:
    evolution = search()
    evolution.suggest([(0.25, 0.5)])
    again = search()
    again.load_state_dict(evolution.state_dict(list), lambda row: tuple(np.asarray(row).tolist()))
    for each in (evolution, again):
        asked = each.ask(4)
        assert (asked[0].genome, asked[0].parents) == ((0.25, 0.5), ())
        assert all(not item.parents for item in asked)  # sampled
