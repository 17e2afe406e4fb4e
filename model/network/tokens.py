"""The tokens that the levels start from: a local one per modality and row, and the global one, which mixes them."""

from __future__ import annotations

from dataclasses import replace

import torch
from torch import Tensor, nn

from haemsa.model.network.batch import Batch, FeatureStatistics
from haemsa.model.network.cohort import Cohort, Slot, Stacked
from haemsa.model.network.encoders import Encoder
from haemsa.model.network.noise import Noise, Places, site
from haemsa.model.network.projection import to_tokens
from haemsa.model.spec.network import EncoderSpec


class Encoders(Stacked):
    """All encoders of a cohort, and the first tokens. `reads`: the modalities whose time steps they need."""

    share: nn.Parameter
    place: Tensor
    unit_place: Tensor
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
        unit_place = torch.cat([self._places(encoder) for encoder in encoders])
        self.constant("unit_place", unit_place)
        place = torch.full((P * M * cohort.width,), len(unit_place))
        self.constant("place", place.index_copy(0, unit_place, torch.arange(len(unit_place))))
        used = (self.place.view(P, M, -1) < len(unit_place)).any(2)
        self.constant("used", used.unsqueeze(2))
        shares = [
            Slot(row * M + number, row, f"encoders.{name}.share", (1,), spread=True)
            for row in range(P)
            for number, name in enumerate(cohort.modalities)
            if used[row, number]
        ]
        self.add("share", shares, cohort, "zeros", places=P * M)
        self.constant("rate", cohort.gene("modality_dropout"))
        sites = [site(f"presence.{name}") for name in cohort.modalities] * len(cohort)
        rows = [row for row in range(len(cohort)) for _ in cohort.modalities]
        self.dropout = Places(rows, sites) if bool(self.rate.any()) else None
        self.reads = sorted({encoder.spec.modality for encoder in encoders if encoder.spec.kind != "mean"})

    def _places(self, encoder: Encoder) -> Tensor:
        """Where each unit of an encoder lies in local tokens, seen as [P * M * W]."""
        _, M, W = self._shape
        number = self.modalities.index(encoder.spec.modality)
        starts = [(row * M + number) * W for row in encoder.rows]
        return torch.cat([start + torch.arange(width) for start, width in zip(starts, encoder.widths, strict=True)])

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
        return to_tokens(units, self.place, self.unit_place, self._shape), present

    def start(self, local: Tensor, present: Tensor, *, complete: bool) -> Tensor:
        """What the levels start from [P, D, B, W]; the global token is the last.

        A missing modality is replaced by a learned token. `complete`: no row misses a modality that it uses.
        """
        if not complete:
            units = [encoder.stand_in.unsqueeze(1) for encoder in self._encoders]
            stand_ins = to_tokens(units, self.place, self.unit_place, self._shape)
            local = torch.lerp(stand_ins, local, present.unsqueeze(-1).to(local.dtype))
        total = (local * self._shares(present).to(local.dtype).unsqueeze(-1)).sum(1, keepdim=True)
        return torch.cat([local, total], 1)

    def _shares(self, present: Tensor) -> Tensor:
        """The share of each present modality in the global token [P, M, B]: a learned softmax, at first equal."""
        logits = self.share.view(len(self.rate), -1, 1).expand(present.shape).masked_fill(~present, -torch.inf)
        # Where nothing is present, there is no finite logit: the softmax is taken over zeros, then dropped.
        return logits.masked_fill(~present.any(1, keepdim=True), 0.0).softmax(1) * present

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
