"""The bounds of the space of experts: the choices or the range of every gene, and how a value moves within them."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, get_args

import numpy as np

from haemsa.model.spec.network import EncoderSpec, ExpertKind, ExpertSpec, GateSpec, NetworkSpec
from haemsa.model.spec.training import LossKind, TrainingGenes

Choices = tuple[int, ...]
Names = tuple[str, ...]
Range = tuple[float, float]
CHOICES: Final = ("widths", "expert_widths", "epochs", "heads", "kernels", "gate_k")
NAMES: Final = {"expert_kinds": ExpertKind, "losses": LossKind}
LOGARITHMIC: Final = ("learning_rate", "weight_decay", "clip", "balance", "temperature", "task_weight")
OPTIONAL: Final = ("class_balance", "distillation")
"""Training genes that are mostly better at 0."""
TRAINING: Final = (
    "learning_rate",
    "weight_decay",
    "clip",
    "dropout",
    "feature_dropout",
    "modality_dropout",
    "balance",
    *OPTIONAL,
)
RANGES: Final = (*TRAINING, "task_weight", "temperature", "noise")
PLAIN: Final = ("mlp", "gated", "low_rank")
"""Kinds of experts that make sense over any tokens."""
REMOVED: Final = ("label_noise", "mixing", "warmup", "schedules")
"""Bounds of genes that went. Configurations of old run directories may have them."""
DIGITS: Final = 3
"""Significant digits of a real gene, so that keys are stable and near copies count as copies."""


@dataclass(frozen=True)
class Bounds:
    """What a genome may be made of: whole numbers and names are chosen from tuples, real numbers from (low, high).

    Tensor experts and the absolute loss (l1) never won on real data (tests/bench/README.md), so they are shut by
    default. They may be opened.

    Raises:
        ValueError: A bound is impossible. One sentence names it, its value and what was expected.

    Example:
        >>> Bounds(widths=(16, 8), losses=("huber", "l1")).widths
        (8, 16)
    """

    widths: Choices = (8, 12, 16, 24, 32, 48)
    expert_widths: Choices = (8, 16, 24, 32, 48, 64)
    max_levels: int = 4
    max_experts: int = 6
    max_depth: int = 3
    expert_kinds: tuple[ExpertKind, ...] = (*PLAIN, "cross_attention")
    heads: Choices = (1, 2, 4)
    kernels: Choices = (3, 5)
    gate_k: Choices = (1, 2, 3, 4)
    temperature: Range = (0.5, 2.0)
    noise: Range = (0.0, 1.0)
    epochs: Choices = (4, 6, 8, 10, 12, 16, 20, 24)
    learning_rate: Range = (3e-4, 1e-2)
    weight_decay: Range = (1e-4, 0.3)
    clip: Range = (0.25, 4.0)
    dropout: Range = (0.0, 0.6)
    feature_dropout: Range = (0.0, 0.7)
    modality_dropout: Range = (0.0, 0.5)
    balance: Range = (1e-3, 1e-1)
    class_balance: Range = (0.0, 1.0)
    distillation: Range = (0.0, 1.0)
    task_weight: Range = (0.1, 3.0)
    losses: Names = ("huber",)

    def __post_init__(self) -> None:
        for name in CHOICES:
            object.__setattr__(self, name, _choices(name, getattr(self, name)))
        for name in RANGES:
            object.__setattr__(self, name, _range(name, getattr(self, name)))
        for name, kinds in NAMES.items():
            object.__setattr__(self, name, _names(name, getattr(self, name), get_args(kinds)))
        if not any(kind in PLAIN for kind in self.expert_kinds):
            wanted = f"one of {', '.join(PLAIN)} among them"
            raise ValueError(f"bound expert_kinds is {self.expert_kinds!r}, expected {wanted}")
        for name, low, high in (("max_levels", 0, 16), ("max_experts", 1, 64), ("max_depth", 1, 8)):
            value = getattr(self, name)
            if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
                raise ValueError(f"bound {name} is {value!r}, expected a whole number from {low} to {high}")
        for end in (0, -1):  # the specs know what is possible at all
            TrainingGenes(epochs=self.epochs[end], **{name: getattr(self, name)[end] for name in TRAINING})
            NetworkSpec(self.widths[end], (EncoderSpec("any"),))
            EncoderSpec("any", heads=self.heads[end], kernel=self.kernels[end])
            ExpertSpec(("any",), width=self.expert_widths[end])
            TrainingGenes(task_weights=(("any", self.task_weight[end]),))
            GateSpec(k=self.gate_k[end], temperature=self.temperature[end], noise=self.noise[end])

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Bounds:
        """Read a configuration's values over the defaults.

        Args:
            data: Bounds by name, with lists in place of tuples.

        Raises:
            ValueError: A name is unknown, or a value is wrong.
        """
        names = [field.name for field in dataclasses.fields(cls)]
        for name in data:
            if name in REMOVED:
                raise ValueError(f"bound {name!r} does not exist any more, because its gene never won: leave it out")
            if name not in names:
                raise ValueError(f"bound {name!r} does not exist, expected one of {', '.join(names)}")
        return cls(**data)

    def clip_to(self, name: str, value: float) -> float:
        """`value` within the range `name`, at `DIGITS` significant digits."""
        low, high = self._range(name)
        return min(max(float(f"{value:.{DIGITS}g}"), low), high)

    def nearest(self, name: str, value: int) -> int:
        """The choice of `name` closest to `value`; of two, the smaller."""
        choices = self._choices(name)
        return value if value in choices else min(choices, key=lambda choice: (abs(choice - value), choice))

    def draw(self, name: str, rng: np.random.Generator) -> Any:
        """A choice, or a real number: uniform over the range, or over its logarithm where the gene is a scale."""
        bound = getattr(self, name)
        if name in CHOICES or name in NAMES:
            return bound[rng.integers(len(bound))]
        return self.at(name, rng.random())

    def neighbours(self, name: str, value: Any) -> tuple[Any, ...]:
        """The choices next to `value`, which may be `value` itself at an end; of names, all others (or `value`)."""
        bound = getattr(self, name)
        if name in NAMES:
            return tuple(choice for choice in bound if choice != value) or (value,)
        place = bound.index(self.nearest(name, value))
        return bound[max(place - 1, 0)], bound[min(place + 1, len(bound) - 1)]

    def place(self, name: str, value: float) -> float:
        """Where in its range a real number is, from 0 to 1, or in the logarithm of its range where it is a scale."""
        low, high = self._ends(name)
        inside = min(max(value, self._range(name)[0]), self._range(name)[1])
        return (_scale(name, inside) - low) / (high - low) if high > low else 0.0

    def at(self, name: str, place: float) -> float:
        """The real number at a place from 0 to 1 of its range; a place outside is at the nearer end."""
        low, high = self._ends(name)
        value = low + min(max(place, 0.0), 1.0) * (high - low)
        return self.clip_to(name, math.exp(value) if name in LOGARITHMIC else value)

    def below(self, name: str, value: int) -> int:
        """The next smaller choice of `name`, or the smallest."""
        choices = self._choices(name)
        return max((choice for choice in choices if choice < value), default=choices[0])

    def _choices(self, name: str) -> Choices:
        choices: Choices = getattr(self, name)
        return choices

    def _range(self, name: str) -> Range:
        ends: Range = getattr(self, name)
        return ends

    def _ends(self, name: str) -> Range:
        low, high = self._range(name)
        return _scale(name, low), _scale(name, high)


def without_removed(bounds: Mapping[str, Any]) -> dict[str, Any]:
    """An old configuration's bounds without those of genes that went, and without the loss that went.

    Example:
        >>> without_removed({"mixing": [0, 0.5], "losses": ["huber", "ordinal"], "epochs": [2]})
        {'losses': ['huber'], 'epochs': [2]}
    """
    kept = {name: value for name, value in bounds.items() if name not in REMOVED}
    losses = kept.get("losses")
    if isinstance(losses, (list, tuple)) and "ordinal" in losses:
        kept["losses"] = [kind for kind in losses if kind != "ordinal"] or ["huber"]
    return kept


def _scale(name: str, value: float) -> float:
    return math.log(value) if name in LOGARITHMIC else value


def _choices(name: str, value: Any) -> Choices:
    whole = isinstance(value, (list, tuple)) and all(isinstance(v, int) and not isinstance(v, bool) for v in value)
    if not whole or not value or min(value) < 1:
        raise ValueError(f"bound {name} is {value!r}, expected a list of positive whole numbers")
    return tuple(sorted(set(value)))


def _names(name: str, value: Any, known: Names) -> Names:
    if not isinstance(value, (list, tuple)) or not value or any(choice not in known for choice in value):
        raise ValueError(f"bound {name} is {value!r}, expected a list of some of {', '.join(known)}")
    return tuple(choice for choice in known if choice in value)


def _range(name: str, value: Any) -> Range:
    real = isinstance(value, (list, tuple)) and all(isinstance(v, (int, float)) and math.isfinite(v) for v in value)
    if not real or len(value) != 2 or value[0] > value[1]:
        raise ValueError(f"bound {name} is {value!r}, expected two numbers [low, high]")
    if name in LOGARITHMIC and value[0] <= 0:
        raise ValueError(f"bound {name} is {value!r}, expected numbers above 0 for its logarithmic scale")
    return float(value[0]), float(value[1])
