"""Means and standard deviations of features and targets, only over each fold's training samples."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from haemsa.model.data.folds import Folds
from haemsa.model.network.batch import FeatureStatistics, Moments
from haemsa.model.training.pool import Pool

_LEAST_DEVIATION = 1e-4  # a normalised feature that varies less within a fold counts as constant
_ROUNDED = 1e-12  # labels are constant if they deviate by no more than what rounding leaves, as a share of the mean


@dataclass(frozen=True)
class FoldStatistics:
    """Statistics of each fold's training samples: of features, and of regression targets as (mean, deviation) [F]."""

    features: FeatureStatistics
    targets: dict[str, tuple[Tensor, Tensor]]
    trains: Tensor  # bool [F, N]

    @classmethod
    def fit(cls, pool: Pool, folds: Folds) -> FoldStatistics:
        """Compute them from what each fold does not hold out."""
        trains = torch.from_numpy(~folds.held_out).to(pool.device)
        pooled, steps = {}, {}
        for name, means in pool.means.items():
            share = (trains & pool.present[name]).double()
            pooled[name] = _moments(means.double(), means.double().square(), share)
            steps[name] = _moments(means.double(), pool.squares[name].double(), share * pool.step_counts[name].double())
        targets = {}
        for name, task in pool.schema.tasks.items():
            if task.kind == "regression":
                values, known = pool.targets[name]
                targets[name] = _of_labels(values.double()[:, 0], trains * known.double()[:, 0])
        return cls(FeatureStatistics(pooled, steps), targets, trains)


def _of_labels(values: Tensor, weights: Tensor) -> tuple[Tensor, Tensor]:
    """Weighted mean and standard deviation [F] of labels [N] under weights [F, N]; 1 in place of a deviation of 0.

    Labels have any unit. So no deviation is too small, and deviations are taken from the mean, which loses no digits.
    """
    total = weights.sum(1).clamp(min=1)
    mean = weights @ values / total
    deviation = ((weights * (values - mean.unsqueeze(1)).square()).sum(1) / total).sqrt()
    return mean, torch.where(deviation > _ROUNDED * mean.abs(), deviation, 1.0)


def _moments(values: Tensor, squares: Tensor, weights: Tensor) -> Moments:
    """Weighted mean and inverse standard deviation [F, D] of values [N, D] under weights [F, N]."""
    total = weights.sum(1, keepdim=True).clamp(min=1)
    mean = weights @ values / total
    deviation = (weights @ squares / total - mean.square()).clamp(min=0).sqrt()
    scale = torch.where(deviation > _LEAST_DEVIATION, 1 / deviation.clamp(min=_LEAST_DEVIATION), 1.0)
    return Moments(mean, scale)
