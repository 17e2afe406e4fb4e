"""Training genes: how a network of any architecture is trained."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final, Literal

from haemsa.model.spec.checks import check_count, check_kind, check_range

LossKind = Literal["huber", "l1"]
TaskWeights = tuple[tuple[str, float], ...]
ADDED: Final = ("loss", "class_balance", "distillation", "task_weights")
"""Genes that genomes of format 1 do not have. Each has no effect at its default."""
REMOVED: Final = ("label_noise", "mixing", "schedule", "warmup", "z_loss")
"""Genes that only genomes of formats 1 and 2 have. They never won, and a trained network predicts without them."""


@dataclass(frozen=True)
class TrainingGenes:
    """Epochs, AdamW's settings, regularisation, and what is minimised.

    Args:
        epochs: Passes over the training samples.
        learning_rate: AdamW's.
        weight_decay: AdamW's.
        clip: The largest norm of the gradient.
        dropout: Share of an expert's hidden units that are dropped.
        feature_dropout: Share of a modality's features that are dropped.
        modality_dropout: Share of the modalities that are dropped, but never all.
        balance: Weight of the loss that balances experts (losses/gate_losses.py).
        loss: The loss of regression tasks (losses/task_losses.py).
        class_balance: Power of the inverse frequency by which classes are weighted (losses/class_balance.py).
        distillation: Weight of the loss of transfer from all modalities to some (losses/distillation.py).
        task_weights: Pairs of a task's name and its weight. A task that is not named has the weight 1.

    Raises:
        ValueError: A value is impossible.

    Example:
        >>> TrainingGenes(epochs=4, task_weights=(("emotion", 0.5),)).task_weight("sentiment")
        1.0
    """

    epochs: int = 12
    learning_rate: float = 2e-3
    weight_decay: float = 1e-2
    clip: float = 1.0
    dropout: float = 0.3
    feature_dropout: float = 0.4
    modality_dropout: float = 0.0
    balance: float = 1e-2
    loss: LossKind = "huber"
    class_balance: float = 0.0
    distillation: float = 0.0
    task_weights: TaskWeights = ()

    def __post_init__(self) -> None:
        check_count("epochs", self.epochs, 1, 10_000)
        check_range("learning_rate", self.learning_rate, 1e-8, 1)
        check_range("weight_decay", self.weight_decay, 0, 100)
        check_range("clip", self.clip, 1e-6, 1e6)
        for name in ("dropout", "feature_dropout", "modality_dropout"):
            check_range(name, getattr(self, name), 0, 0.95)
        check_range("balance", self.balance, 0, 100)
        check_kind("loss", self.loss, LossKind)
        check_range("class_balance", self.class_balance, 0, 1)
        check_range("distillation", self.distillation, 0, 1)
        object.__setattr__(self, "task_weights", _task_weights(self.task_weights))

    def task_weight(self, task: str) -> float:
        """The weight of a task's loss."""
        return dict(self.task_weights).get(task, 1.0)


def _task_weights(value: Any) -> TaskWeights:
    """The pairs as tuples (JSON has lists), sorted by name."""
    pairs = list(value) if isinstance(value, (list, tuple)) else [value]
    if not all(isinstance(pair, (list, tuple)) and len(pair) == 2 and isinstance(pair[0], str) for pair in pairs):
        raise ValueError(f"task_weights is {value!r}, expected pairs of a task's name and its weight")
    for task, weight in pairs:
        check_range(f"the weight of task {task!r}", weight, 1e-3, 1e3)
    names = [task for task, _ in pairs]
    if len(set(names)) != len(names):
        raise ValueError(f"task_weights names {', '.join(names)}, expected each task once")
    return tuple(sorted((task, float(weight)) for task, weight in pairs))
