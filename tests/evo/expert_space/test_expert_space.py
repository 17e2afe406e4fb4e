import random
from collections.abc import Mapping
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from haemsa.evo import Bounds, Evolution, ExpertSpace
from haemsa.evo.expert_space.bounds import RANGES, TRAINING
from haemsa.model.spec.genome import Genome
from haemsa.model.spec.network import GLOBAL, EncoderSpec, ExpertSpec, GateSpec, LevelSpec, NetworkSpec
from haemsa.model.spec.training import TrainingGenes

WIDTHS = {"text": 300, "audio": 74, "vision": 35, "profile": 10}
STEPS = {"text": 20, "audio": 20, "vision": 20, "profile": 1}


def cost(network: NetworkSpec) -> Mapping[str, float]:
    """Like the real one: grows with every part of a network."""
    params = sum(WIDTHS[encoder.modality] * network.width for encoder in network.encoders)
    flops = sum(
        WIDTHS[encoder.modality] * network.width * (1 if encoder.kind == "mean" else STEPS[encoder.modality])
        for encoder in network.encoders
    )
    for level in network.levels:
        for expert in level.experts:
            size = len(expert.sees) * network.width * expert.width + expert.depth * expert.width**2
            params, flops = params + size, flops + size
    return {"params": float(params), "flops": float(flops)}


def space(**limits: float) -> ExpertSpace:
    return ExpertSpace(list(WIDTHS), steps=STEPS, limits=limits, cost=cost)


SPACES = [space(), space(params=6000), space(params=700, flops=2000), space(flops=80)]


def check_legal(genome: Genome, where: ExpertSpace) -> None:
    """Everything that a genome of the space must be; the specs check the rest as they are made."""
    bounds, network = where.domain.bounds, genome.network
    assert all(cost(network)[name] <= limit for name, limit in where.limits.items())
    assert list(network.modalities) == [name for name in WIDTHS if name in network.modalities]
    assert network.width in bounds.widths
    assert len(network.levels) <= bounds.max_levels
    assert all(encoder.kind == "mean" for encoder in network.encoders if STEPS[encoder.modality] == 1)
    for level in network.levels:
        assert len(level.experts) <= bounds.max_experts
        for name in ("temperature", "noise"):
            assert getattr(bounds, name)[0] <= getattr(level.gate, name) <= getattr(bounds, name)[1]
        for expert in level.experts:
            assert expert.width in bounds.expert_widths
            assert expert.kind in bounds.expert_kinds
            assert expert.depth <= bounds.max_depth
    assert genome.training.epochs in bounds.epochs
    for name in TRAINING:
        low, high = getattr(bounds, name)
        assert low <= getattr(genome.training, name) <= high
    assert where.repair(genome) == genome
    assert Genome.from_json(genome.to_json()) == genome


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 2**32), where=st.sampled_from(SPACES))
def test_samples_mutants_and_children_are_legal_and_within_limits(seed: int, where: ExpertSpace) -> None:
    rng = np.random.default_rng(seed)
    a, b = where.sample(rng), where.sample(rng)
    for _ in range(4):
        a, b = where.crossover(where.mutate(a, rng), b, rng)
        check_legal(a, where)
        check_legal(b, where)


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 2**32))
def test_the_same_generator_gives_the_same_genomes_and_the_global_one_is_not_used(seed: int) -> None:
    where, found, before = SPACES[0], [], random.getstate()
    for _ in range(2):
        rng = np.random.default_rng(seed)
        a, b = where.sample(rng), where.sample(rng)
        found.append(where.crossover(where.mutate(a, rng), b, rng))
    assert found[0] == found[1]
    assert random.getstate() == before


def test_a_mutation_changes_the_genome() -> None:
    where, rng = SPACES[0], np.random.default_rng(0)
    genomes = [where.sample(rng) for _ in range(100)]
    assert all(where.mutate(genome, rng).key != genome.key for genome in genomes)


def test_samples_are_shallow_and_reach_every_modality_alone_and_all_together() -> None:
    rng = np.random.default_rng(0)
    genomes = [SPACES[0].sample(rng) for _ in range(400)]
    subsets = {genome.network.modalities for genome in genomes}
    assert {("text",), ("audio",), ("vision",), ("profile",), tuple(WIDTHS)} <= subsets
    levels = [len(genome.network.levels) for genome in genomes]
    assert max(levels) <= 2
    assert levels.count(1) > 200


def test_mutation_by_itself_reaches_every_kind_of_part() -> None:
    where, rng = SPACES[0], np.random.default_rng(0)
    genome = where.sample(rng)
    kinds: set[str] = set()
    levels, transfers = set(), set()
    for _ in range(2000):
        genome = where.mutate(genome, rng)
        kinds |= {encoder.kind for encoder in genome.network.encoders}
        levels.add(len(genome.network.levels))
        for level in genome.network.levels:
            kinds |= {level.gate.kind} | {expert.kind for expert in level.experts}
            transfers.add(level.transfer)
    assert levels == {0, 1, 2, 3, 4}
    assert transfers == {True, False}
    experts = {"mlp", "gated", "low_rank", "cross_attention"}
    assert kinds == {"mean", "attention", "convolution", "softmax", "top_k", "sigmoid"} | experts


def network(**parts: object) -> Genome:
    level = LevelSpec((ExpertSpec(("text",), width=64), ExpertSpec(("audio", GLOBAL), width=48)))
    whole = NetworkSpec(48, (EncoderSpec("text", "attention"), EncoderSpec("audio", "convolution")), (level,))
    return Genome(replace(whole, **parts))  # type: ignore[arg-type]


def test_repair_brings_everything_within_bounds() -> None:
    wild = Genome(
        NetworkSpec(
            1024,
            (EncoderSpec("smell"), EncoderSpec("profile", "attention"), EncoderSpec("text", "attention", heads=16)),
            (
                LevelSpec((ExpertSpec(("smell",)),)),
                LevelSpec(
                    (ExpertSpec(("smell", "text"), depth=8, width=4000), ExpertSpec((GLOBAL,))), GateSpec("top_k", k=64)
                ),
            ),
        ),
        TrainingGenes(epochs=9999, learning_rate=0.123456),
    )
    tame = space().repair(wild)
    assert tame.network == NetworkSpec(
        48,
        (EncoderSpec("text", "attention", heads=4), EncoderSpec("profile")),
        (LevelSpec((ExpertSpec(("text",), depth=3, width=64), ExpertSpec((GLOBAL,))), GateSpec("top_k", k=2)),),
    )
    assert (tame.training.epochs, tame.training.learning_rate) == (24, 1e-2)


def test_genes_without_effect_have_one_value() -> None:
    one = LevelSpec((ExpertSpec(("text",)),), GateSpec("top_k", k=3, temperature=1.7, noise=0.4), transfer=False)
    encoders = (EncoderSpec("text", "mean", heads=4, kernel=5),)
    repaired = space().repair(Genome(NetworkSpec(8, encoders, (one,)), TrainingGenes(modality_dropout=0.3)))
    assert repaired.network == NetworkSpec(8, (EncoderSpec("text"),), (LevelSpec((ExpertSpec(("text",)),)),))
    assert repaired.training.modality_dropout == 0


def test_attention_heads_divide_the_token_width() -> None:
    where = ExpertSpace(["text"], bounds=Bounds(widths=(8, 10, 15, 24), heads=(2, 4)))
    genomes = [
        Genome(NetworkSpec(w, (EncoderSpec("text", "attention", heads=h),))) for w, h in ((8, 4), (10, 2), (15, 3))
    ]
    encoders = [where.repair(genome).network.encoders[0] for genome in genomes]
    assert [(encoder.kind, encoder.heads) for encoder in encoders] == [("attention", 4), ("attention", 2), ("mean", 2)]


def test_repair_takes_a_little_of_everything_before_a_modality() -> None:
    repaired = space(params=8000).repair(network())
    assert repaired.network.modalities == ("text", "audio")
    assert repaired.network.levels
    assert cost(repaired.network)["params"] <= 8000


def test_repair_drops_the_heaviest_modality_when_nothing_else_is_left() -> None:
    assert space(params=600).repair(network()).network.modalities == ("audio",)


def test_repair_falls_back_to_the_one_network_that_fits() -> None:
    assert space(params=80).repair(network()).network == NetworkSpec(8, (EncoderSpec("profile"),))


def test_a_network_within_its_limits_stays_as_it_is() -> None:
    where = space(params=1e9)
    legal = where.repair(network())
    assert legal.network.width == 48
    assert where.repair(legal) == legal


def test_the_smallest_network_of_the_space_is_known() -> None:
    assert space().smallest("params") == 8 * WIDTHS["profile"]


@pytest.mark.parametrize(
    ("limits", "message"),
    [
        ({"params": 79}, "limit params=79 cannot be met, the smallest network has 80"),
        ({"params": float("nan")}, "limit params=nan cannot be met"),
        ({"parameters": 1000}, "limit 'parameters' does not exist, expected one of params, flops"),
    ],
)
def test_an_impossible_or_unknown_limit_is_refused(limits: dict[str, float], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        space(**limits)


def test_limits_that_only_exclude_each_other_are_refused() -> None:
    def opposed(network: NetworkSpec) -> Mapping[str, float]:
        return {"a": 1.0, "b": 9.0} if network.modalities == ("x",) else {"a": 9.0, "b": 1.0}

    with pytest.raises(ValueError, match="limits a=5, b=5 cannot all be met by one network"):
        ExpertSpace(["x", "y"], limits={"a": 5, "b": 5}, cost=opposed)


def test_a_limit_needs_a_cost() -> None:
    with pytest.raises(ValueError, match="limit 'params' does not exist, expected one of none"):
        ExpertSpace(["text"], limits={"params": 10})


@pytest.mark.parametrize("modalities", [[], ["text", "text"], ["text", GLOBAL]])
def test_modalities_must_be_names_each_once(modalities: list[str]) -> None:
    with pytest.raises(ValueError, match="modalit"):
        ExpertSpace(modalities)


def test_a_narrow_space_is_kept_to() -> None:
    bounds = Bounds(widths=(8,), max_levels=0, **{name: (getattr(Bounds(), name)[1],) * 2 for name in RANGES})
    where, rng = ExpertSpace(["text"], bounds=bounds), np.random.default_rng(0)
    genome = where.sample(rng)
    for _ in range(50):
        genome = where.mutate(genome, rng)
        assert (genome.network.width, genome.network.levels, genome.training.clip) == (8, (), 4.0)


def test_evolution_finds_the_modalities_that_pay() -> None:
    def problem(genome: Genome) -> dict[str, float]:
        wanted = {"audio", "vision"}
        return {
            "misses": len(wanted ^ set(genome.network.modalities)),
            "size": cost(genome.network)["params"],
        }

    evolution = Evolution(space(params=20000), {"misses": "min", "size": "min"}, seed=0, population_size=16)
    for _ in range(300):
        for candidate in evolution.ask(1):
            evolution.tell(candidate, problem(candidate.genome))
    assert evolution.front()[0].genome.network.modalities == ("audio", "vision")
    assert len({individual.genome.key for individual in evolution.population}) == 16


def test_genomes_without_each_modality_leave_out_one_and_are_legal() -> None:
    where, genome = space(), network()
    found = where.without_each_modality(genome)
    assert [item.network.modalities for item in found] == [("audio",), ("text",)]
    assert all(where.repair(item) == item for item in found)
    assert where.without_each_modality(found[0]) == []
