"""The field's usual designs as parts of the space."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evo import ExpertSpace
from evo.families import families, usual
from model.spec import GLOBAL, Genome, NetworkSpec

NAMES = ("text", "audio", "vision")
STEPS = {"text": 20, "audio": 20, "vision": 1}
SHAPES = families({name: (name,) for name in NAMES})


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
    assert usual({"text": ("text",)}) == ("only_text",)


def test_a_modality_alone_is_all_of_its_streams_or_some() -> None:
    streams = {"text": ("text", "text_before"), "audio": ("audio",)}
    space = ExpertSpace(("text", "audio", "text_before"), shape=families(streams)["only_text"])
    read = {space.sample(np.random.default_rng(seed)).network.modalities for seed in range(30)}
    assert read == {("text",), ("text_before",), ("text", "text_before")}


def cost(network: NetworkSpec) -> dict[str, float]:
    experts = sum(expert.width for level in network.levels for expert in level.experts)
    return {"params": float(10 * network.width * len(network.encoders) + experts)}


@pytest.mark.parametrize("name", SHAPES)
def test_limits_are_kept_without_leaving_the_shape(name: str) -> None:
    limits = {"params": 300.0}
    space = ExpertSpace(NAMES, steps=STEPS, shape=SHAPES[name], limits=limits, cost=cost)
    for seed in range(10):
        genome = space.sample(np.random.default_rng(seed))
        assert cost(genome.network)["params"] <= 300
        assert SHAPES[name](space.domain, genome) == genome


def test_a_design_that_no_limit_allows_is_told() -> None:
    with pytest.raises(ValueError, match="limits params=100 cannot be met by any network of this design"):
        ExpertSpace(NAMES, shape=SHAPES["late_fusion"], limits={"params": 100.0}, cost=cost)
