"""Transfer from all modalities to some: predictions from a random subset follow those from all (self-distillation).

So a network learns to predict what it would have predicted, had nothing been missing. All are those that are present,
and that modality dropout has left.
"""

from __future__ import annotations

from torch import Tensor
from torch.nn import functional as F

from haemsa.model.data.task import TaskKind
from haemsa.model.training.losses.gate_losses import HUBER_DELTA, weighted_mean


def transfer_loss(kind: TaskKind, some: Tensor, every: Tensor, weights: Tensor) -> Tensor:
    """How far outputs [P, B, C] from some modalities are from those from all, which get no gradient [P].

    Huber distance of standardised regression values, Kullback-Leibler divergence of classes, binary cross-entropy of
    labels against their probabilities. Samples need no label: `weights` [P, B] tell those that a row is trained on.
    """
    goal = every.detach()
    if kind == "regression":
        values = F.huber_loss(some, goal, reduction="none", delta=HUBER_DELTA)
    elif kind == "classes":
        logs = goal.log_softmax(-1)
        values = (logs.exp() * (logs - some.log_softmax(-1))).sum(-1, keepdim=True)
    else:
        values = F.binary_cross_entropy_with_logits(some, goal.sigmoid(), reduction="none")
    return weighted_mean(values, weights.unsqueeze(-1).expand_as(values))
