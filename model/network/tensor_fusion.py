"""Tensor experts: the products of all units of all tokens that an expert sees (TFN, Zadeh et al. 2017, eq. 3)."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn import functional as F

from haemsa.model.network.cohort import Cohort
from haemsa.model.network.experts import ExpertGroup, Member, Source, path_of
from haemsa.model.network.noise import site
from haemsa.model.spec.network import ExpertSpec


class TensorFusionGroup(ExpertGroup):
    """Tensor experts of n tokens and of width r: each token becomes h [r], and `out` reads the product of all (1, h).

    Padding would multiply the (r + 1) ** n products, so experts of another size make another group. Tokens are sorted
    by name, because the rows of `out` depend on their order.
    """

    @staticmethod
    def parts(members: Sequence[Member], _: Cohort) -> list[list[Member]]:
        """Experts split by breadth and width."""
        sizes = sorted({_size(member) for member in members})
        return [[member for member in members if _size(member) == size] for size in sizes]

    def _sees(self, spec: ExpertSpec) -> tuple[str, ...]:
        return tuple(sorted(spec.sees))

    def _out_shape(self, width: int, hidden: int) -> tuple[int, ...]:
        return (hidden + 1) ** len(self._prefixes), width

    def _hidden_layers(self) -> list[tuple[int, int]]:
        """The units of each token are dropped before they are multiplied."""
        return [
            (member.row, site(f"{path_of(self._level, member)}.in.{place}"))
            for place in range(len(self._prefixes))
            for member in self.members
        ]

    def forward(self, seen: Tensor, source: Source) -> Tensor:
        """Outputs [E, B, W] in the order of `members`, from the tokens at `tokens_seen` [n * E, B, W]."""
        units = F.gelu(torch.baddbmm(self.join_bias.unsqueeze(1), seen, self.join))
        keep = self._keep(source)
        units = units if keep is None else units * keep
        product, *others = torch.split(F.pad(units, (1, 0), value=1.0), self._prefixes)
        for factor in others:
            product = (product.unsqueeze(-1) * factor.unsqueeze(-2)).flatten(-2)
        return torch.baddbmm(self.out_bias.unsqueeze(1), product, self.out)


def _size(member: Member) -> tuple[int, int]:
    return len(member.spec.sees), member.spec.width
