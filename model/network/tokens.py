"""The tokens that the levels start from: a local one per modality and row, and the global one, which mixes them."""

from __future__ import annotations

from collections.abc import Iterable

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from haemsa.model.network.batch import Batch, FeatureStatistics
from haemsa.model.network.cohort import Cohort, Slot, Stacked
from haemsa.model.network.encoders import Encoder
from haemsa.model.network.noise import Noise, Places, site
from haemsa.model.spec.network import EncoderSpec


class Encoders(Stacked):
    """All encoders of a cohort, and the first tokens. `reads`: the modalities whose time steps they need."""

    share: nn.Parameter
    place: Tensor
    used: Tensor
    rate: Tensor

    def __init__(self, cohort: Cohort) -> None:
        super().__init__()
        groups: dict[EncoderSpec, list[int]] = {}
        for index, row in enumerate(cohort.rows):
            for spec in row.genome.network.encoders:
                groups.setdefault(_pooling(spec), []).append(index)
        encoders = [Encoder(cohort, spec, rows) for spec, rows in groups.items()]
        self.encoders, self._encoders = nn.ModuleList(encoders), tuple(encoders)
        self.modalities, self.width = cohort.modalities, cohort.width
        places = {(row, name): place for place, (name, row) in enumerate(_members(encoders))}
        nowhere = len(places)
        table = [places.get((row, name), nowhere) for row in range(len(cohort)) for name in cohort.modalities]
        self.constant("place", torch.tensor(table))
        M = len(cohort.modalities)
        shares = [
            Slot(index, index // M, f"encoders.{cohort.modalities[index % M]}.share", (1,), spread=True)
            for index, place in enumerate(table)
            if place != nowhere
        ]
        self.add("share", shares, cohort, "zeros", places=len(table))
        used = (self.place != nowhere).view(len(cohort), -1, 1)
        self.constant("used", used)
        self.constant("rate", cohort.gene("modality_dropout"))
        sites = [site(f"presence.{name}") for name in cohort.modalities] * len(cohort)
        rows = [row for row in range(len(cohort)) for _ in cohort.modalities]
        self.dropout = Places(rows, sites) if bool(self.rate.any()) else None
        self.reads = sorted({encoder.spec.modality for encoder in encoders if encoder.spec.kind != "mean"})

    def set_statistics(self, statistics: FeatureStatistics) -> None:
        """Standardise features with the statistics of each row's fold."""
        for encoder in self._encoders:
            encoder.set_statistics(statistics)

    def forward(self, batch: Batch, noise: Noise | None) -> tuple[Tensor, Tensor]:
        """Local tokens [P, M, B, W], arbitrary where a modality is absent, and which are present, bool [P, M, B]."""
        parts = [self._pad(encoder(batch, noise)) for encoder in self.encoders]
        present = self.used & torch.stack([batch.present[name] for name in self.modalities])
        if noise is not None and self.dropout is not None:
            present = self._drop(present, noise.uniform(self.dropout))
        return self._gather(parts, (1, batch.samples, self.width)), present

    def start(self, local: Tensor, present: Tensor, *, complete: bool) -> Tensor:
        """What the levels start from [P, D, B, W]; the global token is the last.

        A missing modality is replaced by a learned token. `complete`: no row misses a modality that it uses.
        """
        if not complete:
            blanks = [self._pad(encoder.to_rows(encoder.stand_in)) for encoder in self._encoders]
            stand_ins = self._gather(blanks, (1, self.width))
            local = torch.where(present.unsqueeze(-1), local, stand_ins.unsqueeze(2))
        total = (local * self._shares(present).to(local.dtype).unsqueeze(-1)).sum(1, keepdim=True)
        return torch.cat([local, total], 1)

    def _shares(self, present: Tensor) -> Tensor:
        """The share of each present modality in the global token [P, M, B]: a learned softmax, at first equal."""
        logits = self.share.view(len(self.rate), -1, 1).expand(present.shape).masked_fill(~present, -torch.inf)
        # Where nothing is present, there is no finite logit: the softmax is taken over zeros, then dropped.
        return logits.masked_fill(~present.any(1, keepdim=True), 0.0).softmax(1) * present

    def _pad(self, tokens: Tensor) -> Tensor:
        missing = self.width - tokens.shape[-1]
        return F.pad(tokens, (0, missing)) if missing else tokens

    def _gather(self, parts: list[Tensor], blank: tuple[int, ...]) -> Tensor:
        """Order what the encoders made for their rows as [P, M, ...]; zero where a row does not use a modality."""
        flat = torch.cat([*parts, parts[0].new_zeros(blank)])
        return flat.index_select(0, self.place).view(len(self.rate), len(self.modalities), *blank[1:])

    def _drop(self, present: Tensor, draws: Tensor) -> Tensor:
        """Modality dropout, bool [P, M, B]: each present modality is dropped at the row's rate, but never all."""
        left = present & (draws.view(present.shape) >= self.rate.view(-1, 1, 1))
        return torch.where(left.any(1, keepdim=True), left, present)


def _pooling(spec: EncoderSpec) -> EncoderSpec:
    """The specification with fixed values for what its kind ignores: rows with the same one share an encoder."""
    return EncoderSpec(
        spec.modality,
        spec.kind,
        heads=spec.heads if spec.kind == "attention" else 1,
        kernel=spec.kernel if spec.kind == "convolution" else 1,
    )


def _members(encoders: Iterable[Encoder]) -> list[tuple[str, int]]:
    return [(encoder.spec.modality, row) for encoder in encoders for row in encoder.rows]
