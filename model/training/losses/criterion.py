"""What a cohort minimises: losses of tasks, gates and transfer, weighted by the genes of each row."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor

from haemsa.model.network.batch import Targets
from haemsa.model.network.cohort import Cohort
from haemsa.model.network.cohort_network import NetworkOutput
from haemsa.model.network.subsets import distils
from haemsa.model.schema import TaskInfo
from haemsa.model.training.fold_statistics import FoldStatistics
from haemsa.model.training.inference import target_scales
from haemsa.model.training.losses.class_balance import balanced, counts
from haemsa.model.training.losses.distillation import transfer_loss
from haemsa.model.training.losses.gate_losses import Losses, gate_losses
from haemsa.model.training.losses.task_losses import TaskLoss
from haemsa.model.training.pool import Pool


class Criterion:
    """The losses of a cohort's rows on a pool whose folds have these statistics, in the precision of `like`."""

    def __init__(self, cohort: Cohort, pool: Pool, statistics: FoldStatistics, like: Tensor) -> None:
        self._cohort, self._pool, self._statistics, self._like = cohort, pool, statistics, like
        self._folds = [row.fold for row in cohort.rows]
        self.scales = target_scales(statistics, self._folds, like)
        self._balance = cohort.gene("balance").to(like)
        distilling = torch.tensor([distils(row) for row in cohort.rows])
        self._distillation = (cohort.gene("distillation") * distilling).to(like)
        class_balance = cohort.gene("class_balance").to(like)
        self._class_balance = class_balance if bool(class_balance.any()) else None
        self._tasks = {name: self._task(name, task) for name, task in cohort.schema.tasks.items()}

    def __call__(self, output: NetworkOutput, targets: Mapping[str, Targets], weights: Tensor) -> Losses:
        """All losses of a batch per row, under weights [P, B]."""
        outputs = {name: values.to(weights.dtype) for name, values in output.outputs.items()}
        parts = [loss(outputs[name], targets[name], weights) for name, loss in self._tasks.items()]
        transfer = self._transfer(outputs, output.partial, weights)
        return Losses(torch.stack(parts).sum(0), *gate_losses(output.gates, weights), transfer)

    def total(self, losses: Losses) -> Tensor:
        """The sum that each row trains on [P]."""
        return losses.total(self._balance, self._distillation)

    def _transfer(self, outputs: Mapping[str, Tensor], partial: Mapping[str, Tensor], weights: Tensor) -> Tensor | None:
        """The weighted sum over tasks [P]; None if no row distils."""
        parts = []
        for name, values in partial.items():
            task = self._tasks[name]
            loss = transfer_loss(task.task.kind, values.to(weights.dtype), outputs[name], weights)
            parts.append(loss if task.weight is None else loss * task.weight)
        return torch.stack(parts).sum(0) if parts else None

    def _task(self, name: str, task: TaskInfo) -> TaskLoss:
        weight = self._weight(name)
        if task.kind != "regression":
            return TaskLoss(task, weight=weight, class_weights=self._class_weights(name, task))
        return TaskLoss(task, self.scales[name], weight, self._with_absolute_loss())

    def _weight(self, task: str) -> Tensor | None:
        weights = [row.genome.training.task_weight(task) for row in self._cohort.rows]
        return None if set(weights) == {1.0} else torch.tensor(weights).to(self._like)

    def _with_absolute_loss(self) -> Tensor | None:
        """The rows with the absolute loss, bool [P, 1, 1]; None if there is none."""
        rows = [row.genome.training.loss == "l1" for row in self._cohort.rows]
        return torch.tensor(rows, device=self._like.device).view(-1, 1, 1) if any(rows) else None

    def _class_weights(self, name: str, task: TaskInfo) -> Tensor | None:
        if self._class_balance is None:
            return None
        numbers = counts(task, self._pool.targets[name], self._statistics.trains)[self._folds]
        return balanced(numbers, self._class_balance).to(self._like)
