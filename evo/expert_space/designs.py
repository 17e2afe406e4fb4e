"""The field's usual designs as parts of the space of experts: each is bred, trained and tuned as any other network.

What a design makes of a legal genome keeps the genes that matter to it, and is legal.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import combinations

from haemsa.evo.expert_space.domain import Domain
from haemsa.evo.expert_space.legal import altered, assemble
from haemsa.model.spec.genome import Genome
from haemsa.model.spec.network import GLOBAL, TENSOR_WIDTHS, EncoderSpec, ExpertKind, ExpertSpec, GateSpec, LevelSpec

PLAIN_WIDTH, PLAIN_EXPERTS = 32, 3
"""The width of tokens and experts, and the number of experts, in the networks that a search begins with."""


@dataclass(frozen=True)
class Design:
    """What it makes of a legal genome, and the kinds of experts that it may have even where the bounds do not."""

    make: Callable[[Domain, Genome], Genome]
    kinds: tuple[ExpertKind, ...] = ()

    def __call__(self, domain: Domain, genome: Genome) -> Genome:
        """The genome in this design, legal in `domain.allowing(kinds)`."""
        return self.make(domain.allowing(self.kinds), genome)


def designs(streams: Mapping[str, Sequence[str]], steps: Mapping[str, int] | None = None) -> dict[str, Design]:
    """The designs by name.

    Args:
        streams: Each modality's feature streams by its name. Designs that fuse exist only where there are several.
        steps: Time steps of each stream; one that is not named has many. The design that attends over time exists only
            where a stream has several.
    """
    plain = {"one_level": Design(one_level), "no_transfer": Design(no_transfer)}
    single_ones = {f"only_{name}": Design(partial(single, tuple(own)), ("mlp",)) for name, own in streams.items()}
    fusing = {
        "early_fusion": Design(early_fusion, ("mlp",)),
        "late_fusion": Design(late_fusion, ("mlp",)),
        "low_rank_fusion": Design(low_rank_fusion, ("low_rank",)),
        "tensor_fusion": Design(tensor_fusion, ("tensor",)),
        "cross_modal_attention": Design(cross_modal_attention, ("mlp", "cross_attention")),
        "flat_mixture": Design(flat_mixture),
    }
    names = tuple(name for own in streams.values() for name in own)
    if not any(map(Domain(names, steps=steps or {}).pools, names)):
        del fusing["cross_modal_attention"]
    return single_ones | (fusing if len(streams) > 1 else {}) | plain


def usual_designs(streams: Mapping[str, Sequence[str]], steps: Mapping[str, int] | None = None) -> tuple[str, ...]:
    """The names of the designs that the field uses: all but those that only take something away."""
    return tuple(name for name in designs(streams, steps) if name not in ("one_level", "no_transfer"))


def plain_designs(domain: Domain, streams: Mapping[str, Sequence[str]]) -> list[Genome]:
    """The usual designs that need only the domain's kinds of experts, every gene at its default; fusion first."""
    expert = ExpertSpec((*domain.modalities, GLOBAL), width=PLAIN_WIDTH)
    plain = assemble(
        domain,
        PLAIN_WIDTH,
        [EncoderSpec(name, "attention") for name in domain.modalities],
        [LevelSpec((expert,) * PLAIN_EXPERTS, domain.plain_gate)],
        domain.default_training_genes,
    )
    by_name = designs(streams, domain.steps)
    usual = [by_name[name] for name in reversed(usual_designs(streams, domain.steps))]
    return [design(domain, plain) for design in usual if set(design.kinds) <= set(domain.expert_kinds)]


def one_level(domain: Domain, genome: Genome) -> Genome:
    """Any network without a hierarchy: only its first level."""
    network = genome.network
    return assemble(domain, network.width, network.encoders, network.levels[:1], genome.training)


def no_transfer(domain: Domain, genome: Genome) -> Genome:
    """Any network whose local tokens hear only experts of their own modality."""
    network = genome.network
    levels = [replace(level, transfer=False) for level in network.levels]
    return assemble(domain, network.width, network.encoders, levels, genome.training)


def single(streams: Sequence[str], domain: Domain, genome: Genome) -> Genome:
    """Only one modality: those of its streams that the genome reads, and at most one expert over them."""
    used = tuple(name for name in streams if name in genome.network.modalities) or tuple(streams)
    experts = [replace(_dense(expert), sees=used) for expert in _experts(genome)[:1]]
    return _built(domain, genome, used, experts)


def early_fusion(domain: Domain, genome: Genome) -> Genome:
    """One expert that reads all modalities."""
    first = _dense(_some_experts(domain, genome)[0])
    return _built(domain, genome, domain.modalities, [replace(first, sees=domain.modalities)])


def late_fusion(domain: Domain, genome: Genome) -> Genome:
    """An expert for each modality, which sees only that one. The head weighs their outputs."""
    experts = _some_experts(domain, genome)
    single_ones = [
        replace(_dense(experts[place % len(experts)]), sees=(name,)) for place, name in enumerate(domain.modalities)
    ]
    return _built(domain, genome, domain.modalities, single_ones, transfer=False)


def low_rank_fusion(domain: Domain, genome: Genome) -> Genome:
    """Low-rank multiplicative fusion of all modalities (LMF, Liu et al. 2018)."""
    expert = replace(_some_experts(domain, genome)[0], kind="low_rank", sees=domain.modalities)
    return _built(domain, genome, domain.modalities, [expert])


def tensor_fusion(domain: Domain, genome: Genome) -> Genome:
    """All products of all modalities (TFN, Zadeh et al. 2017). With more than three modalities, those of every two.

    Products of more than three would be too many.
    """
    names, experts = domain.modalities, _some_experts(domain, genome)
    parts = [names] if len(names) in TENSOR_WIDTHS else list(combinations(names, 2))
    fusing = [
        altered(domain, experts[place % len(experts)], sees=part, kind="tensor")
        for place, part in enumerate(parts[: domain.bounds.max_experts])
    ]
    return _built(domain, genome, names, fusing)


def cross_modal_attention(domain: Domain, genome: Genome) -> Genome:
    """Attention over time between every two modalities, then one expert over all (after MulT, Tsai et al. 2019).

    MulT has two experts for a pair, one for each direction. Here an expert asks with both tokens and reads both
    modalities, so two of them would be the same.
    """
    pairs = [pair for pair in combinations(domain.modalities, 2) if any(map(domain.pools, pair))]
    experts, levels = _some_experts(domain, genome), genome.network.levels
    attending = [
        altered(domain, experts[place % len(experts)], sees=pair, kind="cross_attention")
        for place, pair in enumerate(pairs[: domain.bounds.max_experts])
    ]
    last = levels[1].experts[0] if len(levels) > 1 else experts[0]
    gate = levels[0].gate if levels else GateSpec()
    fusing = LevelSpec((replace(_dense(last), sees=domain.modalities),), domain.plain_gate)
    return _assembled(domain, genome, domain.modalities, [LevelSpec(tuple(attending), gate), fusing])


def flat_mixture(domain: Domain, genome: Genome) -> Genome:
    """One level of experts that all see everything, under one gate."""
    every = (*domain.modalities, GLOBAL)
    kept = [_dense(e) if e.kind == "tensor" else e for e in _some_experts(domain, genome)]
    gate = genome.network.levels[0].gate if genome.network.levels else GateSpec()
    return _built(domain, genome, domain.modalities, [replace(expert, sees=every) for expert in kept], gate)


def _built(
    domain: Domain,
    genome: Genome,
    used: Sequence[str],
    experts: Sequence[ExpertSpec],
    gate: GateSpec | None = None,
    *,
    transfer: bool = True,
) -> Genome:
    """One level of these experts over these modalities; no level if there are none."""
    levels = [LevelSpec(tuple(experts), gate or domain.plain_gate, transfer)] if experts else []
    return _assembled(domain, genome, used, levels)


def _assembled(domain: Domain, genome: Genome, used: Sequence[str], levels: Sequence[LevelSpec]) -> Genome:
    """These levels over these modalities. One that the genome does not read gets an encoder like its first one."""
    by_name = {encoder.modality: encoder for encoder in genome.network.encoders}
    first = genome.network.encoders[0]
    encoders: list[EncoderSpec] = [by_name.get(name, replace(first, modality=name)) for name in used]
    return assemble(domain, genome.network.width, encoders, levels, genome.training)


def _experts(genome: Genome) -> list[ExpertSpec]:
    """The experts of the first level; none if there is no level."""
    return list(genome.network.levels[0].experts) if genome.network.levels else []


def _some_experts(domain: Domain, genome: Genome) -> list[ExpertSpec]:
    """The experts of the first level, or a small one."""
    return _experts(genome) or [ExpertSpec(domain.modalities, width=domain.bounds.expert_widths[0])]


def _dense(expert: ExpertSpec) -> ExpertSpec:
    """The expert as a perceptron, gated or not: without products of modalities and without attention."""
    return expert if expert.kind in ("mlp", "gated") else replace(expert, kind="mlp")
