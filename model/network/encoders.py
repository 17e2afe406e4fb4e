"""Encoders: one local token per modality and row, pooled over time.

Mean and attention pooling commute with the linear projection, so both pool first and project once per sample. This is
the same function with T times less arithmetic for T steps. Feature statistics of a fold and feature dropout act on the
projection's weights, so that all rows can share the batch.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn

from haemsa.model.network.batch import Batch, FeatureStatistics, Steps
from haemsa.model.network.cohort import Cohort, Init, Slot, Stacked
from haemsa.model.network.noise import Noise, dropout, site
from haemsa.model.network.operations.attention import attend
from haemsa.model.network.operations.convolution import most_active
from haemsa.model.network.operations.projection import Standard, project
from haemsa.model.network.operations.scoring import scores
from haemsa.model.spec.network import EncoderSpec


class Encoder(Stacked):
    """All rows that read one modality with the same pooling: features of samples become units [U, B] of their tokens.

    The units of all rows lie on one axis U without padding, so a single matrix product projects for all rows.
    `rows`: the rows in the order of their units. Heads of attention with equally many units are neighbours.
    """

    weight: nn.Parameter
    bias: nn.Parameter
    stand_in: nn.Parameter
    query: nn.Parameter
    kernel: nn.Parameter
    unit_row: Tensor
    block_row: Tensor
    head_row: Tensor
    means: Tensor | None  # of each fold in use [F, D]
    scale: Tensor | None  # [n, D]
    fold_index: Tensor | None  # [U, 1]

    def __init__(self, cohort: Cohort, members: Sequence[tuple[int, EncoderSpec]]) -> None:
        super().__init__()
        self.spec, self._cohort = members[0][1], cohort
        ordered = sorted(members, key=lambda member: -cohort.widths[member[0]] // member[1].heads)
        self.rows, heads = tuple(row for row, _ in ordered), [spec.heads for _, spec in ordered]
        self.widths = [cohort.widths[row] for row in self.rows]
        name, features = self.spec.modality, cohort.schema.modalities[self.spec.modality][1]
        self._add("weight", [(width, features) for width in self.widths], "fan_last")
        self._add("bias", [(width,) for width in self.widths], "zeros")
        self._add("stand_in", [(width,) for width in self.widths], "token")
        if self.spec.kind == "attention":
            self._add("query", [(count, features) for count in heads], "zeros")
        if self.spec.kind == "convolution":
            self._add("kernel", [(width, self.spec.kernel) for width in self.widths], "fan_last")
        places = torch.arange(len(self.rows))
        self.constant("unit_row", places.repeat_interleave(torch.tensor(self.widths)))
        self.constant("block_row", self.unit_row[:: math.gcd(*self.widths)].clone())
        self.constant("head_row", places.repeat_interleave(torch.tensor(heads)))
        units = [width // count for width, count in zip(self.widths, heads, strict=True) for _ in range(count)]
        self._heads = {size: units.count(size) for size in units}
        sites = [site(f"encoders.{name}")] * len(self.rows)
        self.dropout = dropout(cohort, "feature_dropout", self.rows, sites, samples=False, units=features)
        for constant in ("means", "scale", "fold_index"):
            self.constant(constant, None)

    def _add(self, name: str, shapes: Sequence[tuple[int, ...]], init: Init) -> None:
        path, slots = f"encoders.{self.spec.modality}.{name}", list[Slot]()
        for row, shape in zip(self.rows, shapes, strict=True):
            start = slots[-1].stop if slots else 0
            slots.append(Slot(start, row, path, shape, spread=True))
        self.add(name, slots, self._cohort, init)

    def set_statistics(self, statistics: FeatureStatistics) -> None:
        """Standardise features with the statistics of each row's fold."""
        folds = [self._cohort.rows[row].fold for row in self.rows]
        kind = statistics.steps if self.spec.kind == "convolution" else statistics.pooled
        mean, scale = (part.to(self.weight) for part in kind[self.spec.modality])
        distinct = sorted(set(folds))
        self.means, self.scale = mean[distinct], scale[folds]
        fold_index = torch.tensor([distinct.index(fold) for fold in folds]).to(self.unit_row)
        self.fold_index = fold_index[self.unit_row].unsqueeze(1)

    def forward(self, batch: Batch, noise: Noise | None) -> Tensor:
        """Units [U, B]. Those of samples without the modality are arbitrary finite numbers."""
        name = self.spec.modality
        standard = Standard(self._input_scale(noise), self.block_row, self.means, self.fold_index)
        if self.spec.kind == "mean":
            return project(batch.means[name], self.weight, self.bias, standard)
        weight = standard.scaled(self.weight)
        bias = standard.centred(self.bias, weight).unsqueeze(1)
        if self.spec.kind == "attention":
            return torch.cat(self._attend(batch.steps[name], weight, standard.scale)) + bias
        steps = batch.steps[name]
        return most_active(torch.addmm(bias, weight, steps.features.t()), self.kernel, steps)

    def _input_scale(self, noise: Noise | None) -> Tensor | None:
        """Factor per row and feature [n, D]: feature dropout over the standard deviation; None: 1."""
        if noise is None or self.dropout is None:
            return self.scale
        keep = noise.keep(self.dropout)
        return keep if self.scale is None else keep * self.scale

    def _attend(self, steps: Steps, weight: Tensor, scale: Tensor | None) -> list[Tensor]:
        """Pool features over time by softmax(x query), one distribution per head, then project to its units."""
        query = self.query if scale is None else self.query * scale.index_select(0, self.head_row)
        pooled = torch.split(attend(query, steps), list(self._heads.values()))  # [heads, B, D]
        by_size = torch.split(weight, [size * count for size, count in self._heads.items()])
        return [
            scores(read, part.view(len(read), -1, part.shape[1]).transpose(1, 2)).flatten(0, 1)
            for read, part in zip(pooled, by_size, strict=True)
        ]
