"""The network of one genome as most people would write it: an `nn.Module` with lists of modules and loops over them.

Cohorts are measured against it. It is also a second, independent statement of what a genome means: loaded with the
weights of a cohort's row, it predicts the same. Axes: B samples, T time steps, D tokens, E experts, W token width.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from haemsa.model.network.batch import Batch
from haemsa.model.schema import Schema
from haemsa.model.spec.genome import Genome
from haemsa.model.spec.network import GLOBAL, EncoderSpec, LevelSpec
from tests.bench.networks.idiomatic_experts import Kept, make_expert


class Encoder(nn.Module):
    """One modality: pooled over time, then projected; a convolution projects first."""

    def __init__(self, spec: EncoderSpec, features: int, width: int) -> None:
        super().__init__()
        self.spec = spec
        self.stand_in = nn.Parameter(torch.empty(width).uniform_(-1, 1))
        self.share = nn.Parameter(torch.zeros(()))
        heads = spec.heads if spec.kind == "attention" else 1
        self.projections = nn.ModuleList(nn.Linear(features, width // heads) for _ in range(heads))
        if spec.kind == "attention":
            self.query = nn.Linear(features, heads, bias=False)
        if spec.kind == "convolution":
            self.convolution = nn.Conv1d(width, width, spec.kernel, padding="same", groups=width, bias=False)

    def forward(self, batch: Batch, kept: Kept) -> Tensor:
        """Tokens [B, W]."""
        name = self.spec.modality
        if self.spec.kind == "mean":
            return self.projections[0](batch.means[name] * kept[name])
        (x,), (steps,) = batch.steps[name].samples, batch.steps[name].by_block(batch.steps[name].real)
        x = x * kept[name]
        if self.spec.kind == "attention":
            scores = self.query(x).masked_fill(~steps.unsqueeze(-1), float("-inf"))
            pooled = scores.softmax(1).transpose(1, 2) @ x
            return torch.cat([project(pooled[:, i]) for i, project in enumerate(self.projections)], -1)
        hidden = (self.projections[0](x) * steps.unsqueeze(-1)).transpose(1, 2)
        hidden = F.gelu(self.convolution(hidden))
        return hidden.masked_fill(~steps.unsqueeze(1), float("-inf")).amax(2)


class Level(nn.Module):
    """Experts, a gate per destination token, and a residual."""

    def __init__(self, spec: LevelSpec, names: tuple[str, ...], width: int, dropout: float, schema: Schema) -> None:
        super().__init__()
        self.spec, self.names = spec, names
        self.experts = nn.ModuleList(make_expert(expert, width, dropout, schema) for expert in spec.experts)
        self.gates = nn.ModuleList(nn.Linear(width, len(spec.experts)) for _ in names)
        self.norm = nn.RMSNorm(width, eps=1e-6, elementwise_affine=False)
        heard = [[spec.transfer or name == GLOBAL or e.sees == (name,) for e in spec.experts] for name in names]
        self.register_buffer("heard", torch.tensor(heard))
        self.register_buffer("sees", torch.tensor([[name in e.sees for e in spec.experts] for name in names]))

    def forward(
        self, tokens: Tensor, present: Tensor | None, batch: Batch, kept: Kept
    ) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Tokens after the level [B, D, W], then gate weights, logits and allowed experts [B, D, E]."""
        normed = self.norm(tokens)
        by_name = dict(zip(self.names, normed.unbind(1), strict=True))
        known = {} if present is None else dict(zip(self.names, present.unbind(1), strict=True))
        outputs = torch.stack([expert(by_name, known, batch, kept) for expert in self.experts], 1)  # [B, E, W]
        logits = torch.stack([gate(by_name[name]) for gate, name in zip(self.gates, self.names, strict=True)], 1)
        allowed = self.heard.expand_as(logits)
        if present is not None:
            allowed = allowed & (present.unsqueeze(-1) & self.sees).any(1, keepdim=True)
        weights = self._mix(logits / self.spec.gate.temperature, allowed)
        return tokens + weights @ outputs, weights, logits, allowed

    def _mix(self, scores: Tensor, allowed: Tensor) -> Tensor:
        gate = self.spec.gate
        if gate.kind == "sigmoid":
            return scores.sigmoid() * allowed
        if gate.kind == "top_k" and self.training and gate.noise:
            scores = scores + gate.noise * torch.randn_like(scores)
        scores = scores.masked_fill(~allowed, float("-inf"))
        if gate.kind == "top_k" and gate.k < scores.shape[-1]:
            least = scores.topk(gate.k, -1).values[..., -1:]
            scores = scores.masked_fill(scores < least - 1e-5, float("-inf"))
        return scores.masked_fill(~allowed.any(-1, keepdim=True), 0.0).softmax(-1) * allowed


class Head(nn.Module):
    """A gate over the tokens and a linear layer."""

    def __init__(self, width: int, tokens: int, outputs: int) -> None:
        super().__init__()
        self.gate = nn.Linear(width, 1, bias=False)
        self.gate_bias = nn.Parameter(torch.zeros(tokens, 1))
        self.out = nn.Linear(width, outputs)

    def forward(self, tokens: Tensor, present: Tensor | None) -> Tensor:
        """Raw outputs [B, C]."""
        scores = self.gate(tokens) + self.gate_bias
        if present is not None:
            scores = scores.masked_fill(~present.unsqueeze(-1), float("-inf"))
        return self.out((scores.softmax(1) * tokens).sum(1))


class IdiomaticNetwork(nn.Module):
    """The whole network; returns raw outputs by task [B, C], and each level's gate weights, logits, allowed."""

    def __init__(self, genome: Genome, schema: Schema) -> None:
        super().__init__()
        network, genes = genome.network, genome.training
        specs = sorted(network.encoders, key=lambda spec: list(schema.modalities).index(spec.modality))
        names = (*(spec.modality for spec in specs), GLOBAL)
        self.encoders = nn.ModuleList(
            Encoder(spec, schema.modalities[spec.modality][1], network.width) for spec in specs
        )
        levels = (Level(level, names, network.width, genes.dropout, schema) for level in network.levels)
        self.levels = nn.ModuleList(levels)
        self.feature_dropout = nn.Dropout(genes.feature_dropout)
        heads = {name: Head(network.width, len(names), task.outputs) for name, task in schema.tasks.items()}
        self.names, self.heads = names, nn.ModuleDict(heads)
        self.modality_dropout = genes.modality_dropout

    def forward(self, batch: Batch) -> tuple[dict[str, Tensor], list[tuple[Tensor, Tensor, Tensor]]]:
        """Outputs and gates for a batch."""
        kept = {name: self.feature_dropout(torch.ones_like(values[0])) for name, values in batch.means.items()}
        local = torch.stack([encoder(batch, kept) for encoder in self.encoders], 1)  # [B, M, W]
        present = self._present(batch)
        logits = torch.stack([encoder.share for encoder in self.encoders])
        if present is None:
            shares = logits.softmax(0).expand(local.shape[:2])
        else:
            stand_ins = torch.stack([encoder.stand_in for encoder in self.encoders])
            local = torch.where(present.unsqueeze(-1), local, stand_ins)
            shares = logits.expand(local.shape[:2]).masked_fill(~present, float("-inf")).softmax(1).nan_to_num()
            present = torch.cat([present, torch.ones_like(present[:, :1])], 1)
        tokens = torch.cat([local, (local * shares.unsqueeze(-1)).sum(1, keepdim=True)], 1)
        gates = []
        for level in self.levels:
            tokens, *gate = level(tokens, present, batch, kept)
            gates.append(tuple(gate))
        return {name: head(tokens, present) for name, head in self.heads.items()}, gates

    def _present(self, batch: Batch) -> Tensor | None:
        """Present modalities, bool [B, M]. None if all are present."""
        drops = self.training and self.modality_dropout > 0
        if batch.complete and not drops:
            return None
        present = torch.stack([batch.present[encoder.spec.modality] for encoder in self.encoders], 1)
        if drops:
            left = present & (torch.rand(present.shape, device=present.device) >= self.modality_dropout)
            present = torch.where(left.any(1, keepdim=True), left, present)
        return present
