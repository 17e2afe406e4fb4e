"""Transfer from all modalities to some: predictions from a random subset follow those from all (self-distillation).

So a network learns to predict what it would have predicted, had nothing been missing. All are those that are present,
and that modality dropout has left.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

from model.cohort import Cohort, Row, Stacked
from model.data.task import TaskKind
from model.losses import HUBER_DELTA, weighted_mean
from model.noise import Noise, site


def distils(row: Row) -> bool:
    """Whether a row has the gene, and modalities to leave out."""
    return row.genome.training.distillation > 0 and len(row.genome.network.encoders) > 1


class Subsets(Stacked):
    """Draws the modalities that rows are shown the second time; those that do not distil are shown all again."""

    sites: Tensor
    row_index: Tensor
    distils: Tensor

    def __init__(self, cohort: Cohort) -> None:
        super().__init__()
        sites = torch.tensor([site(f"subset.{name}") for name in cohort.modalities], dtype=torch.int32)
        self.constant("sites", sites.repeat(len(cohort)))
        self.constant("row_index", torch.arange(len(cohort)).repeat_interleave(len(cohort.modalities)))
        self.constant("distils", torch.tensor([distils(row) for row in cohort.rows]).view(-1, 1, 1))

    def forward(self, present: Tensor, noise: Noise) -> Tensor:
        """Of the modalities present, bool [P, M, B], each is kept with probability 1/2, and one where none would be."""
        draws = noise.uniform(self.row_index, self.sites, (present.shape[2],)).view(present.shape)
        highest = draws.masked_fill(~present, -1.0).amax(1, keepdim=True)
        return present & ((draws >= 0.5) | (draws == highest) | ~self.distils)


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
