"""Experts of one level on one flat axis: those of like width are computed together for all rows, whatever their kind.

Each kind has a first layer of its own (joins.py, cross_attention.py). Further layers are residual, and the last one
gives tokens. Experts are sorted so that each layer concerns the first ones, and needs no masks. Tensor experts have
nothing in common with the others (tensor_fusion.py).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import torch
from torch import Tensor, nn

from haemsa.model.network.cohort import Cohort
from haemsa.model.network.experts.cross_attention import CrossAttentionJoin
from haemsa.model.network.experts.joins import GatedJoin, Join, ProductJoin
from haemsa.model.network.experts.members import ExpertPart, Member, by_size, size_of
from haemsa.model.network.noise import Noise, dropout, site
from haemsa.model.network.operations.gathering import Gathering
from haemsa.model.network.operations.layers import deepen

_JOINS: Final[dict[str, type[Join]]] = {
    "mlp": Join,
    "gated": GatedJoin,
    "low_rank": ProductJoin,
}


class ExpertGroup(ExpertPart):
    """Experts of one level: the tokens that they see become outputs [E, B, W].

    `tokens_seen`: where the token of each pair lies on the axis [P * D], without those of cross-attention.
    `crossing`: the first layer of its experts of cross-attention, if there are any.
    """

    out: nn.Parameter
    out_bias: nn.Parameter

    def __init__(self, cohort: Cohort, level: int, members: Sequence[Member]) -> None:
        super().__init__(cohort, level, size_of(members, cohort))
        self.members = tuple(sorted(members, key=lambda member: -member.spec.depth))
        self._add_joins()
        self._add_layers()
        layers = [(member, layer) for layer in range(self._depth) for member in self.members[: self._layers[layer]]]
        sites = [site(f"{self.path_of(member)}.{layer}") for member, layer in layers]
        self.dropout = dropout(cohort, "dropout", [member.row for member, _ in layers], sites, units=self.size.hidden)

    @staticmethod
    def parts(members: Sequence[Member], cohort: Cohort) -> list[list[Member]]:
        """Experts split into groups."""
        return by_size(members, cohort)

    def _add_joins(self) -> None:
        kinds = {kind: [m for m in self.members if m.spec.kind == kind] for kind in _JOINS}
        joins = [_JOINS[kind](self.cohort, self.level, of, self.size) for kind, of in kinds.items() if of]
        self.joins = nn.ModuleList(joins)
        self.tokens_seen = tuple(token for join in joins for token in join.tokens_seen)
        self._pairs = [len(join.tokens_seen) for join in joins]
        crossing = [member for member in self.members if member.spec.kind == "cross_attention"]
        self.crossing = CrossAttentionJoin(self.cohort, self.level, crossing, self.size) if crossing else None
        by_kind = [*(member for join in joins for member in join.members), *crossing]
        joined = {member: place for place, member in enumerate(by_kind)}
        self.order = Gathering([joined[member] for member in self.members], len(joined))

    def _add_layers(self) -> None:
        self._depth = self.members[0].spec.depth
        self._layers = [sum(member.spec.depth > layer for member in self.members) for layer in range(self._depth)]
        for layer in range(1, self._depth):
            deep = [(member, f"layer.{layer}") for member in self.members[: self._layers[layer]]]
            self.add_each(f"layer_{layer}", deep, lambda _, hidden: (hidden, hidden), "fan_in")
            bias = [(member, f"{name}.bias") for member, name in deep]
            self.add_each(f"layer_{layer}_bias", bias, lambda _, hidden: (hidden,), "zeros")
        self.add_each("out", [(m, "out") for m in self.members], lambda width, hidden: (hidden, width), "fan_in")
        self.add_each("out_bias", [(m, "out.bias") for m in self.members], lambda width, _: (width,), "zeros")

    def forward(self, seen: Tensor, noise: Noise | None, crossed: Tensor | None = None) -> Tensor:
        """Outputs [E, B, W] in the order of `members`, from the tokens at `tokens_seen` [pairs, B, W].

        `crossed`: the hidden units of `crossing`.
        """
        parts = torch.split(seen, self._pairs) if self._pairs else []  # an exported program cannot split into nothing
        joined = [join(part) for join, part in zip(self.joins, parts, strict=True)]
        hidden: Tensor = self.order(joined if crossed is None else [*joined, crossed])
        kept = self._kept(noise)
        hidden = hidden if kept[0] is None else hidden * kept[0]
        for layer in range(1, self._depth):
            weight, bias = self.get_parameter(f"layer_{layer}"), self.get_parameter(f"layer_{layer}_bias")
            hidden = deepen(hidden, weight, bias, kept[layer])
        return torch.baddbmm(self.out_bias.unsqueeze(1), hidden, self.out)

    def _kept(self, noise: Noise | None) -> Sequence[Tensor | None]:
        """Dropout multipliers of each layer; None: 1."""
        if noise is None or self.dropout is None:
            return [None] * self._depth
        return torch.split(noise.keep(self.dropout), self._layers)
