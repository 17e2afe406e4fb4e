"""The values that each gene may take, as bounds and data allow."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, Final

from haemsa.evo.expert_space.bounds import CHOICES, TRAINING, Bounds
from haemsa.model.spec.network import EncoderSpec, ExpertKind, GateSpec
from haemsa.model.spec.training import TrainingGenes

BOUND_OF: Final = {"loss": "losses"}
"""The name of a training gene's bound, where it is not the gene's own name."""


@dataclass(frozen=True)
class Domain:
    """What the data offers, in a fixed order, within the bounds.

    `steps`: time steps per modality; one that is not named has many. `tasks`: the kind of each task; none: any tasks.
    `default_training_genes`: those that are tried first, as far as the bounds allow.
    """

    modalities: tuple[str, ...]
    bounds: Bounds = field(default_factory=Bounds)
    steps: Mapping[str, int] = field(default_factory=dict)
    tasks: Mapping[str, str] = field(default_factory=dict)
    default_training_genes: TrainingGenes = field(default_factory=TrainingGenes)

    def __post_init__(self) -> None:
        for modality in self.modalities:
            EncoderSpec(modality)  # checks the name
        if not self.modalities or len(set(self.modalities)) != len(self.modalities):
            raise ValueError(f"the space has modalities {self.modalities!r}, expected at least one, each once")

    @cached_property
    def plain_gate(self) -> GateSpec:
        """The gate whose genes have no effect."""
        bounds = self.bounds
        return GateSpec("softmax", bounds.nearest("gate_k", 2), bounds.clip_to("temperature", 1.0), bounds.noise[0])

    @cached_property
    def expert_kinds(self) -> tuple[ExpertKind, ...]:
        """The kinds of experts that make sense for this data."""
        timed = any(map(self.pools, self.modalities))
        return tuple(kind for kind in self.bounds.expert_kinds if timed or kind != "cross_attention")

    def allowing(self, kinds: tuple[ExpertKind, ...]) -> Domain:
        """The same domain, with these kinds of experts too."""
        known = self.bounds.expert_kinds
        if set(kinds) <= set(known):
            return self
        return replace(self, bounds=replace(self.bounds, expert_kinds=(*known, *kinds)))

    @property
    def weighted(self) -> tuple[str, ...]:
        """The tasks that have weights, sorted by name: all where there are several, otherwise none."""
        return tuple(sorted(self.tasks)) if len(self.tasks) > 1 else ()

    def default(self, gene: str) -> Any:
        """A training gene's default, or the nearest value within the bounds."""
        return self.nearest(gene, getattr(self.default_training_genes, gene))

    def nearest(self, gene: str, value: Any) -> Any:
        """The nearest value of a training gene within the bounds; the first name where `value` is none of them."""
        name = BOUND_OF.get(gene, gene)
        if gene in TRAINING:
            return self.bounds.clip_to(name, value)
        if name in CHOICES:
            return self.bounds.nearest(name, value)
        names = getattr(self.bounds, name)
        return value if value in names else names[0]

    def varies(self, gene: str) -> bool:
        """Whether the bounds leave a training gene more than one value."""
        ends = getattr(self.bounds, BOUND_OF.get(gene, gene), (0, 1))  # weights of tasks have another bound
        return bool(ends[0] != ends[-1])

    def pools(self, modality: str) -> bool:
        """Whether the modality has time steps to pool, so that kinds of encoders differ."""
        return self.steps.get(modality, 2) > 1
