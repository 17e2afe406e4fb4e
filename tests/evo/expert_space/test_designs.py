"""The field's usual designs as parts of the space."""

from typing import get_args

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from haemsa.evo import Bounds, ExpertSpace
from haemsa.evo.expert_space.designs import designs, plain_designs, usual_designs
from haemsa.evo.expert_space.domain import Domain
from haemsa.evo.expert_space.legal import legal
from haemsa.model.spec.genome import Genome
from haemsa.model.spec.network import GLOBAL, ExpertKind, ExpertSpec, NetworkSpec
from haemsa.model.spec.training import TrainingGenes

NAMES = ("text", "audio", "vision")
STEPS = {"text": 20, "audio": 20, "vision": 1}
DESIGNS = designs({name: (name,) for name in NAMES}, STEPS)
PAIRS = [("text", "audio"), ("text", "vision"), ("audio", "vision")]


DENSE = {"mlp", "gated"}
KINDS = {
    "flat_mixture": {*DENSE, "low_rank", "cross_attention"},
    "low_rank_fusion": {"low_rank"},
    "tensor_fusion": {"tensor"},
    "cross_modal_attention": {"cross_attention"},
}


def bred(name: str, seed: int) -> list[Genome]:
    """Samples, mutants and children of a space in one design."""
    space, rng = ExpertSpace(NAMES, steps=STEPS, design=DESIGNS[name]), np.random.default_rng(seed)
    first, second = space.sample(rng), space.sample(rng)
    children = space.crossover(space.mutate(first, rng), second, rng)
    return [first, second, *children, *(space.mutate(child, rng) for child in children)]


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 2**32), name=st.sampled_from(list(DESIGNS)))
def test_every_genome_keeps_the_design_and_is_legal(seed: int, name: str) -> None:
    anything = ExpertSpace(NAMES, bounds=Bounds(expert_kinds=get_args(ExpertKind)), steps=STEPS)
    for genome in bred(name, seed):
        assert anything.repair(genome) == genome
        assert DESIGNS[name](anything.domain, genome) == genome
        check(name, genome)


def check(name: str, genome: Genome) -> None:
    network = genome.network
    assert len(network.levels) <= (2 if name == "cross_modal_attention" else 1) or name == "no_transfer"
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
    elif name == "cross_modal_attention":
        assert seen == PAIRS
        (fusing,) = network.levels[1].experts
        assert fusing.sees == NAMES
        assert fusing.kind in DENSE
        assert all(level.transfer for level in network.levels)
    else:
        assert seen == [NAMES]
    assert {expert.kind for expert in experts} <= KINDS.get(name, DENSE)


@pytest.mark.parametrize("name", DESIGNS)
def test_breeding_goes_on_changing_what_the_design_leaves_open(name: str) -> None:
    genomes = {genome for seed in range(8) for genome in bred(name, seed)}
    assert len({genome.training for genome in genomes}) > 8
    assert len({genome.network for genome in genomes}) > 3


def test_data_of_one_modality_has_nothing_to_fuse() -> None:
    assert usual_designs({"text": ("text",)}) == ("only_text",)


def test_attention_over_time_needs_time() -> None:
    streams = {"text": ("text",), "audio": ("audio",)}
    over_time = {"text": 1, "audio": 20}, {"text": 20}, {}
    assert all("cross_modal_attention" in usual_designs(streams, steps) for steps in over_time)
    assert "cross_modal_attention" not in usual_designs(streams, {"text": 1, "audio": 1})


def fused(name: str, count: int, seed: int = 0) -> list[ExpertSpec]:
    """The first experts of a design for so many streams, half of which have no time."""
    names = [f"stream{number}" for number in range(count)]
    steps = {stream: 1 + 9 * (number % 2) for number, stream in enumerate(names)}
    design = designs({stream: (stream,) for stream in names}, steps)[name]
    space = ExpertSpace(names, steps=steps, design=design)
    return list(space.sample(np.random.default_rng(seed)).network.levels[0].experts)


def test_tensors_are_of_three_streams_or_of_every_two() -> None:
    assert [(len(e.sees), e.width) for e in fused("tensor_fusion", 3)] == [(3, 8)]
    assert [len(e.sees) for e in fused("tensor_fusion", 4)] == [2] * 6
    assert {name for e in fused("tensor_fusion", 5) for name in e.sees} == {f"stream{number}" for number in range(5)}


def test_pairs_without_time_are_not_attended_to() -> None:
    seen = {e.sees for e in fused("cross_modal_attention", 4)}
    assert len(seen) == 5
    assert ("stream0", "stream2") not in seen


@pytest.mark.parametrize("kinds", [("mlp",), ("low_rank",), get_args(ExpertKind)])
def test_a_design_has_its_kinds_whatever_the_bounds_say(kinds: tuple[ExpertKind, ...]) -> None:
    bounds = Bounds(expert_kinds=kinds, expert_widths=(16, 64))
    for name, own in KINDS.items():
        space, rng = ExpertSpace(NAMES, bounds=bounds, steps=STEPS, design=DESIGNS[name]), np.random.default_rng(0)
        genome = space.sample(rng)
        for _ in range(20):
            genome = space.mutate(genome, rng)
            assert {expert.kind for expert in genome.network.levels[0].experts} <= own


def test_a_single_modality_is_all_of_its_streams_or_some() -> None:
    streams = {"text": ("text", "text_before"), "audio": ("audio",)}
    space = ExpertSpace(("text", "audio", "text_before"), design=designs(streams)["only_text"])
    read = {space.sample(np.random.default_rng(seed)).network.modalities for seed in range(30)}
    assert read == {("text",), ("text_before",), ("text", "text_before")}


def cost(network: NetworkSpec) -> dict[str, float]:
    experts = sum(expert.width for level in network.levels for expert in level.experts)
    return {"params": float(10 * network.width * len(network.encoders) + experts)}


@pytest.mark.parametrize("name", DESIGNS)
def test_limits_are_kept_without_leaving_the_design(name: str) -> None:
    limits = {"params": 300.0}
    space = ExpertSpace(NAMES, steps=STEPS, design=DESIGNS[name], limits=limits, cost=cost)
    for seed in range(10):
        genome = space.sample(np.random.default_rng(seed))
        assert cost(genome.network)["params"] <= 300
        assert DESIGNS[name](space.domain, genome) == genome


def test_a_design_that_no_limit_allows_is_told() -> None:
    with pytest.raises(ValueError, match="limits params=100 cannot be met by any network of this design"):
        ExpertSpace(NAMES, design=DESIGNS["late_fusion"], limits={"params": 100.0}, cost=cost)


def test_plain_designs_are_legal_and_have_every_gene_at_its_default() -> None:
    domain = Domain(NAMES, steps=STEPS)
    found = plain_designs(domain, {name: (name,) for name in NAMES})
    assert [genome == legal(domain, genome) for genome in found] == [True] * 8
    assert {genome.training for genome in found} == {TrainingGenes()}
    assert [kinds(genome) for genome in found] == [
        ["mlp"] * 3, ["cross_attention"] * 3 + ["mlp"], ["low_rank"], ["mlp"] * 3, *[["mlp"]] * 4
    ]  # fmt: skip
    assert [genome.network.modalities for genome in found[-3:]] == [("vision",), ("audio",), ("text",)]


def test_a_plain_design_needs_no_experts_that_are_shut() -> None:
    domain = Domain(NAMES, bounds=Bounds(expert_kinds=("low_rank",)), steps=STEPS)
    found = plain_designs(domain, {name: (name,) for name in NAMES})
    assert [kinds(genome) for genome in found] == [["low_rank"] * 3, ["low_rank"]]


def kinds(genome: Genome) -> list[str]:
    return [expert.kind for level in genome.network.levels for expert in level.experts]
