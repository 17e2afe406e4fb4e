"""The field's usual designs as parts of the space."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evo import ExpertSpace
from evo.families import families, usual
from model.spec import GLOBAL, Genome

NAMES = ("text", "audio", "vision")
STEPS = {"text": 20, "audio": 20, "vision": 1}
SHAPES = families(NAMES)


def bred(name: str, seed: int) -> list[Genome]:
    """Samples, mutants and children of a space in one shape."""
    space, rng = ExpertSpace(NAMES, steps=STEPS, shape=SHAPES[name]), np.random.default_rng(seed)
    first, second = space.sample(rng), space.sample(rng)
    children = space.crossover(space.mutate(first, rng), second, rng)
    return [first, second, *children, *(space.mutate(child, rng) for child in children)]


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 2**32), name=st.sampled_from(list(SHAPES)))
def test_every_genome_keeps_the_shape_and_is_legal(seed: int, name: str) -> None:
    anything = ExpertSpace(NAMES, steps=STEPS)
    for genome in bred(name, seed):
        assert anything.repair(genome) == genome
        assert SHAPES[name](anything.domain, genome) == genome
        check(name, genome)


def check(name: str, genome: Genome) -> None:
    network = genome.network
    assert len(network.levels) <= 1 or name == "no_transfer"
    experts = network.levels[0].experts if network.levels else ()
    seen = [expert.sees for expert in experts]
    if name.startswith("only_"):
        modality = name.removeprefix("only_")
        assert network.modalities == (modality,)
        assert seen in ([], [(modality,)])
        return
    if name in ("one_level", "no_transfer"):
        lone = len(network.modalities) == 1
        assert name == "one_level" or lone or not any(level.transfer for level in network.levels)
        return
    assert network.modalities == NAMES
    if name == "late_fusion":
        assert seen == [(modality,) for modality in NAMES]
        assert not network.levels[0].transfer
    elif name == "flat_mixture":
        assert set(seen) == {(*NAMES, GLOBAL)}
    else:
        assert seen == [NAMES]
    assert all(
        (expert.kind == "low_rank") == (name == "low_rank_fusion") for expert in experts if name != "flat_mixture"
    )


@pytest.mark.parametrize("name", SHAPES)
def test_breeding_goes_on_changing_what_the_shape_leaves_open(name: str) -> None:
    genomes = {genome for seed in range(8) for genome in bred(name, seed)}
    assert len({genome.training for genome in genomes}) > 8
    assert len({genome.network for genome in genomes}) > 3


def test_data_of_one_modality_has_nothing_to_fuse() -> None:
    assert usual(["text"]) == ("only_text",)
