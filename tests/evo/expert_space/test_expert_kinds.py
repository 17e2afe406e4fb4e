"""Which kinds of experts a space has, and what happens to those that make no sense."""

from typing import Any, get_args

import numpy as np

from haemsa.evo import Bounds, ExpertSpace
from haemsa.evo.expert_space.bounds import PLAIN
from haemsa.evo.expert_space.domain import Domain
from haemsa.evo.expert_space.legal import legal_expert
from haemsa.model.spec.network import GLOBAL, ExpertKind, ExpertSpec, NetworkSpec

STEPS = {"text": 20, "audio": 20, "vision": 20, "profile": 1}


def kinds_over_a_walk(where: ExpertSpace, seed: int = 0) -> set[str]:
    """The kinds of experts that samples, mutants and children have, all of them legal."""
    rng, found = np.random.default_rng(seed), set[str]()
    genome = where.sample(rng)
    for _ in range(300):
        genome = where.crossover(where.mutate(genome, rng), where.sample(rng), rng)[0]
        assert where.repair(genome) == genome
        found |= {expert.kind for level in genome.network.levels for expert in level.experts}
    return found


def test_the_kinds_of_experts_are_those_of_the_bounds_that_make_sense() -> None:
    for kinds in (("gated",), ("mlp", "cross_attention"), get_args(ExpertKind)):
        where = ExpertSpace(list(STEPS), bounds=Bounds(expert_kinds=kinds), steps=STEPS)
        assert kinds_over_a_walk(where) == set(kinds)
    assert kinds_over_a_walk(ExpertSpace(["text", "audio"], steps={"text": 1, "audio": 1})) == set(PLAIN)


def test_tensor_experts_shrink_to_a_limit() -> None:
    def cost(network: NetworkSpec) -> dict[str, float]:
        sizes = [(e.width + 1.0) ** len(e.sees) for level in network.levels for e in level.experts]
        return {"params": network.width * (1 + sum(sizes))}

    bounds = Bounds(expert_kinds=("mlp", "tensor"), expert_widths=(16, 48))
    where = ExpertSpace(list(STEPS), bounds=bounds, steps=STEPS, limits={"params": 3000}, cost=cost)
    assert kinds_over_a_walk(where) == {"mlp", "tensor"}


def expert_of(*genes: Any, **bounds: Any) -> ExpertSpec:
    """The legal expert nearest to these genes, over text (20 steps) and two modalities without time."""
    domain = Domain(("text", "profile", "place"), Bounds(**bounds), {"text": 20, "profile": 1, "place": 1})
    return legal_expert(domain, *genes)


def test_an_expert_with_nothing_to_read_is_a_perceptron() -> None:
    assert expert_of(("text", "profile"), "cross_attention", 2, 8).kind == "cross_attention"
    assert expert_of(("profile", GLOBAL), "cross_attention", 2, 8) == ExpertSpec(("profile", GLOBAL), "mlp", 2, 8)
    assert expert_of((GLOBAL,), "cross_attention", 2, 8, expert_kinds=("gated", "cross_attention")).kind == "gated"


def test_a_tensor_expert_is_flat_sees_three_tokens_and_is_as_narrow_as_it_must() -> None:
    every, kinds = ("text", "profile", "place", GLOBAL), get_args(ExpertKind)
    assert expert_of(every, "tensor", 3, 64, expert_kinds=kinds) == ExpertSpec(every[:3], "tensor", 1, 8)
    assert expert_of(every[:2], "tensor", 3, 64, expert_kinds=kinds) == ExpertSpec(every[:2], "tensor", 1, 48)
    wide = expert_of(every, "tensor", 1, 64, expert_kinds=kinds, expert_widths=(16, 64))
    assert wide == ExpertSpec(every[:3], "tensor", 1, 15)
    assert expert_of(every, "tensor", 3, 64).kind == "mlp"
