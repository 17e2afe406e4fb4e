"""Experts of one level on one flat axis: those of one kind are computed together for all rows.

A pair is an expert and one token that it sees. An expert first projects its tokens, pair by pair, and then joins them:

- mlp: GELU(sum)
- gated (GEGLU, Shazeer 2020): GELU(sum a) * (sum b)
- low_rank (LMF, Liu et al. 2018): the product of an affine map of each token

Further layers are residual. Experts are sorted so that each step concerns the first ones, and needs no masks. Kinds
that do more have files of their own: cross_attention.py and tensor_fusion.py.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from haemsa.model.network.batch import Batch, FeatureStatistics
from haemsa.model.network.cohort import Cohort, Init, Slot, Stacked
from haemsa.model.network.noise import Noise, dropout, site
from haemsa.model.spec.network import ExpertSpec

ParameterShape = Callable[[int, int], tuple[int, ...]]
"""A parameter's shape from the token width and the hidden width."""


class Member(NamedTuple):
    """An expert of a cohort: its row, its place in that row's level, and its specification."""

    row: int
    number: int
    spec: ExpertSpec


def path_of(level: int, member: Member) -> str:
    """The first part of the names of an expert's weights."""
    return f"levels.{level}.experts.{member.number}"


class Source(NamedTuple):
    """What experts read besides tokens: the batch, which tokens are present, bool [P, D, B] or None, and noise."""

    batch: Batch | None
    present: Tensor | None
    noise: Noise | None


_GROUP_COST = 30_000
"""One more group of experts takes as long in a step as so many padded parameters (measured on a CPU)."""


def by_size(members: Sequence[Member], cohort: Cohort) -> list[list[Member]]:
    """Experts of one kind, split by width where padding would cost more than another group; narrow ones first.

    The experts of a single network are split at every width, so that it has no padding at all.
    """
    extra = _GROUP_COST if len(cohort) > 1 else 0
    widths = sorted({member.spec.width for member in members})
    weights = [sum(_weights(m.spec, cohort) for m in members if m.spec.width == width) for width in widths]
    best: list[tuple[int, list[int]]] = [(0, [])]  # least cost of the first n widths, and where groups end
    for end in range(1, len(widths) + 1):
        tries = [
            (best[start][0] + extra + widths[end - 1] * sum(weights[start:end]), [*best[start][1], end])
            for start in range(end)
        ]
        best.append(min(tries, key=lambda item: (item[0], len(item[1]))))
    ends = best[-1][1]
    limits = [widths[end - 1] for end in ends]
    return [[m for m in members if low < m.spec.width <= high] for low, high in zip([0, *limits], limits, strict=False)]


def _weights(spec: ExpertSpec, cohort: Cohort) -> int:
    """Roughly how many weights a hidden unit has: inputs, outputs, a further layer, and features that it reads."""
    read = cohort.schema.over_time(spec.sees) if spec.kind == "cross_attention" else ()
    return 3 * cohort.width + 2 * sum(cohort.schema.modalities[name][1] for name in read)


class ExpertGroup(Stacked):
    """Experts of one kind in one level: the tokens that they see become outputs [E, B, W].

    `tokens_seen`: where the token of each pair lies on the axis [P * D].
    """

    join: nn.Parameter
    join_bias: nn.Parameter
    out: nn.Parameter
    out_bias: nn.Parameter
    order: Tensor

    def __init__(self, cohort: Cohort, level: int, members: Sequence[Member]) -> None:
        super().__init__()
        self._cohort, self._level = cohort, level
        self.kind = members[0].spec.kind
        self._width, self.hidden = cohort.width, max(member.spec.width for member in members)
        by_breadth = sorted(members, key=lambda member: -len(member.spec.sees))
        self.members = tuple(sorted(by_breadth, key=lambda member: -member.spec.depth))
        self._add_joins(by_breadth)
        order = [by_breadth.index(member) for member in self.members]
        self._reorders = order != list(range(len(order)))
        self.constant("order", torch.tensor(order))
        self._add_layers()
        rows, sites = zip(*self._hidden_layers(), strict=True)
        self.dropout = dropout(cohort, "dropout", rows, sites, units=self.hidden)

    @staticmethod
    def parts(members: Sequence[Member], cohort: Cohort) -> list[list[Member]]:
        """Experts of this kind, split into groups."""
        return by_size(members, cohort)

    @property
    def reads(self) -> tuple[str, ...]:
        """The modalities whose time steps it needs."""
        return ()

    def set_statistics(self, statistics: FeatureStatistics) -> None:
        """Standardise the features that it reads, if any, with the statistics of each row's fold."""

    def _hidden_layers(self) -> list[tuple[int, int]]:
        """The row of each hidden layer, and the site of its noise."""
        return [
            (member.row, site(f"{path_of(self._level, member)}.{layer}"))
            for layer in range(self._depth)
            for member in self.members
            if member.spec.depth > layer
        ]

    def _sees(self, spec: ExpertSpec) -> tuple[str, ...]:
        """The tokens that an expert sees, in the order of its pairs."""
        return spec.sees

    def _add_joins(self, by_breadth: list[Member]) -> None:
        """Pairs are sorted by the token's place in `sees`. Those at one place belong to the first experts."""
        breadth = len(by_breadth[0].spec.sees)
        self._prefixes = [sum(len(m.spec.sees) > place for m in by_breadth) for place in range(breadth)]
        pairs = [(m, self._sees(m.spec)[place]) for place, n in enumerate(self._prefixes) for m in by_breadth[:n]]
        tokens = [m.row * len(self._cohort.tokens) + self._cohort.tokens.index(token) for m, token in pairs]
        self.tokens_seen = tuple(tokens)

        def shape(width: int, hidden: int) -> tuple[int, ...]:
            return (width, 2, hidden) if self.kind == "gated" else (width, hidden)

        names = [(member, f"in.{token}") for member, token in pairs]
        self._add("join", names, shape, "fan_in")
        if self.kind in ("low_rank", "tensor"):
            biases = [(m, f"{name}.bias") for m, name in names]
            self._add("join_bias", biases, lambda _, hidden: (hidden,), "ones" if self.kind == "low_rank" else "zeros")
        else:
            self._add("join_bias", [(m, "in.bias") for m in by_breadth], lambda *sizes: shape(*sizes)[1:], "zeros")

    def _add_layers(self) -> None:
        self._depth = self.members[0].spec.depth
        self._layers = [sum(member.spec.depth > layer for member in self.members) for layer in range(self._depth)]
        for layer in range(1, self._depth):
            deep = [(member, f"layer.{layer}") for member in self.members if member.spec.depth > layer]
            self._add(f"layer_{layer}", deep, lambda _, hidden: (hidden, hidden), "fan_in")
            bias = [(member, f"{name}.bias") for member, name in deep]
            self._add(f"layer_{layer}_bias", bias, lambda _, hidden: (hidden,), "zeros")
        outputs = [(member, "out") for member in self.members]
        self._add("out", outputs, self._out_shape, "fan_in")
        biases = [(member, "out.bias") for member in self.members]
        self._add("out_bias", biases, lambda width, _: (width,), "zeros")

    def _out_shape(self, width: int, hidden: int) -> tuple[int, ...]:
        return hidden, width

    def _add(self, name: str, places: Sequence[tuple[Member, str]], shape: ParameterShape, init: Init) -> None:
        slots = [
            Slot(index, m.row, f"{path_of(self._level, m)}.{part}", shape(self._cohort.widths[m.row], m.spec.width))
            for index, (m, part) in enumerate(places)
        ]
        self.add(name, slots, self._cohort, init, least=shape(self._width, self.hidden))

    def forward(self, seen: Tensor, source: Source) -> Tensor:
        """Outputs [E, B, W] in the order of `members`, from the tokens at `tokens_seen` [pairs, B, W]."""
        keep = self._keep(source)
        kept = [None] * self._depth if keep is None else torch.split(keep, self._layers)
        hidden = self._join(seen, source)
        if self._reorders:
            hidden = hidden.index_select(0, self.order)
        hidden = _drop(hidden, kept[0])
        for layer in range(1, self._depth):
            weight, bias = self.get_parameter(f"layer_{layer}"), self.get_parameter(f"layer_{layer}_bias")
            n = len(weight)
            deep, done = torch.split(hidden, [n, len(hidden) - n])
            deep = deep + _drop(F.gelu(torch.baddbmm(bias.unsqueeze(1), deep, weight)), kept[layer])
            hidden = torch.cat([deep, done]) if len(done) else deep
        return torch.baddbmm(self.out_bias.unsqueeze(1), hidden, self.out)

    def _keep(self, source: Source) -> Tensor | None:
        """A dropout multiplier for each unit of each hidden layer; None: 1."""
        return None if source.noise is None or self.dropout is None else source.noise.keep(self.dropout)

    def _join(self, seen: Tensor, _: Source) -> Tensor:
        """Project the tokens seen [pairs, B, W] and join those of an expert [E, B, H], experts by breadth."""
        if self.kind == "low_rank":
            return self._fold(torch.baddbmm(self.join_bias.unsqueeze(1), seen, self.join), torch.mul)
        total = self._total(seen)
        if self.kind == "mlp":
            return F.gelu(total)
        gate, value = total.chunk(2, -1)
        return F.gelu(gate) * value

    def _total(self, seen: Tensor) -> Tensor:
        """The sum of an expert's projected tokens and its bias [E, B, H], experts by breadth."""
        pairs = torch.bmm(seen, self.join.flatten(2))
        return self._fold(pairs, torch.add) + self.join_bias.flatten(1).unsqueeze(1)

    def _fold(self, pairs: Tensor, join: Callable[[Tensor, Tensor], Tensor]) -> Tensor:
        """Join the pairs of each expert: [pairs, B, H] to [E, B, H]."""
        first, *others = torch.split(pairs, self._prefixes)
        for part in others:
            broad, done = torch.split(first, [len(part), len(first) - len(part)])
            first = torch.cat([join(broad, part), done]) if len(done) else join(broad, part)
        return first


def _drop(hidden: Tensor, keep: Tensor | None) -> Tensor:
    return hidden if keep is None else hidden * keep
