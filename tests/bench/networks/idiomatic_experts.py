"""The experts of the idiomatic network, one module each. B samples, T time steps, H hidden units, W token width."""

from __future__ import annotations

import math
from collections.abc import Mapping

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from haemsa.model.network.batch import Batch
from haemsa.model.schema import Schema
from haemsa.model.spec.network import ExpertSpec

Kept = Mapping[str, Tensor]
"""Feature dropout by modality [D]."""


def make_expert(spec: ExpertSpec, width: int, dropout: float, schema: Schema) -> nn.Module:
    """The module of an expert; `forward` takes tokens by name, presence by name (empty: all), the batch and dropout."""
    if spec.kind == "tensor":
        return TensorExpert(spec, width, dropout)
    return Expert(spec, width, dropout, schema)


class Expert(nn.Module):
    """A small network over some of the tokens; by cross-attention, also over the time steps of their modalities."""

    def __init__(self, spec: ExpertSpec, width: int, dropout: float, schema: Schema) -> None:
        super().__init__()
        self.spec = spec
        seen, H = len(spec.sees), spec.width
        if spec.kind == "low_rank":
            self.factors = nn.ModuleList(nn.Linear(width, H) for _ in range(seen))
        else:
            self.join = nn.Linear(seen * width, 2 * H if spec.kind == "gated" else H)
        read = [name for name in spec.sees if name in schema.modalities and schema.modalities[name][0] > 1]
        read = read if spec.kind == "cross_attention" else []
        self.keys = nn.ModuleDict({name: nn.Linear(schema.modalities[name][1], H, bias=False) for name in read})
        self.values = nn.ModuleDict({name: nn.Linear(schema.modalities[name][1], H) for name in read})
        self.layers = nn.ModuleList(nn.Linear(H, H) for _ in range(spec.depth - 1))
        self.out = nn.Linear(H, width)
        self.dropout = nn.Dropout(dropout)

    def forward(self, tokens: Mapping[str, Tensor], present: Mapping[str, Tensor], batch: Batch, kept: Kept) -> Tensor:
        """Output [B, W]."""
        seen = [tokens[name] for name in self.spec.sees]
        if self.spec.kind == "low_rank":
            hidden = self.factors[0](seen[0])
            for factor, token in zip(self.factors[1:], seen[1:], strict=True):
                hidden = hidden * factor(token)
        elif self.spec.kind == "gated":
            gate, value = self.join(torch.cat(seen, -1)).chunk(2, -1)
            hidden = F.gelu(gate) * value
        else:
            hidden = self.join(torch.cat(seen, -1))
            hidden = F.gelu(hidden + self._read(hidden, present, batch, kept))
        hidden = self.dropout(hidden)
        for layer in self.layers:
            hidden = hidden + self.dropout(F.gelu(layer(hidden)))
        return self.out(hidden)

    def _read(self, query: Tensor, present: Mapping[str, Tensor], batch: Batch, kept: Kept) -> Tensor:
        """What a query [B, H] finds in all modalities that are read [B, H]."""
        found = torch.zeros_like(query)
        for name, key in self.keys.items():
            (x,), (real,) = batch.steps[name].samples, batch.steps[name].by_block(batch.steps[name].real)
            x = x * kept[name]
            scores = (key(x) @ query.unsqueeze(-1)).squeeze(-1) / math.sqrt(self.spec.width)  # [B, T]
            shares = scores.masked_fill(~real, float("-inf")).softmax(-1)
            values = (shares.unsqueeze(1) @ self.values[name](x)).squeeze(1)
            found = found + (values * present[name].unsqueeze(-1) if present else values)
        return found


class TensorExpert(nn.Module):
    """A linear layer over the outer product of a few units of each token, and one."""

    def __init__(self, spec: ExpertSpec, width: int, dropout: float) -> None:
        super().__init__()
        self.spec = spec
        self.units = nn.ModuleDict({name: nn.Linear(width, spec.width) for name in sorted(spec.sees)})
        self.out = nn.Linear((spec.width + 1) ** len(spec.sees), width)
        self.dropout = nn.Dropout(dropout)

    def forward(self, tokens: Mapping[str, Tensor], *_: object) -> Tensor:
        """Output [B, W]."""
        product = torch.ones_like(tokens[self.spec.sees[0]][:, :1])
        for name, linear in self.units.items():
            units = F.pad(self.dropout(F.gelu(linear(tokens[name]))), (1, 0), value=1.0)
            product = torch.einsum("bi,bj->bij", product, units).flatten(1)
        return self.out(product)
