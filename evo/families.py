"""The field's usual designs as parts of the space of experts: each is bred, trained and tuned as any other network.

A design is a shape: what it makes of a legal genome keeps the genes that matter to it, and is legal.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial

from evo.legal import Domain, assemble
from model.spec import GLOBAL, EncoderSpec, ExpertSpec, GateSpec, Genome, LevelSpec

Shape = Callable[[Domain, Genome], Genome]


def families(streams: Mapping[str, Sequence[str]]) -> dict[str, Shape]:
    """The shapes by name, for modalities of these feature streams; those that fuse only where there are several."""
    plain: dict[str, Shape] = {"one_level": one_level, "no_transfer": no_transfer}
    alone: dict[str, Shape] = {f"only_{name}": partial(single, tuple(own)) for name, own in streams.items()}
    fusing: dict[str, Shape] = {
        "early_fusion": early_fusion,
        "late_fusion": late_fusion,
        "low_rank_fusion": low_rank_fusion,
        "flat_mixture": flat_mixture,
    }
    return alone | (fusing if len(streams) > 1 else {}) | plain


def usual(streams: Mapping[str, Sequence[str]]) -> tuple[str, ...]:
    """The shapes that the field uses: all but those that only take something away."""
    return tuple(name for name in families(streams) if name not in ("one_level", "no_transfer"))


def one_level(domain: Domain, genome: Genome) -> Genome:
    """Any network without a hierarchy: of its levels, the first."""
    network = genome.network
    return assemble(domain, network.width, network.encoders, network.levels[:1], genome.training)


def no_transfer(domain: Domain, genome: Genome) -> Genome:
    """Any network whose local tokens hear experts of their own modality alone."""
    network = genome.network
    levels = [replace(level, transfer=False) for level in network.levels]
    return assemble(domain, network.width, network.encoders, levels, genome.training)


def single(streams: Sequence[str], domain: Domain, genome: Genome) -> Genome:
    """One modality alone, those of its streams that the genome reads, and at most one expert over them."""
    used = tuple(name for name in streams if name in genome.network.modalities) or tuple(streams)
    experts = [replace(_dense(expert), sees=used) for expert in _experts(genome)[:1]]
    return _built(domain, genome, used, experts)


def early_fusion(domain: Domain, genome: Genome) -> Genome:
    """All modalities side by side into one expert."""
    first = _first(domain, genome)
    return _built(domain, genome, domain.modalities, [replace(_dense(first), sees=domain.modalities)])


def late_fusion(domain: Domain, genome: Genome) -> Genome:
    """An expert for each modality, which sees that one alone; the head weighs what they say."""
    own = _experts(genome) or [_first(domain, genome)]
    experts = [replace(_dense(own[place % len(own)]), sees=(name,)) for place, name in enumerate(domain.modalities)]
    return _built(domain, genome, domain.modalities, experts, transfer=False)


def low_rank_fusion(domain: Domain, genome: Genome) -> Genome:
    """Low-rank multiplicative fusion of all modalities (LMF, Liu et al. 2018)."""
    expert = replace(_first(domain, genome), kind="low_rank", sees=domain.modalities)
    return _built(domain, genome, domain.modalities, [expert])


def flat_mixture(domain: Domain, genome: Genome) -> Genome:
    """One level of experts that all see everything, under one gate."""
    every = (*domain.modalities, GLOBAL)
    experts = [replace(expert, sees=every) for expert in _experts(genome) or [_first(domain, genome)]]
    gate = genome.network.levels[0].gate if genome.network.levels else GateSpec()
    return _built(domain, genome, domain.modalities, experts, gate)


def _built(
    domain: Domain,
    genome: Genome,
    used: Sequence[str],
    experts: Sequence[ExpertSpec],
    gate: GateSpec | None = None,
    *,
    transfer: bool = True,
) -> Genome:
    """At most one level, over these modalities; those that the genome does not read are read as its first one is."""
    known = {encoder.modality: encoder for encoder in genome.network.encoders}
    like = genome.network.encoders[0]
    encoders: list[EncoderSpec] = [known.get(name, replace(like, modality=name)) for name in used]
    level = [LevelSpec(tuple(experts), gate or domain.plain_gate, transfer)] if experts else []
    return assemble(domain, genome.network.width, encoders, level, genome.training)


def _experts(genome: Genome) -> list[ExpertSpec]:
    """The experts of the first level; none if there is no level."""
    return list(genome.network.levels[0].experts) if genome.network.levels else []


def _first(domain: Domain, genome: Genome) -> ExpertSpec:
    fallback = ExpertSpec(domain.modalities, width=domain.bounds.expert_widths[0])
    return next(iter(_experts(genome)), fallback)


def _dense(expert: ExpertSpec) -> ExpertSpec:
    """The expert without products of modalities: a perceptron, gated or not."""
    return replace(expert, kind="mlp") if expert.kind == "low_rank" else expert
