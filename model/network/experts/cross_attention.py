"""Cross-attention experts: with what they know from tokens, they read the time steps of their modalities again.

The idea is MulT's (Tsai et al. 2019), at the cost of attention pooling: one query per sample instead of one per step.
The query q [H] is the sum of the projected tokens. x_t [D] are the steps of a modality m that the expert sees:

    share_t = softmax over t of x_t . (K_m q) / sqrt(H)
    hidden = GELU(q + sum over m of V_m (sum over t of share_t x_t))

As in attention pooling, no step is projected: the query is projected to the features instead. Standardising and feature
dropout act on projected queries and on what was read. Both belong to a row, so all rows can share the batch. The
experts of all groups of a level read a modality together. Of a modality without time steps, an expert reads only the
token.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from haemsa.model.network.batch import FeatureStatistics
from haemsa.model.network.cohort import Cohort, Stacked
from haemsa.model.network.experts.joins import Join
from haemsa.model.network.experts.members import ExpertPart, Member, Size, Source
from haemsa.model.network.noise import Noise, dropout, site
from haemsa.model.network.operations.attention import attend
from haemsa.model.network.operations.scoring import scores


class CrossAttentionJoin(Join):
    """The first layer of the cross-attention experts of a group, and a reader for each modality that any of them reads.

    It is computed by `CrossAttention`, with those of the other groups.
    """

    def __init__(self, cohort: Cohort, level: int, members: Sequence[Member], size: Size) -> None:
        super().__init__(cohort, level, members, size)
        readers = []
        for name in cohort.schema.over_time(cohort.modalities):
            places = [place for place, member in enumerate(members) if name in member.spec.sees]
            if places:
                readers.append(Reader(cohort, level, name, places, [members[place] for place in places], size))
        self.readers, self.by_modality = nn.ModuleList(readers), {reader.modality: reader for reader in readers}


class Reader(ExpertPart):
    """The n experts of a group that read one modality. `place`: where they are among the members of their join."""

    key: nn.Parameter
    value: nn.Parameter
    value_bias: nn.Parameter
    place: Tensor
    width: Tensor

    def __init__(
        self,
        cohort: Cohort,
        level: int,
        modality: str,
        places: Sequence[int],
        members: Sequence[Member],
        size: Size,
    ) -> None:
        super().__init__(cohort, level, size)
        self.modality, self.members = modality, tuple(members)
        D = cohort.schema.modalities[modality][1]
        self.add_each("key", [(m, f"key.{modality}") for m in members], lambda _, width: (D, width), "fan_in")
        self.add_each("value", [(m, f"value.{modality}") for m in members], lambda _, width: (D, width), "fan_in")
        biases = [(m, f"value.{modality}.bias") for m in members]
        self.add_each("value_bias", biases, lambda _, width: (width,), "zeros")
        self.constant("place", torch.tensor(places))
        self.constant("width", torch.tensor([float(m.spec.width) for m in members]).view(-1, 1, 1))

    def ask(self, total: Tensor) -> Tensor:
        """The queries of the join's experts [*, B, H], projected to features: [n, B, D]."""
        query = total if len(self.place) == len(total) else total.index_select(0, self.place)
        return scores(self.key, (query * self.width.rsqrt()).transpose(1, 2))

    def answer(self, total: Tensor, read: Tensor, present: Tensor | None) -> Tensor:
        """Add what the experts read [n, B, D] to their units [*, B, H]: nothing where the modality is absent."""
        values = torch.baddbmm(self.value_bias.unsqueeze(1), read, self.value)
        values = (values if present is None else values * present).to(total.dtype)
        return total + values if len(self.place) == len(total) else total.index_add(0, self.place, values)


class Attention(Stacked):
    """The attention of all experts of a level to one modality.

    Args:
        cohort: Of all rows.
        readers: The readers of all joins.
    """

    presence: Tensor
    means: Tensor | None  # [n, 1, D]
    scale: Tensor | None  # [n, 1, D]

    def __init__(self, cohort: Cohort, readers: Sequence[Reader]) -> None:
        super().__init__()
        self.modality, self._cohort = readers[0].modality, cohort
        members = [member for reader in readers for member in reader.members]
        self._rows, self._counts = [m.row for m in members], [len(reader.members) for reader in readers]
        tokens = [readers[0].token_of(member, self.modality) for member in members]
        self.constant("presence", torch.tensor(tokens))
        # The encoder's site: a feature that is dropped for a row's token is dropped for its experts too.
        sites = [site(f"encoders.{self.modality}")] * len(members)
        features = cohort.schema.modalities[self.modality][1]
        self.dropout = dropout(cohort, "feature_dropout", self._rows, sites, samples=False, units=features)
        for name in ("means", "scale"):
            self.constant(name, None)

    def set_statistics(self, statistics: FeatureStatistics, like: Tensor) -> None:
        """Standardise features with the statistics of each row's fold."""
        folds = [self._cohort.rows[row].fold for row in self._rows]
        self.means, self.scale = (part.to(like)[folds].unsqueeze(1) for part in statistics.steps[self.modality])

    def forward(self, asked: Sequence[Tensor], source: Source) -> Iterator[tuple[Tensor, Tensor | None]]:
        """What the projected queries of each reader [n, B, D] read [n, B, D], and whether it is there [n, B, 1].

        The features' means would move all scores of a query equally, so only what was read is centred.
        """
        assert source.batch is not None, "experts that read features get them"
        scale, projected = self._input_scale(source.noise), torch.cat(list(asked))
        read = attend(projected if scale is None else projected * scale, source.batch.steps[self.modality])
        read = read if self.means is None else read - self.means
        read = read if scale is None else read * scale
        parts = torch.split(read, self._counts)
        if source.present is None:
            return zip(parts, [None] * len(parts), strict=True)
        present = source.present.flatten(0, 1).index_select(0, self.presence).to(read.dtype).unsqueeze(-1)
        return zip(parts, torch.split(present, self._counts), strict=True)

    def _input_scale(self, noise: Noise | None) -> Tensor | None:
        """Factor per expert and feature [n, 1, D]: feature dropout over the standard deviation; None: 1."""
        if noise is None or self.dropout is None:
            return self.scale
        keep = noise.keep(self.dropout).unsqueeze(1)
        return keep if self.scale is None else keep * self.scale


class CrossAttention(Stacked):
    """The first layers of the cross-attention experts of all groups of a level."""

    def __init__(self, cohort: Cohort, joins: Sequence[CrossAttentionJoin]) -> None:
        super().__init__()
        self._joins = tuple(joins)  # their weights belong to the groups
        self.reads = tuple(name for name in cohort.modalities if any(name in join.by_modality for join in joins))
        readers = {name: [join.by_modality.get(name) for join in joins] for name in self.reads}
        attentions = [Attention(cohort, [reader for reader in readers[name] if reader]) for name in self.reads]
        self.attentions, self._attentions = nn.ModuleList(attentions), tuple(attentions)

    def set_statistics(self, statistics: FeatureStatistics) -> None:
        """Standardise features with the statistics of each row's fold."""
        for attention in self._attentions:
            attention.set_statistics(statistics, self._joins[0].weight)

    def forward(self, seen: Sequence[Tensor], source: Source) -> list[Tensor]:
        """Hidden units of each join [n, B, H] from the tokens that it sees [pairs, B, W]."""
        queries = [join.total(part) for join, part in zip(self._joins, seen, strict=True)]
        totals = list(queries)
        for attention in self._attentions:
            joins = [number for number, join in enumerate(self._joins) if attention.modality in join.by_modality]
            readers = [self._joins[number].by_modality[attention.modality] for number in joins]
            asked = [reader.ask(queries[number]) for number, reader in zip(joins, readers, strict=True)]
            for number, reader, found in zip(joins, readers, attention(asked, source), strict=True):
                totals[number] = reader.answer(totals[number], *found)
        return [F.gelu(total) for total in totals]
