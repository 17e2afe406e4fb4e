"""Which modalities each network sees in its second, incomplete reading of a batch."""

from __future__ import annotations

import torch
from torch import Tensor

from haemsa.model.network.cohort import Cohort, CohortRow, Stacked
from haemsa.model.network.noise import Noise, site


def distils(row: CohortRow) -> bool:
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
