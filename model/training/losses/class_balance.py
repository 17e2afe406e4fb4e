"""Weights of classes by how rare they are among a row's training samples.

A class's weight is its inverse frequency to the power of the row's gene, scaled so that the mean weight of training
samples is 1. Both sides of each label of a multilabel task are weighted in the same way.
Axes: `F` folds, `N` samples, `C` classes or labels.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

from haemsa.model.network.batch import Targets
from haemsa.model.schema import TaskInfo


def counts(task: TaskInfo, targets: Targets, trains: Tensor) -> Tensor:
    """The numbers of training samples by class [F, C], or by label and side [F, C, 2]; `trains` is bool [F, N]."""
    values, known = targets.values.double(), targets.known.double()
    if task.kind == "classes":
        return trains.double() @ (F.one_hot(values[:, 0].long(), task.outputs) * known)
    sides = torch.stack([(1 - values) * known, values * known], -1)
    return (trains.double() @ sides.flatten(1)).view(-1, *sides.shape[1:])


def balanced(numbers: Tensor, power: Tensor) -> Tensor:
    """The weights of K alternatives, from their numbers [P, ..., K] and each row's power [P]; 1 at a power of 0."""
    rarity = numbers.clamp(min=1) ** -power.to(numbers).view(-1, *(1 for _ in numbers.shape[1:]))
    mean = (numbers * rarity).sum(-1, keepdim=True) / numbers.sum(-1, keepdim=True).clamp(min=1)
    return torch.where(mean > 0, rarity / mean, 1.0)


def label_weights(weights: Tensor, goal: Tensor) -> Tensor:
    """The weight of each label [P, B, C], from those of both sides [P, C, 2] and labels of 0 or 1 [1 or P, B, C]."""
    absent, present = weights.unsqueeze(1).unbind(-1)
    return torch.where(goal > 0, present, absent)


def class_weights(weights: Tensor, goal: Tensor) -> Tensor:
    """The weight of each sample [P, B, 1], from those of classes [P, C] and class numbers [P, B, 1]."""
    return weights.unsqueeze(1).expand(-1, goal.shape[1], -1).gather(-1, goal)
