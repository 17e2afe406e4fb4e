"""Cross-attention experts: with what they know from tokens, they read the time steps of their modalities again.

The idea is MulT's (Tsai et al. 2019), at the cost of attention pooling: one query per sample instead of one per step.
The query q [H] is the sum of the projected tokens. x_t [D] are the steps of a modality m that the expert sees:

    share_t = softmax over t of x_t . (K_m q) / sqrt(H)
    hidden = GELU(q + sum over m of V_m (sum over t of share_t x_t))

As in attention pooling, no step is projected: the query is projected to the features instead. Standardising and feature
dropout act on projected queries and on what was read. Both belong to a row, so all rows can share the batch. Of a
modality without time steps, an expert reads only the token.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from haemsa.model.network.batch import FeatureStatistics
from haemsa.model.network.cohort import Cohort
from haemsa.model.network.experts.joins import Join
from haemsa.model.network.experts.members import ExpertPart, Member, Source
from haemsa.model.network.noise import Noise, dropout, site


class CrossAttentionJoin(Join):
    """The first layer of cross-attention experts, and a reader for each modality that any of them reads."""

    def __init__(self, cohort: Cohort, level: int, members: Sequence[Member], hidden: int) -> None:
        super().__init__(cohort, level, members, hidden)
        readers = []
        for name in cohort.schema.over_time(cohort.modalities):
            places = [place for place, member in enumerate(members) if name in member.spec.sees]
            if places:
                readers.append(Reader(cohort, level, name, places, [members[place] for place in places], hidden))
        self.readers, self._readers = nn.ModuleList(readers), tuple(readers)

    @property
    def reads(self) -> tuple[str, ...]:
        """The modalities whose time steps it needs."""
        return tuple(reader.modality for reader in self._readers)

    def set_statistics(self, statistics: FeatureStatistics) -> None:
        """Standardise features with the statistics of each row's fold."""
        for reader in self._readers:
            reader.set_statistics(statistics)

    def forward(self, seen: Tensor, source: Source) -> Tensor:
        """Hidden units [n, B, H] from the tokens at `tokens_seen` [pairs, B, W]."""
        query = total = self._total(seen)
        for reader in self._readers:
            if len(reader.place) == len(query):  # all experts, in their order
                total = total + reader(query, source).to(total.dtype)
            else:
                values = reader(query.index_select(0, reader.place), source)
                total = total.index_add(0, reader.place, values.to(total.dtype))
        return F.gelu(total)


class Reader(ExpertPart):
    """The n experts of a group that read one modality. `place`: where they are among the group's experts by breadth."""

    key: nn.Parameter
    value: nn.Parameter
    value_bias: nn.Parameter
    place: Tensor
    width: Tensor
    presence: Tensor
    means: Tensor | None  # [n, 1, D]
    scale: Tensor | None  # [n, 1, D]

    def __init__(
        self,
        cohort: Cohort,
        level: int,
        modality: str,
        places: Sequence[int],
        members: Sequence[Member],
        hidden: int,
    ) -> None:
        super().__init__(cohort, level, hidden)
        self.modality, self._members = modality, tuple(members)
        D, rows = cohort.schema.modalities[modality][1], [member.row for member in members]
        self.add_each("key", [(m, f"key.{modality}") for m in members], lambda _, width: (D, width), "fan_in")
        self.add_each("value", [(m, f"value.{modality}") for m in members], lambda _, width: (D, width), "fan_in")
        biases = [(m, f"value.{modality}.bias") for m in members]
        self.add_each("value_bias", biases, lambda _, width: (width,), "zeros")
        self.constant("place", torch.tensor(places))
        self.constant("width", torch.tensor([float(m.spec.width) for m in self._members]).view(-1, 1, 1))
        self.constant("presence", torch.tensor([self.token_of(member, modality) for member in members]))
        # The encoder's site: a feature that is dropped for a row's token is dropped for its experts too.
        sites = [site(f"encoders.{modality}")] * len(rows)
        self.dropout = dropout(cohort, "feature_dropout", rows, sites, samples=False, units=D)
        for name in ("means", "scale"):
            self.constant(name, None)

    def set_statistics(self, statistics: FeatureStatistics) -> None:
        """Standardise features with the statistics of each row's fold."""
        folds = [self.cohort.rows[member.row].fold for member in self._members]
        self.means, self.scale = (part.to(self.key)[folds].unsqueeze(1) for part in statistics.steps[self.modality])

    def forward(self, query: Tensor, source: Source) -> Tensor:
        """What the queries [n, B, H] read [n, B, H]: nothing in samples without the modality.

        The features' means would move all scores of a query equally, so only what was read is centred.
        """
        assert source.batch is not None, "experts that read features get them"
        x, steps = source.batch.features[self.modality], source.batch.steps[self.modality]
        scale = self._input_scale(source.noise)
        projected = torch.bmm(query * self.width.rsqrt(), self.key.transpose(1, 2))  # [n, B, D]
        projected = projected if scale is None else projected * scale
        scores = torch.bmm(projected.transpose(0, 1), x.transpose(1, 2))  # [B, n, T]
        shares = scores.masked_fill(~steps.unsqueeze(1), float("-inf")).softmax(-1)
        read = torch.bmm(shares, x).transpose(0, 1)  # [n, B, D]
        read = read if self.means is None else read - self.means
        read = read if scale is None else read * scale
        values = torch.baddbmm(self.value_bias.unsqueeze(1), read, self.value)
        if source.present is None:
            return values
        return values * source.present.flatten(0, 1).index_select(0, self.presence).unsqueeze(-1)

    def _input_scale(self, noise: Noise | None) -> Tensor | None:
        """Factor per expert and feature [n, 1, D]: feature dropout over the standard deviation; None: 1."""
        if noise is None or self.dropout is None:
            return self.scale
        keep = noise.keep(self.dropout).unsqueeze(1)
        return keep if self.scale is None else keep * self.scale
