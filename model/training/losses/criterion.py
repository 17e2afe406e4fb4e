"""What a cohort minimises: losses of tasks, gates and transfer, weighted as the genes of each row ask."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor

from haemsa.model.network.batch import Targets
from haemsa.model.network.cohort import Cohort
from haemsa.model.network.cohort_network import NetworkOutput
from haemsa.model.network.mixup import shares
from haemsa.model.network.noise import Noise
from haemsa.model.network.subsets import distils
from haemsa.model.schema import TaskInfo
from haemsa.model.training.fold_statistics import FoldStatistics
from haemsa.model.training.inference import target_scales
from haemsa.model.training.losses.class_balance import balanced, counts
from haemsa.model.training.losses.distillation import transfer_loss
from haemsa.model.training.losses.gate_losses import Losses, gate_losses
from haemsa.model.training.losses.ordinal import thresholds
from haemsa.model.training.losses.task_losses import LabelNoise, TaskLoss
from haemsa.model.training.pool import Pool


class Criterion:
    """The losses of a cohort's rows, on a pool whose folds have these statistics; in the precision of `like`."""

    def __init__(self, cohort: Cohort, pool: Pool, statistics: FoldStatistics, like: Tensor) -> None:
        self._cohort, self._pool, self._statistics, self._like = cohort, pool, statistics, like
        self._folds = [row.fold for row in cohort.rows]
        self.scales = target_scales(statistics, self._folds, like)
        self._balance, self._z_loss = (cohort.gene(name).to(like) for name in ("balance", "z_loss"))
        distilling = torch.tensor([distils(row) for row in cohort.rows])
        self._distillation = (cohort.gene("distillation") * distilling).to(like)
        self._mixing, self._noise = self._asked("mixing"), self._asked("label_noise")
        self._class_balance = self._asked("class_balance")
        self._tasks = {name: self._task(name, task) for name, task in cohort.schema.tasks.items()}

    def shares(self, noise: Noise, weights: Tensor, targets: Mapping[str, Targets]) -> Tensor | None:
        """What each sample takes from its partner [P, B]; None where no row mixes."""
        return None if self._mixing is None else shares(self._mixing, noise, weights, targets)

    def __call__(
        self,
        found: NetworkOutput,
        targets: Mapping[str, Targets],
        weights: Tensor,
        noise: Noise | None = None,
        share: Tensor | None = None,
    ) -> Losses:
        """All losses of a batch per row, under weights [P, B]; `share` is what the tokens were mixed by."""
        outputs = {name: values.to(weights.dtype) for name, values in found.outputs.items()}
        parts = [loss(outputs[name], targets[name], weights, noise, share) for name, loss in self._tasks.items()]
        transfer = self._transfer(outputs, found.partial, weights)
        return Losses(torch.stack(parts).sum(0), *gate_losses(found.gates, weights), transfer)

    def total(self, losses: Losses) -> Tensor:
        """The sum that each row trains on [P]."""
        return losses.total(self._balance, self._z_loss, self._distillation)

    def _transfer(self, outputs: Mapping[str, Tensor], partial: Mapping[str, Tensor], weights: Tensor) -> Tensor | None:
        """Summed over tasks by their weights [P]; None where no row distils."""
        parts = []
        for name, some in partial.items():
            task = self._tasks[name]
            loss = transfer_loss(task.task.kind, some.to(weights.dtype), outputs[name], weights)
            parts.append(loss if task.weight is None else loss * task.weight)
        return torch.stack(parts).sum(0) if parts else None

    def _task(self, name: str, task: TaskInfo) -> TaskLoss:
        weight = self._weight(name)
        noise = None if self._noise is None else LabelNoise.of(self._noise, name)
        if task.kind != "regression":
            return TaskLoss(task, weight=weight, class_weights=self._class_weights(name, task), label_noise=noise)
        scale, rows = self.scales[name], self._with_loss("ordinal")
        ordinal = None if rows is None else (rows, thresholds(task.bounds, scale))
        return TaskLoss(task, scale, weight, self._with_loss("l1"), ordinal, label_noise=noise)

    def _asked(self, gene: str) -> Tensor | None:
        """A gene of every row [P]; None where it is zero in all."""
        values = self._cohort.gene(gene).to(self._like)
        return values if bool(values.any()) else None

    def _weight(self, task: str) -> Tensor | None:
        weights = [row.genome.training.task_weight(task) for row in self._cohort.rows]
        return None if set(weights) == {1.0} else torch.tensor(weights).to(self._like)

    def _with_loss(self, kind: str) -> Tensor | None:
        """The rows with that loss, bool [P, 1, 1]; None where there is none."""
        rows = [row.genome.training.loss == kind for row in self._cohort.rows]
        return torch.tensor(rows, device=self._like.device).view(-1, 1, 1) if any(rows) else None

    def _class_weights(self, name: str, task: TaskInfo) -> Tensor | None:
        if self._class_balance is None:
            return None
        numbers = counts(task, self._pool.targets[name], self._statistics.trains)[self._folds]
        return balanced(numbers, self._class_balance).to(self._like)
