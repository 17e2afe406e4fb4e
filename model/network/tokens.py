"""The tokens that the levels start from: a local one per modality and row, and the global one, which mixes them."""

from __future__ import annotations

from dataclasses import replace

import torch
from torch import Tensor, nn

from haemsa.model.network.batch import Batch, FeatureStatistics
from haemsa.model.network.cohort import Cohort, Slot, Stacked
from haemsa.model.network.encoders import Encoder
from haemsa.model.network.noise import Noise, Places, site
from haemsa.model.network.operations.gathering import Gathering
from haemsa.model.network.operations.mixing import with_global
from haemsa.model.network.operations.scoring import BARRED
from haemsa.model.spec.network import EncoderSpec


class Encoders(Stacked):
    """All encoders of a cohort, and the first tokens. `reads`: the modalities whose time steps they need."""

    share: nn.Parameter
    used: Tensor
    rate: Tensor

    def __init__(self, cohort: Cohort) -> None:
        super().__init__()
        groups: dict[EncoderSpec, list[tuple[int, EncoderSpec]]] = {}
        for index, row in enumerate(cohort.rows):
            for spec in map(_effective, row.genome.network.encoders):
                groups.setdefault(replace(spec, heads=1), []).append((index, spec))
        encoders = [Encoder(cohort, members) for members in groups.values()]
        self.encoders, self._encoders = nn.ModuleList(encoders), tuple(encoders)
        self.modalities, P, M = cohort.modalities, len(cohort), len(cohort.modalities)
        self._shape = (P, M, cohort.width)
        places = [place for encoder in encoders for place in self._places(encoder)]
        unit_at = {place: unit for unit, place in enumerate(places)}
        self.place = Gathering([unit_at.get(place) for place in range(P * M * cohort.width)], len(places))
        reads = [[name in row.genome.network.modalities for name in cohort.modalities] for row in cohort.rows]
        self.constant("used", torch.tensor(reads).unsqueeze(2))
        shares = [
            Slot(row * M + number, row, f"encoders.{name}.share", (1,), spread=True)
            for row in range(P)
            for number, name in enumerate(cohort.modalities)
            if reads[row][number]
        ]
        self.add("share", shares, cohort, "zeros", places=P * M)
        self.constant("rate", cohort.gene("modality_dropout"))
        sites = [site(f"presence.{name}") for name in cohort.modalities] * len(cohort)
        rows = [row for row in range(len(cohort)) for _ in cohort.modalities]
        self.dropout = Places(rows, sites) if bool(self.rate.any()) else None
        self.reads = sorted({encoder.spec.modality for encoder in encoders if encoder.spec.kind != "mean"})

    def _places(self, encoder: Encoder) -> list[int]:
        """Where each unit of an encoder lies in local tokens, seen as [P * M * W]."""
        _, M, W = self._shape
        number = self.modalities.index(encoder.spec.modality)
        starts = [(row * M + number) * W for row in encoder.rows]
        return [start + unit for start, width in zip(starts, encoder.widths, strict=True) for unit in range(width)]

    def set_statistics(self, statistics: FeatureStatistics) -> None:
        """Standardise features with the statistics of each row's fold."""
        for encoder in self._encoders:
            encoder.set_statistics(statistics)

    def forward(self, batch: Batch, noise: Noise | None) -> tuple[Tensor, Tensor]:
        """Local tokens [P, M, B, W], arbitrary where a modality is absent, and which are present, bool [P, M, B]."""
        units = [encoder(batch, noise) for encoder in self.encoders]
        present = self.used & torch.stack([batch.present[name] for name in self.modalities])
        if noise is not None and self.dropout is not None:
            present = self._drop(present, noise.uniform(self.dropout))
        return self._tokens(units), present

    def start(self, local: Tensor, present: Tensor, *, complete: bool) -> Tensor:
        """What the levels start from [P, D, B, W]; the global token is the last.

        A missing modality is replaced by a learned token. `complete`: no row misses a modality that it uses.
        """
        here = present.to(local.dtype)
        shares = self._shares(present) * here
        if complete:
            return with_global(local, None, None, shares)
        stand_ins = self._tokens([encoder.stand_in.unsqueeze(1) for encoder in self._encoders])
        return with_global(local, stand_ins, here, shares)

    def _tokens(self, units: list[Tensor]) -> Tensor:
        """Arrange units [U, B] of all encoders as tokens [P, M, B, W]; zero where a row does not use a modality."""
        found: Tensor = self.place(units)
        return found.view(*self._shape, -1).transpose(2, 3).contiguous()

    def _shares(self, present: Tensor) -> Tensor:
        """The share of each present modality in the global token [P, M, B]: a learned softmax, at first equal.

        It is filled, and not barred: a modality that a row does not use has no gradient, even if the row diverges.
        """
        return self.share.view(len(self.rate), -1, 1).expand(present.shape).masked_fill(~present, BARRED).softmax(1)

    def _drop(self, present: Tensor, draws: Tensor) -> Tensor:
        """Modality dropout, bool [P, M, B]: each present modality is dropped at the row's rate, but never all."""
        left = present & (draws.view(present.shape) >= self.rate.view(-1, 1, 1))
        return torch.where(left.any(1, keepdim=True), left, present)


def _effective(spec: EncoderSpec) -> EncoderSpec:
    """The specification with fixed values for what its kind ignores."""
    return EncoderSpec(
        spec.modality,
        spec.kind,
        heads=spec.heads if spec.kind == "attention" else 1,
        kernel=spec.kernel if spec.kind == "convolution" else 1,
    )
