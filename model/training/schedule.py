"""How a row's learning rate changes while it trains: a function of the epoch and of its genes alone.

So a row that stops and goes on later ends as if it had never stopped.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

from haemsa.model.network.cohort import Cohort
from haemsa.model.spec.training import TrainingGenes


def learning_rates(cohort: Cohort, epoch: int) -> Tensor | None:
    """Each row's rate in an epoch [P]; None where none ever changes."""
    genes = [row.genome.training for row in cohort.rows]
    if all(own.schedule == "constant" and own.warmup == 0 for own in genes):
        return None
    return cohort.gene("learning_rate") * torch.tensor([rate_factor(own, epoch) for own in genes])


def rate_factor(genes: TrainingGenes, epoch: int) -> float:
    """What the learning rate is multiplied by throughout an epoch (the first is 0): its value in the epoch's middle.

    It rises linearly from zero over the warm-up (Goyal et al. 2017); then it stays, or falls to zero at the end of the
    gene's own epochs along half a cosine (Loshchilov and Hutter 2017, eq. 5).
    """
    done = (epoch + 0.5) / genes.epochs
    if done < genes.warmup:
        return done / genes.warmup
    if genes.schedule == "constant":
        return 1.0
    return (1 + math.cos(math.pi * (done - genes.warmup) / (1 - genes.warmup))) / 2
