"""Experts of one level on one flat axis: those of like width are computed together for all rows, whatever their kind.

Each kind has a first layer of its own (joins.py, cross_attention.py). Further layers are residual, and the last one
gives tokens. Experts are sorted so that each layer concerns the first ones, and needs no masks. Tensor experts have
nothing in common with the others (tensor_fusion.py).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import torch
from torch import Tensor, nn
from torch.autograd.function import once_differentiable
from torch.nn import functional as F

from haemsa.model.network.batch import FeatureStatistics
from haemsa.model.network.cohort import Cohort
from haemsa.model.network.experts.cross_attention import CrossAttentionJoin
from haemsa.model.network.experts.joins import GatedJoin, Join, ProductJoin
from haemsa.model.network.experts.members import ExpertPart, Member, Source, by_size
from haemsa.model.network.gathering import Gathering
from haemsa.model.network.noise import dropout, site

_JOINS: Final[dict[str, type[Join]]] = {
    "mlp": Join,
    "gated": GatedJoin,
    "low_rank": ProductJoin,
    "cross_attention": CrossAttentionJoin,
}


class ExpertGroup(ExpertPart):
    """Experts of one level: the tokens that they see become outputs [E, B, W].

    `tokens_seen`: where the token of each pair lies on the axis [P * D].
    """

    out: nn.Parameter
    out_bias: nn.Parameter

    def __init__(self, cohort: Cohort, level: int, members: Sequence[Member]) -> None:
        super().__init__(cohort, level, max(member.spec.width for member in members))
        self.members = tuple(sorted(members, key=lambda member: -member.spec.depth))
        self._add_joins()
        self._add_layers()
        layers = [(member, layer) for layer in range(self._depth) for member in self.members[: self._layers[layer]]]
        sites = [site(f"{self.path_of(member)}.{layer}") for member, layer in layers]
        self.dropout = dropout(cohort, "dropout", [member.row for member, _ in layers], sites, units=self.hidden)

    @staticmethod
    def parts(members: Sequence[Member], cohort: Cohort) -> list[list[Member]]:
        """Experts split into groups."""
        return by_size(members, cohort)

    def _add_joins(self) -> None:
        kinds = {kind: [m for m in self.members if m.spec.kind == kind] for kind in _JOINS}
        joins = [_JOINS[kind](self.cohort, self.level, of, self.hidden) for kind, of in kinds.items() if of]
        self.joins, self._joins = nn.ModuleList(joins), tuple(joins)
        self.tokens_seen = tuple(token for join in joins for token in join.tokens_seen)
        self._pairs = [len(join.tokens_seen) for join in joins]
        joined = {member: place for place, member in enumerate(m for join in joins for m in join.members)}
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

    @property
    def reads(self) -> tuple[str, ...]:
        """The modalities whose time steps it needs."""
        return tuple(name for join in self._joins for name in join.reads)

    def set_statistics(self, statistics: FeatureStatistics) -> None:
        """Standardise the features that it reads, if any, with the statistics of each row's fold."""
        for join in self._joins:
            join.set_statistics(statistics)

    def forward(self, seen: Tensor, source: Source) -> Tensor:
        """Outputs [E, B, W] in the order of `members`, from the tokens at `tokens_seen` [pairs, B, W]."""
        parts = torch.split(seen, self._pairs)
        hidden = self.order([join(part, source) for join, part in zip(self.joins, parts, strict=True)])
        kept = self._kept(source)
        hidden = hidden if kept[0] is None else hidden * kept[0]
        for layer in range(1, self._depth):
            weight, bias = self.get_parameter(f"layer_{layer}"), self.get_parameter(f"layer_{layer}_bias")
            hidden = deepen(hidden, weight, bias, kept[layer])
        return torch.baddbmm(self.out_bias.unsqueeze(1), hidden, self.out)

    def _kept(self, source: Source) -> Sequence[Tensor | None]:
        """Dropout multipliers of each layer; None: 1."""
        if source.noise is None or self.dropout is None:
            return [None] * self._depth
        return torch.split(source.noise.keep(self.dropout), self._layers)


def deepen(hidden: Tensor, weight: Tensor, bias: Tensor, keep: Tensor | None) -> Tensor:
    """A further residual layer for the first experts of hidden units [E, B, H], as many as there are weights."""
    if torch.is_grad_enabled() and weight.requires_grad:
        deeper: Tensor = _Layer.apply(hidden, weight, bias, keep)  # type: ignore[no-untyped-call]
        return deeper
    return _deepened(hidden, torch.baddbmm(bias.unsqueeze(1), hidden[: len(weight)], weight), keep)


def _deepened(hidden: Tensor, inner: Tensor, keep: Tensor | None) -> Tensor:
    active, n = F.gelu(inner), len(inner)
    deep = hidden[:n] + active if keep is None else torch.addcmul(hidden[:n], active, keep)
    return torch.cat([deep, hidden[n:]]) if n < len(hidden) else deep


class _Layer(torch.autograd.Function):
    """`deepen` with a backward that copies no more than it must."""

    @staticmethod
    def forward(ctx: Any, hidden: Tensor, weight: Tensor, bias: Tensor, keep: Tensor | None) -> Tensor:
        first = hidden[: len(weight)]
        inner = torch.baddbmm(bias.unsqueeze(1), first, weight)
        ctx.save_for_backward(first, weight, inner, keep)
        return _deepened(hidden, inner, keep)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, Tensor, Tensor, None]:
        first, weight, inner, keep = ctx.saved_tensors
        of_active = gradient[: len(weight)] if keep is None else gradient[: len(weight)] * keep
        of_inner = torch.ops.aten.gelu_backward(of_active, inner)
        of_hidden = gradient.clone()
        of_hidden[: len(weight)].baddbmm_(of_inner, weight.transpose(1, 2))
        return of_hidden, torch.bmm(first.transpose(1, 2), of_inner), of_inner.sum(1), None
