"""Random genomes and parts of them.

All choices are equally likely, and real genes are uniform over their range or its logarithm, unless said otherwise.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar, get_args

import numpy as np

from haemsa.evo.expert_space.domain import Domain
from haemsa.evo.expert_space.legal import assemble, legal_expert
from haemsa.evo.expert_space.training_genes import random_training
from haemsa.model.spec.genome import Genome
from haemsa.model.spec.network import GLOBAL, EncoderKind, EncoderSpec, ExpertSpec, GateKind, GateSpec, LevelSpec

T = TypeVar("T")
Rng = np.random.Generator


def random_genome(domain: Domain, rng: Rng) -> Genome:
    """A shallow legal genome: all modalities or any subset, and mostly one level."""
    every = rng.random() < 0.3
    used = [name for name in domain.modalities if every or rng.random() < 0.5] or [pick(domain.modalities, rng)]
    depth = min(int(rng.choice(3, p=(0.1, 0.7, 0.2))), domain.bounds.max_levels)
    return assemble(
        domain,
        domain.bounds.draw("widths", rng),
        [random_encoder(domain, name, rng) for name in used],
        [random_level(domain, used, rng) for _ in range(depth)],
        random_training(domain, rng),
    )


def pick(items: Sequence[T], rng: Rng) -> T:
    """One of the items, all equally likely."""
    return items[int(rng.integers(len(items)))]


def random_encoder(domain: Domain, modality: str, rng: Rng) -> EncoderSpec:
    """An encoder of any kind. Half of them use attention, which wins most often on sequences."""
    heads, kernel = domain.bounds.draw("heads", rng), domain.bounds.draw("kernels", rng)
    kind: EncoderKind = "attention" if rng.random() < 0.5 else pick(("mean", "convolution"), rng)
    return EncoderSpec(modality, kind, heads, kernel)


def random_expert(domain: Domain, used: Sequence[str], rng: Rng) -> ExpertSpec:
    """An expert of one token, some, or all, mostly of depth 1."""
    tokens = (*used, GLOBAL)
    chance = pick((0.0, 0.5, 1.0), rng)
    sees = tuple(token for token in tokens if rng.random() < chance) or (pick(tokens, rng),)
    depth = 1 if rng.random() < 0.7 else int(rng.integers(1, domain.bounds.max_depth + 1))
    return legal_expert(domain, sees, pick(domain.expert_kinds, rng), depth, domain.bounds.draw("expert_widths", rng))


def random_gate(domain: Domain, rng: Rng) -> GateSpec:
    """A gate of any kind."""
    k, temperature, noise = (domain.bounds.draw(name, rng) for name in ("gate_k", "temperature", "noise"))
    return GateSpec(pick(get_args(GateKind), rng), k, temperature, noise)


def random_level(domain: Domain, used: Sequence[str], rng: Rng) -> LevelSpec:
    """A level of one to three experts."""
    count = int(rng.integers(1, min(3, domain.bounds.max_experts) + 1))
    experts = tuple(random_expert(domain, used, rng) for _ in range(count))
    return LevelSpec(experts, random_gate(domain, rng), bool(rng.random() < 0.7))
