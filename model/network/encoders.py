"""Encoders: one local token per modality and row, pooled over time.

Mean and attention pooling commute with the linear projection, so both pool first and project once per sample. This is
the same function with T times less arithmetic for T steps. Feature statistics of a fold and feature dropout act on the
projection's weights, so that all rows can share the batch.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from haemsa.model.network.batch import Batch, FeatureStatistics
from haemsa.model.network.cohort import Cohort, Init, Slot, Stacked
from haemsa.model.network.noise import Noise, dropout, site
from haemsa.model.spec.network import EncoderSpec


class Encoder(Stacked):
    """All rows that read one modality with the same pooling: [B, T, D] features become [n, B, W] tokens.

    The units of all rows lie on one axis U without padding, and rows of one width are neighbours. So a single matrix
    product projects for all rows.
    """

    weight: nn.Parameter
    bias: nn.Parameter
    stand_in: nn.Parameter
    query: nn.Parameter
    kernel: nn.Parameter
    unit_row: Tensor
    means: Tensor | None  # of each fold in use [F, D]
    scale: Tensor | None  # [n, D]
    fold_index: Tensor  # [U]

    def __init__(self, cohort: Cohort, spec: EncoderSpec, rows: Sequence[int]) -> None:
        super().__init__()
        self.spec, self._cohort = spec, cohort
        self.rows = tuple(sorted(rows, key=lambda row: -cohort.widths[row]))
        widths = [cohort.widths[row] for row in self.rows]
        self._counts = {width: widths.count(width) for width in widths}
        features = cohort.schema.modalities[spec.modality][1]
        self._add("weight", lambda width: (width, features), "fan_last")
        self._add("bias", lambda width: (width,), "zeros")
        self._add("stand_in", lambda width: (width,), "token")
        if spec.kind == "attention":
            self._add("query", lambda _: (spec.heads, features), "zeros")
        if spec.kind == "convolution":
            self._add("kernel", lambda width: (width, spec.kernel), "fan_last")
        repeats = torch.tensor(widths)
        self.constant("unit_row", torch.arange(len(widths)).repeat_interleave(repeats))
        sites = [site(f"encoders.{spec.modality}")] * len(widths)
        self.dropout = dropout(cohort, "feature_dropout", self.rows, sites, samples=False, units=features)
        for name in ("means", "scale", "fold_index"):
            self.constant(name, None)

    def _add(self, name: str, shape: Callable[[int], tuple[int, ...]], init: Init) -> None:
        path, slots = f"encoders.{self.spec.modality}.{name}", list[Slot]()
        for row in self.rows:
            start = slots[-1].stop if slots else 0
            slots.append(Slot(start, row, path, shape(self._cohort.widths[row]), spread=True))
        self.add(name, slots, self._cohort, init)

    def set_statistics(self, statistics: FeatureStatistics) -> None:
        """Standardise features with the statistics of each row's fold."""
        folds = [self._cohort.rows[row].fold for row in self.rows]
        kind = statistics.steps if self.spec.kind == "convolution" else statistics.pooled
        mean, scale = (part.to(self.weight) for part in kind[self.spec.modality])
        distinct = sorted(set(folds))
        self.means, self.scale = mean[distinct], scale[folds]
        self.fold_index = torch.tensor([distinct.index(fold) for fold in folds]).to(self.unit_row)[self.unit_row]

    def forward(self, batch: Batch, noise: Noise | None) -> Tensor:
        """One token per row and sample [n, B, W]. Samples without the modality get an arbitrary finite token."""
        name = self.spec.modality
        scale = self._input_scale(noise)
        weight = self.weight if scale is None else self.weight * scale.index_select(0, self.unit_row)
        if self.spec.kind == "attention":
            query = self.query if scale is None else self.query * scale.repeat_interleave(self.spec.heads, 0)
            return self.to_rows(self._attend(batch.features[name], batch.steps[name], query, weight))
        if self.spec.kind == "mean":
            return self.to_rows(self._project(batch.means[name], weight))
        return self.to_rows(self._convolve(batch.features[name], batch.steps[name], weight))

    def to_rows(self, units: Tensor) -> Tensor:
        """Split [..., U] into rows and pad them to one width: [n, ..., W]."""
        widest = next(iter(self._counts))
        parts = torch.split(units, [width * count for width, count in self._counts.items()], -1)
        rows = []
        for part, (width, count) in zip(parts, self._counts.items(), strict=True):
            tokens = part.reshape(*units.shape[:-1], count, width)
            rows.append(F.pad(tokens, (0, widest - width)) if width < widest else tokens)
        return (torch.cat(rows, -2) if len(rows) > 1 else rows[0]).movedim(-2, 0)

    def _input_scale(self, noise: Noise | None) -> Tensor | None:
        """Factor per row and feature [n, D]: feature dropout over the standard deviation; None: 1."""
        if noise is None or self.dropout is None:
            return self.scale
        keep = noise.keep(self.dropout)
        return keep if self.scale is None else keep * self.scale

    def _project(self, x: Tensor, weight: Tensor) -> Tensor:
        """Centre and project x [S, D] to all units [S, U]. The folds' means are further rows of the same product."""
        if self.means is None:
            return F.linear(x, weight, self.bias)
        S = len(x)
        both = F.linear(torch.cat([x, self.means]), weight)
        return both[:S] + (self.bias - both[S:].gather(0, self.fold_index.unsqueeze(0)))

    def _attend(self, x: Tensor, steps: Tensor, query: Tensor, weight: Tensor) -> Tensor:
        """Pool features over time by softmax(x query), one distribution per head, then project to its units [B, U]."""
        heads = self.spec.heads
        scores = F.linear(x, query).masked_fill(~steps.unsqueeze(-1), float("-inf"))
        pooled = torch.bmm(scores.softmax(1).transpose(1, 2), x).transpose(0, 1)  # [n * heads, B, D]
        by_width = torch.split(weight, [width * count for width, count in self._counts.items()])
        by_rows = torch.split(pooled, [heads * count for count in self._counts.values()])
        tokens = [
            torch.bmm(part, units.view(len(part), -1, units.shape[1]).transpose(1, 2)).transpose(0, 1).flatten(1)
            for part, units in zip(by_rows, by_width, strict=True)
        ]
        bias: Tensor = self.bias
        if self.means is not None:
            bias = bias - F.linear(self.means, weight).gather(0, self.fold_index.unsqueeze(0))
        return torch.cat(tokens, 1) + bias

    def _convolve(self, x: Tensor, steps: Tensor, weight: Tensor) -> Tensor:
        """Project every step, convolve each unit over time, GELU, and take the maximum over time [B, U]."""
        B, T, _ = x.shape
        hidden = self._project(x.flatten(0, 1), weight).view(B, T, len(weight))
        hidden = (hidden * steps.unsqueeze(-1)).transpose(1, 2)
        hidden = F.gelu(F.conv1d(hidden, self.kernel.unsqueeze(1), padding="same", groups=len(self.kernel)))
        return hidden.masked_fill(~steps.unsqueeze(1), float("-inf")).amax(2)
