"""Tensor experts: the products of all units of all tokens that an expert sees (TFN, Zadeh et al. 2017, eq. 3)."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from haemsa.model.network.cohort import Cohort
from haemsa.model.network.experts.members import ExpertPart, Member, size_of
from haemsa.model.network.noise import Noise, dropout, site


class TensorFusionGroup(ExpertPart):
    """Tensor experts of n tokens and of width r: each token becomes h [r], and `out` reads the product of all (1, h).

    Padding would multiply the (r + 1) ** n products, so experts of another size make another group. Tokens are sorted
    by name, because the rows of `out` depend on their order.
    `tokens_seen`: where the token of each pair lies on the axis [P * D].
    """

    join: nn.Parameter
    join_bias: nn.Parameter
    out: nn.Parameter
    out_bias: nn.Parameter

    def __init__(self, cohort: Cohort, level: int, members: Sequence[Member]) -> None:
        breadth, hidden = _size(members[0])
        super().__init__(cohort, level, size_of(members, cohort))
        self.members = tuple(members)
        seen = [(member, place) for place in range(breadth) for member in self.members]
        tokens = [(member, sorted(member.spec.sees)[place]) for member, place in seen]
        self.tokens_seen = tuple(self.token_of(member, token) for member, token in tokens)
        self.add_each(
            "join", [(m, f"in.{token}") for m, token in tokens], lambda width, units: (width, units), "fan_in"
        )
        biases = [(member, f"in.{token}.bias") for member, token in tokens]
        self.add_each("join_bias", biases, lambda _, units: (units,), "zeros")
        products = (hidden + 1) ** breadth
        self.add_each("out", [(m, "out") for m in self.members], lambda width, _: (products, width), "fan_in")
        self.add_each("out_bias", [(m, "out.bias") for m in self.members], lambda width, _: (width,), "zeros")
        # The units of each token are dropped before they are multiplied.
        sites = [site(f"{self.path_of(member)}.in.{place}") for member, place in seen]
        self.dropout = dropout(cohort, "dropout", [member.row for member, _ in seen], sites, units=hidden)

    @staticmethod
    def parts(members: Sequence[Member], _: Cohort) -> list[list[Member]]:
        """Experts split by breadth and width."""
        sizes = sorted({_size(member) for member in members})
        return [[member for member in members if _size(member) == size] for size in sizes]

    def forward(self, seen: Tensor, noise: Noise | None) -> Tensor:
        """Outputs [E, B, W] in the order of `members`, from the tokens at `tokens_seen` [n * E, B, W]."""
        units = F.gelu(torch.baddbmm(self.join_bias.unsqueeze(1), seen, self.join))
        if noise is not None and self.dropout is not None:
            units = units * noise.keep(self.dropout)
        product, *others = torch.split(F.pad(units, (1, 0), value=1.0), len(self.members))
        for factor in others:
            product = (product.unsqueeze(-1) * factor.unsqueeze(-2)).flatten(-2)
        return torch.baddbmm(self.out_bias.unsqueeze(1), product, self.out)


def _size(member: Member) -> tuple[int, int]:
    return len(member.spec.sees), member.spec.width
