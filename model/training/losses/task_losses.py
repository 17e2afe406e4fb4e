"""The loss of one task, for every row of a cohort as its genes ask. What no row asks for is not computed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional as F

from haemsa.model.network.batch import Targets, TargetScale
from haemsa.model.network.mixup import mix, partner
from haemsa.model.network.noise import Noise, site
from haemsa.model.schema import TaskInfo
from haemsa.model.training.losses.class_balance import class_weights, label_weights
from haemsa.model.training.losses.gate_losses import HUBER_DELTA, weighted_mean
from haemsa.model.training.losses.ordinal import Thresholds, ordinal_loss


class LabelNoise(NamedTuple):
    """Each row's gene [P, 1, 1], and the place of the task's noise."""

    amount: Tensor
    site: int

    @classmethod
    def of(cls, amount: Tensor, task: str) -> LabelNoise:
        """The gene [P] for a task of that name."""
        return cls(amount.view(-1, 1, 1), site(f"labels.{task}"))

    def draw(self, noise: Noise, count: int) -> Tensor:
        """What is added to the standardised target of each of so many samples [P, B, 1]."""
        rows = torch.arange(len(self.amount), device=self.amount.device)
        sites = torch.full_like(rows, self.site, dtype=torch.int32)
        return noise.normal(rows, sites, (count,)).to(self.amount).unsqueeze(-1) * self.amount


@dataclass(frozen=True, eq=False)
class TaskLoss:
    """Huber loss on standardised targets, or (binary) cross-entropy, unless a row asks for something else.

    scale: of a regression target. weight: of the task [P]. l1, ordinal: the rows with that loss, bool [P, 1, 1], and
    where its thresholds lie. class_weights: [P, C] of classes, [P, C, 2] of both sides of labels. Axes: outputs and
    values [P, B, C], goals [1 or P, B, C] (class numbers [P, B, 1]).
    """

    task: TaskInfo
    scale: TargetScale | None = None
    weight: Tensor | None = None
    l1: Tensor | None = None
    ordinal: tuple[Tensor, Thresholds] | None = None
    class_weights: Tensor | None = None
    label_noise: LabelNoise | None = None

    def __call__(
        self,
        outputs: Tensor,
        targets: Targets,
        weights: Tensor,
        noise: Noise | None = None,
        share: Tensor | None = None,
    ) -> Tensor:
        """The loss [P] under weights [P, B]; mixed with that of partners where tokens are, by a share [P, B]."""
        goal = self._goal(outputs, targets, noise)
        values = self._values(outputs, goal)
        if share is not None:
            values = mix(values, self._values(outputs, partner(goal, 1)), share.unsqueeze(-1))
        loss = weighted_mean(values, weights.unsqueeze(-1) * targets.known)
        return loss if self.weight is None else loss * self.weight

    def _goal(self, outputs: Tensor, targets: Targets, noise: Noise | None) -> Tensor:
        if self.task.kind == "classes":
            return targets.values.long().expand(len(outputs), -1, -1)
        if self.task.kind == "multilabel":
            return targets.values.to(outputs).expand_as(outputs)  # torch takes the labels' precision
        assert self.scale is not None, "regression has a target scale"
        wanted = (targets.values - self.scale.mean) / self.scale.deviation
        if self.label_noise is None or noise is None:
            return wanted
        return wanted + self.label_noise.draw(noise, outputs.shape[1])

    def _values(self, outputs: Tensor, goal: Tensor) -> Tensor:
        if self.task.kind == "classes":
            return self._cross_entropy(outputs, goal)
        if self.task.kind == "multilabel":
            return self._binary_cross_entropy(outputs, goal)
        return self._distance(outputs, goal)

    def _distance(self, outputs: Tensor, wanted: Tensor) -> Tensor:
        values = F.huber_loss(outputs, wanted.expand_as(outputs), reduction="none", delta=HUBER_DELTA)
        if self.l1 is not None:
            values = torch.where(self.l1, (outputs - wanted).abs(), values)
        if self.ordinal is not None:
            rows, cuts = self.ordinal
            values = torch.where(rows, ordinal_loss(outputs, wanted, cuts), values)
        return values

    def _cross_entropy(self, outputs: Tensor, index: Tensor) -> Tensor:
        logs = outputs.log_softmax(-1)
        values = -logs.gather(-1, index)
        if self.label_noise is not None:
            values = mix(values, -logs.mean(-1, keepdim=True), self.label_noise.amount)
        return values if self.class_weights is None else values * class_weights(self.class_weights, index)

    def _binary_cross_entropy(self, outputs: Tensor, labels: Tensor) -> Tensor:
        smooth = labels
        if self.label_noise is not None:
            smooth = labels + self.label_noise.amount * (0.5 - labels)
        values = F.binary_cross_entropy_with_logits(outputs, smooth, reduction="none")
        return values if self.class_weights is None else values * label_weights(self.class_weights, labels)
