"""The first layer of experts: each token that an expert sees is projected, and what comes of them is joined.

A pair is an expert and one token that it sees. Experts of each kind join their pairs in another way:

- mlp: GELU(sum)
- gated (GEGLU, Shazeer 2020): GELU(sum a) * (sum b)
- low_rank (LMF, Liu et al. 2018): the product of an affine map of each token

Cross-attention is in a file of its own.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from haemsa.model.network.cohort import Cohort
from haemsa.model.network.experts.members import ExpertPart, Member, Size


class Join(ExpertPart):
    """The first layer of the n experts of one kind in a group, in which the sum of all pairs is the input of GELU.

    `tokens_seen`: where the token of each pair lies on the axis [P * D].
    """

    weight: nn.Parameter
    bias: nn.Parameter
    owner: Tensor

    def __init__(self, cohort: Cohort, level: int, members: Sequence[Member], size: Size) -> None:
        super().__init__(cohort, level, size)
        self.members = tuple(members)
        pairs = self._pairs()
        self.tokens_seen = tuple(self.token_of(member, token) for member, token in pairs)
        places = {member: place for place, member in enumerate(self.members)}
        self.constant("owner", torch.tensor([places[member] for member, _ in pairs]))
        self.add_each("weight", [(member, f"in.{token}") for member, token in pairs], self._shape, "fan_in")
        self._add_bias(pairs)

    def _pairs(self) -> list[tuple[Member, str]]:
        return [(member, token) for member in self.members for token in member.spec.sees]

    def _shape(self, width: int, hidden: int) -> tuple[int, ...]:
        return width, hidden

    def _add_bias(self, _: Sequence[tuple[Member, str]]) -> None:
        biases = [(member, "in.bias") for member in self.members]
        self.add_each("bias", biases, lambda *sizes: self._shape(*sizes)[1:], "zeros")

    def forward(self, seen: Tensor) -> Tensor:
        """Hidden units [n, B, H] from the tokens at `tokens_seen` [pairs, B, W]."""
        return F.gelu(self.total(seen))

    def total(self, seen: Tensor) -> Tensor:
        """The sum of each expert's projected tokens and its bias."""
        weight, bias = self.weight.flatten(2), self.bias.flatten(1).unsqueeze(1)
        if len(self.owner) == len(self.members):  # a pair each
            return torch.baddbmm(bias, seen, weight)
        pairs = torch.bmm(seen, weight)
        return bias.expand(-1, *pairs.shape[1:]).index_add(0, self.owner, pairs)


class GatedJoin(Join):
    """The same for experts whose units have a gate each."""

    def _shape(self, width: int, hidden: int) -> tuple[int, ...]:
        return width, 2, hidden

    def forward(self, seen: Tensor) -> Tensor:
        """Hidden units [n, B, H] from the tokens at `tokens_seen` [pairs, B, W]."""
        gate, value = self.total(seen).chunk(2, -1)
        return F.gelu(gate) * value


class ProductJoin(Join):
    """The same for experts that multiply. Pairs are sorted by the token's place in `sees`."""

    def __init__(self, cohort: Cohort, level: int, members: Sequence[Member], size: Size) -> None:
        super().__init__(cohort, level, sorted(members, key=lambda member: -len(member.spec.sees)), size)

    def _pairs(self) -> list[tuple[Member, str]]:
        """Those at one place belong to the first experts."""
        breadth = len(self.members[0].spec.sees)
        self._prefixes = [sum(len(m.spec.sees) > place for m in self.members) for place in range(breadth)]
        return [(m, m.spec.sees[place]) for place, n in enumerate(self._prefixes) for m in self.members[:n]]

    def _add_bias(self, pairs: Sequence[tuple[Member, str]]) -> None:
        biases = [(member, f"in.{token}.bias") for member, token in pairs]
        self.add_each("bias", biases, lambda _, hidden: (hidden,), "ones")

    def forward(self, seen: Tensor) -> Tensor:
        """Hidden units [n, B, H] from the tokens at `tokens_seen` [pairs, B, W]."""
        pairs = torch.baddbmm(self.bias.unsqueeze(1), seen, self.weight)
        product, *others = torch.split(pairs, self._prefixes)
        for factor in others:
            broad, done = torch.split(product, [len(factor), len(product) - len(factor)])
            product = torch.cat([broad * factor, done]) if len(done) else broad * factor
        return product
