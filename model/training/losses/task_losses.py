"""The loss of one task for every row of a cohort, by its genes. What no row needs is not computed."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F

from haemsa.model.network.batch import Targets, TargetScale
from haemsa.model.schema import TaskInfo
from haemsa.model.training.losses.class_balance import class_weights, label_weights
from haemsa.model.training.losses.gate_losses import HUBER_DELTA, weighted_mean


@dataclass(frozen=True, eq=False)
class TaskLoss:
    """Huber loss or absolute loss on standardised targets, or (binary) cross-entropy.

    Axes: outputs and values [P, B, C], goals [1 or P, B, C] (class numbers [P, B, 1]).

    Args:
        task: Its kind and labels.
        scale: Of a regression target.
        weight: Of the task in each row [P]; None: 1.
        l1: The rows with the absolute loss, bool [P, 1, 1]; None: no row.
        class_weights: Of classes [P, C], or of both sides of labels [P, C, 2]; None: 1.
    """

    task: TaskInfo
    scale: TargetScale | None = None
    weight: Tensor | None = None
    l1: Tensor | None = None
    class_weights: Tensor | None = None

    def __call__(self, outputs: Tensor, targets: Targets, weights: Tensor) -> Tensor:
        """The loss [P] under weights [P, B]."""
        values = self._values(outputs, self._goal(outputs, targets))
        loss = weighted_mean(values, weights.unsqueeze(-1) * targets.known)
        return loss if self.weight is None else loss * self.weight

    def _goal(self, outputs: Tensor, targets: Targets) -> Tensor:
        if self.task.kind == "classes":
            return targets.values.long().expand(len(outputs), -1, -1)
        if self.task.kind == "multilabel":
            return targets.values.to(outputs).expand_as(outputs)  # torch takes the labels' precision
        assert self.scale is not None, "regression has a target scale"
        return (targets.values - self.scale.mean) / self.scale.deviation

    def _values(self, outputs: Tensor, goal: Tensor) -> Tensor:
        if self.task.kind == "classes":
            return self._cross_entropy(outputs, goal)
        if self.task.kind == "multilabel":
            return self._binary_cross_entropy(outputs, goal)
        return self._distance(outputs, goal)

    def _distance(self, outputs: Tensor, wanted: Tensor) -> Tensor:
        values = F.huber_loss(outputs, wanted.expand_as(outputs), reduction="none", delta=HUBER_DELTA)
        return values if self.l1 is None else torch.where(self.l1, (outputs - wanted).abs(), values)

    def _cross_entropy(self, outputs: Tensor, index: Tensor) -> Tensor:
        values = -outputs.log_softmax(-1).gather(-1, index)
        return values if self.class_weights is None else values * class_weights(self.class_weights, index)

    def _binary_cross_entropy(self, outputs: Tensor, labels: Tensor) -> Tensor:
        values = F.binary_cross_entropy_with_logits(outputs, labels, reduction="none")
        return values if self.class_weights is None else values * label_weights(self.class_weights, labels)
