"""The modalities that each network sees when it reads a batch a second time, for distillation."""

from __future__ import annotations

import torch
from torch import Tensor

from haemsa.model.network.cohort import Cohort, CohortRow, Stacked
from haemsa.model.network.noise import Noise, Places, site


def distils(row: CohortRow) -> bool:
    """Whether a row has the gene, and modalities that can be left out."""
    return row.genome.training.distillation > 0 and len(row.genome.network.encoders) > 1


class Subsets(Stacked):
    """Draws the modalities that rows see the second time. Rows that do not distil see all again."""

    distils: Tensor

    def __init__(self, cohort: Cohort) -> None:
        super().__init__()
        sites = [site(f"subset.{name}") for name in cohort.modalities] * len(cohort)
        self.places = Places([row for row in range(len(cohort)) for _ in cohort.modalities], sites)
        self.constant("distils", torch.tensor([distils(row) for row in cohort.rows]).view(-1, 1, 1))

    def forward(self, present: Tensor, noise: Noise) -> Tensor:
        """Keep each present modality, bool [P, M, B], with probability 1/2, but at least one."""
        draws = noise.uniform(self.places).view(present.shape)
        highest = draws.masked_fill(~present, -1.0).amax(1, keepdim=True)
        return present & ((draws >= 0.5) | (draws == highest) | ~self.distils)
