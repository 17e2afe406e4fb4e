"""Which parts of a child continue which of its parent's."""

from dataclasses import replace

import numpy as np

from haemsa.model.inheritance.alignment import (
    align_levels,
    are_twins,
    expert_similarity,
    level_similarity,
    match_experts,
)
from haemsa.model.spec.network import ExpertSpec, NetworkSpec
from tests.support.model.cohort_tools import genome, level
from tests.support.model.random_genomes import random_genome

TEXT, AUDIO = ExpertSpec(("text",), width=8), ExpertSpec(("audio",), "gated")
BOTH = ExpertSpec(("text", "audio"), "low_rank")


def network(*levels: object) -> NetworkSpec:
    return genome(*levels).network


def test_every_network_is_aligned_with_itself_part_by_part() -> None:
    rng = np.random.default_rng(0)
    for _ in range(50):
        found = random_genome(rng).network
        assert align_levels(found, found) == tuple(range(len(found.levels)))
        for item in found.levels:
            assert match_experts(item, item) == tuple(range(len(item.experts)))
            assert level_similarity(item, item) == 3


def test_a_level_added_anywhere_is_the_one_that_is_new() -> None:
    first, second, new = level(TEXT, AUDIO), level(BOTH, TEXT, kind="sigmoid"), level(TEXT, BOTH, kind="top_k")
    parent = network(first, second)
    assert align_levels(network(new, first, second), parent) == (None, 0, 1)
    assert align_levels(network(first, new, second), parent) == (0, None, 1)
    assert align_levels(network(first, second, new), parent) == (0, 1, None)


def test_a_removed_level_is_skipped_and_levels_never_cross() -> None:
    first, second = level(TEXT, AUDIO), level(BOTH, kind="sigmoid")
    assert align_levels(network(second), network(first, second)) == (1,)
    assert align_levels(network(second, first), network(first, second)).count(None) == 1


def test_levels_without_a_similar_expert_are_not_paired() -> None:
    assert align_levels(network(level(TEXT)), network(level(AUDIO))) == (None,)


def test_equal_experts_come_first_then_those_of_a_kind_with_tokens_in_common() -> None:
    wider = replace(TEXT, width=16)
    assert match_experts(level(wider, AUDIO, TEXT), level(TEXT, AUDIO)) == (None, 1, 0)
    assert match_experts(level(wider, AUDIO), level(AUDIO, TEXT)) == (1, 0)
    assert match_experts(level(ExpertSpec(("text", "audio")), BOTH), level(TEXT, AUDIO)) == (0, None)


def test_the_order_in_which_an_expert_names_its_tokens_does_not_matter() -> None:
    turned = replace(BOTH, sees=("audio", "text"))
    assert are_twins(BOTH, turned)
    assert expert_similarity(BOTH, turned) == 1
    assert not are_twins(BOTH, replace(BOTH, depth=2))
