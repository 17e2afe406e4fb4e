"""Transfer from all modalities to some: predictions from a random subset follow those from all (self-distillation).

So a network learns to predict the same as if nothing were missing. "All" are the modalities that are present and that
modality dropout has left.
"""

from __future__ import annotations

from torch import Tensor
from torch.nn import functional as F

from haemsa.model.data.task import TaskKind
from haemsa.model.training.losses.gate_losses import HUBER_DELTA, weighted_mean


def transfer_loss(kind: TaskKind, partial: Tensor, full: Tensor, weights: Tensor) -> Tensor:
    """How far outputs from some modalities are from those from all, which get no gradient.

    Huber distance of standardised regression values, Kullback-Leibler divergence of classes, binary cross-entropy of
    labels against their probabilities. Samples need no label.

    Args:
        kind: Of the task.
        partial: Outputs from some modalities [P, B, C].
        full: Outputs from all modalities [P, B, C].
        weights: Which samples each row is trained on [P, B].

    Returns:
        The loss of each row [P].
    """
    goal = full.detach()
    if kind == "regression":
        values = F.huber_loss(partial, goal, reduction="none", delta=HUBER_DELTA)
    elif kind == "classes":
        logs = goal.log_softmax(-1)
        values = (logs.exp() * (logs - partial.log_softmax(-1))).sum(-1, keepdim=True)
    else:
        values = F.binary_cross_entropy_with_logits(partial, goal.sigmoid(), reduction="none")
    return weighted_mean(values, weights.unsqueeze(-1).expand_as(values))
