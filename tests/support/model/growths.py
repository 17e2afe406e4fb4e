"""A parent with something of every kind, and children that have one thing more."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from haemsa.model.spec.genome import Genome
from haemsa.model.spec.network import GLOBAL, EncoderSpec, ExpertSpec, LevelSpec, NetworkSpec
from tests.support.model.cohort_tools import level

Change = Callable[[NetworkSpec], NetworkSpec]
TEXT = ExpertSpec(("text",), "mlp", 2, 5)
AUDIO = ExpertSpec((GLOBAL, "audio"), "gated", 1, 4)
BOTH = ExpertSpec(("text", "audio"), "low_rank", 2, 3)
AGAIN = ExpertSpec(("text",), "cross_attention", 2, 4)
PRODUCTS = ExpertSpec(("text", "audio"), "tensor", 1, 2)


def parent_of(gate: str = "softmax", temperature: float = 1.5, width: int = 6) -> Genome:
    """Two levels with experts of every kind over text by attention and audio by convolution."""
    first = level(TEXT, AUDIO, BOTH, AGAIN, PRODUCTS, kind=gate, k=2, temperature=temperature)
    second = level(BOTH, TEXT, kind=gate, k=1, temperature=temperature)
    encoders = (EncoderSpec("text", "attention"), EncoderSpec("audio", "convolution", kernel=3))
    return Genome(NetworkSpec(width, encoders, (first, second)))


def changed(genome: Genome, change: Change) -> Genome:
    return replace(genome, network=change(genome.network))


def with_level(place: int, new: LevelSpec) -> Change:
    return lambda network: replace(network, levels=(*network.levels[:place], new, *network.levels[place:]))


def with_experts(change: Callable[[tuple[ExpertSpec, ...]], tuple[ExpertSpec, ...]], place: int = 0) -> Change:
    def apply(network: NetworkSpec) -> NetworkSpec:
        levels = list(network.levels)
        levels[place] = replace(levels[place], experts=change(levels[place].experts))
        return replace(network, levels=tuple(levels))

    return apply


def with_encoder(spec: EncoderSpec) -> Change:
    """Another encoder for its modality, or a new one, put first."""
    return lambda network: replace(
        network, encoders=(spec, *(item for item in network.encoders if item.modality != spec.modality))
    )


def wider(experts: tuple[ExpertSpec, ...]) -> tuple[ExpertSpec, ...]:
    return tuple(replace(expert, width=expert.width + 3) for expert in experts)


def deeper(experts: tuple[ExpertSpec, ...]) -> tuple[ExpertSpec, ...]:
    return tuple(replace(e, depth=e.depth + 2) if e.kind != "tensor" else e for e in experts)


def seeing_more(experts: tuple[ExpertSpec, ...]) -> tuple[ExpertSpec, ...]:
    seen = (
        (GLOBAL, "text"),
        ("text", GLOBAL, "audio"),
        (GLOBAL, "audio", "text"),
        (GLOBAL, "audio", "text"),
        ("audio", GLOBAL, "text"),
    )
    return tuple(replace(expert, sees=sees) for expert, sees in zip(experts, seen, strict=True))


GROWTHS: dict[str, Change] = {
    "a level before": with_level(0, level(BOTH, TEXT, kind="sigmoid")),
    "a level between": with_level(1, level(AUDIO, AUDIO, kind="top_k", k=1)),
    "a level after": with_level(2, level(TEXT)),
    "a level like another": with_level(1, level(TEXT, AUDIO, BOTH, AGAIN, PRODUCTS, k=2, temperature=1.5)),
    "wider experts": with_experts(wider),
    "deeper experts": with_experts(deeper),
    "wider and deeper experts": with_experts(lambda experts: deeper(wider(experts))),
    "experts that see more": with_experts(seeing_more),
    "a twin": with_experts(lambda experts: (replace(AUDIO, sees=("audio", GLOBAL)), *experts)),
    "twins of two more kinds": with_experts(
        lambda experts: (AGAIN, replace(PRODUCTS, sees=("audio", "text")), *experts)
    ),
    "two twins and a new one": with_experts(lambda experts: (TEXT, *experts, TEXT, replace(BOTH, depth=1))),
    "other order": with_experts(lambda experts: experts[::-1]),
    "a longer kernel": with_encoder(EncoderSpec("audio", "convolution", kernel=7)),
    "an even kernel": with_encoder(EncoderSpec("audio", "convolution", kernel=4)),
    "more heads": with_encoder(EncoderSpec("text", "attention", heads=3)),
    "a modality": with_encoder(EncoderSpec("vision")),
}
