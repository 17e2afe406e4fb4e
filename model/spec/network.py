"""What a network is made of: encoders, levels of experts, gates.

Every specification is frozen, hashable and checked when it is made.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final, Literal

from haemsa.model.spec.checks import check_count, check_kind, check_range

GLOBAL: Final = "global"
"""Name of the global token. Experts may see it like a modality, so no modality may have this name."""
EncoderKind = Literal["mean", "attention", "convolution"]
ExpertKind = Literal["mlp", "gated", "low_rank", "cross_attention", "tensor"]
GateKind = Literal["softmax", "top_k", "sigmoid"]
TENSOR_WIDTHS: Final = {1: 4095, 2: 63, 3: 15}
"""The widest tensor expert by how many tokens it sees, so that its (width + 1) ** tokens products are at most 4,096."""


@dataclass(frozen=True)
class EncoderSpec:
    """How one modality becomes a token.

    Args:
        modality: The modality's name.
        kind: How its time steps are pooled.
        heads: Queries of attention.
        kernel: Time steps that a convolution spans.

    Raises:
        ValueError: A value is impossible.
    """

    modality: str
    kind: EncoderKind = "mean"
    heads: int = 1
    kernel: int = 3

    def __post_init__(self) -> None:
        if not isinstance(self.modality, str) or not self.modality or self.modality == GLOBAL:
            raise ValueError(f"encoder modality is {self.modality!r}, expected a name other than {GLOBAL!r}")
        check_kind("encoder kind", self.kind, EncoderKind)
        check_count("encoder heads", self.heads, 1, 16)
        check_count("encoder kernel", self.kernel, 1, 15)


@dataclass(frozen=True)
class ExpertSpec:
    """One expert of a level.

    Args:
        sees: The tokens that it reads: names of modalities, or `GLOBAL`.
        kind: How it joins them.
        depth: Its hidden layers. A tensor expert has one.
        width: Its hidden units; the rank of a low_rank expert. A tensor expert has few (`TENSOR_WIDTHS`).

    Raises:
        ValueError: A value is impossible.

    Example:
        >>> ExpertSpec(("text", GLOBAL), "gated", width=16).depth
        1
    """

    sees: tuple[str, ...]
    kind: ExpertKind = "mlp"
    depth: int = 1
    width: int = 32

    def __post_init__(self) -> None:
        if not self.sees or len(set(self.sees)) != len(self.sees):
            raise ValueError(f"expert sees {self.sees!r}, expected at least one token, each once")
        check_kind("expert kind", self.kind, ExpertKind)
        check_count("expert depth", self.depth, 1, 8)
        check_count("expert width", self.width, 1, 4096)
        if self.kind == "tensor" and (self.depth > 1 or self.width > TENSOR_WIDTHS.get(len(self.sees), 0)):
            size = f"depth {self.depth} and width {self.width} over {len(self.sees)} tokens"
            limits = ", ".join(f"{width} over {tokens}" for tokens, width in TENSOR_WIDTHS.items())
            raise ValueError(f"a tensor expert has {size}, expected depth 1 and a width of at most {limits}")


@dataclass(frozen=True)
class GateSpec:
    """How a token mixes experts.

    Args:
        kind: What turns scores into weights.
        k: How many experts a top_k gate keeps.
        temperature: What scores are divided by.
        noise: Standard deviation of the noise on the scores of a top_k gate in training.

    Raises:
        ValueError: A value is impossible.
    """

    kind: GateKind = "softmax"
    k: int = 2
    temperature: float = 1.0
    noise: float = 0.0

    def __post_init__(self) -> None:
        check_kind("gate kind", self.kind, GateKind)
        check_count("gate k", self.k, 1, 64)
        check_range("gate temperature", self.temperature, 0.05, 20)
        check_range("gate noise", self.noise, 0, 10)


@dataclass(frozen=True)
class LevelSpec:
    """One level of experts.

    Args:
        experts: 1 to 64 of them.
        gate: How each token mixes them.
        transfer: Whether a modality's token may hear experts that see other tokens.

    Raises:
        ValueError: A value is impossible.
    """

    experts: tuple[ExpertSpec, ...]
    gate: GateSpec = field(default_factory=GateSpec)
    transfer: bool = True

    def __post_init__(self) -> None:
        if not 1 <= len(self.experts) <= 64:
            raise ValueError(f"a level has {len(self.experts)} experts, expected 1 to 64")
        if not isinstance(self.transfer, bool):
            raise ValueError(f"level transfer is {self.transfer!r}, expected true or false")


@dataclass(frozen=True)
class NetworkSpec:
    """An architecture.

    Args:
        width: Units of every token.
        encoders: One for each modality that the network uses.
        levels: Levels of experts, the first first; none: a linear model over the tokens.

    Raises:
        ValueError: A value is impossible, or parts do not fit together.

    Example:
        >>> experts = (ExpertSpec(("text",)), ExpertSpec(("text", "audio"), "low_rank"))
        >>> NetworkSpec(16, (EncoderSpec("text"), EncoderSpec("audio")), (LevelSpec(experts),)).modalities
        ('text', 'audio')
    """

    width: int
    encoders: tuple[EncoderSpec, ...]
    levels: tuple[LevelSpec, ...] = ()

    def __post_init__(self) -> None:
        check_count("token width", self.width, 1, 4096)
        names = self.modalities
        if not names or len(set(names)) != len(names):
            raise ValueError(f"encoders read {names!r}, expected at least one modality, each once")
        if len(self.levels) > 16:
            raise ValueError(f"the network has {len(self.levels)} levels, expected at most 16")
        for encoder in self.encoders:
            if encoder.kind == "attention" and self.width % encoder.heads:
                raise ValueError(f"{encoder.heads} attention heads do not divide the token width {self.width}")
        for number, level in enumerate(self.levels):
            for expert in level.experts:
                unknown = set(expert.sees) - set(names) - {GLOBAL}
                if unknown:
                    raise ValueError(f"level {number}: an expert sees {sorted(unknown)}, but the encoders read {names}")

    @property
    def modalities(self) -> tuple[str, ...]:
        """The modalities that it uses, in the order of its encoders."""
        return tuple(encoder.modality for encoder in self.encoders)
