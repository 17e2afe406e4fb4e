"""Gates: how much each destination token takes from each expert of its row and level.

Each row has softmax (Jacobs et al. 1991), noisy top-k (Shazeer et al. 2017) or sigmoid gates. An expert gets no weight
if a token may not hear it, or if all of the expert's tokens are absent.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor, nn

from haemsa.model.network.cohort import Cohort, Slot, Stacked
from haemsa.model.network.noise import Noise, Places, site
from haemsa.model.network.operations.scoring import barred, scores
from haemsa.model.spec.network import GLOBAL, ExpertSpec, LevelSpec

_TIE = 1e-5
"""Top-k treats scores that differ by less as equal, because rounding depends on a row's neighbours."""


class GateOutput(NamedTuple):
    """Weights [P, D, E, B], the raw logits, and which experts each token may use, 1 or 0 [P, D, E, B or 1]."""

    weights: Tensor
    logits: Tensor
    allowed: Tensor


class Gates(Stacked):
    """The gates of one level, for the rows that have it."""

    weight: nn.Parameter
    bias: nn.Parameter
    may_hear: Tensor
    sees: Tensor
    temperature: Tensor
    k: Tensor
    noise: Tensor
    sigmoid: Tensor

    def __init__(self, cohort: Cohort, level: int) -> None:
        super().__init__()
        rows = cohort.rows[: cohort.rows_with_level(level)]
        specs = [row.genome.network.levels[level] for row in rows]
        P, D = len(rows), len(cohort.tokens)
        slots = [
            (row * D + token, row, f"levels.{level}.gate.{name}", len(specs[row].experts))
            for row in range(P)
            for token, name in enumerate(cohort.tokens)
            if name in (*rows[row].genome.network.modalities, GLOBAL)
        ]
        weight = [Slot(index, row, f"{path}.weight", (cohort.widths[row], n)) for index, row, path, n in slots]
        self.add("weight", weight, cohort, "zeros", places=P * D, least=(cohort.width, 1))
        bias = [Slot(index, row, f"{path}.bias", (n,)) for index, row, path, n in slots]
        self.add("bias", bias, cohort, "zeros", places=P * D)
        E = self.weight.shape[-1]
        self.constant("may_hear", _may_hear(cohort, specs, E))
        self.constant("sees", _sees(cohort, specs, E))
        self._add_genes(specs, E)
        sites = [site(f"levels.{level}.gate.{name}.noise") for name in cohort.tokens] * P
        noisy = bool(self.noise.any())
        self.places = Places([row for row in range(P) for _ in range(D)], sites, units=E) if noisy else None

    def _add_genes(self, specs: list[LevelSpec], E: int) -> None:
        gates = [spec.gate for spec in specs]
        temperature = torch.tensor([gate.temperature for gate in gates]).view(-1, 1, 1, 1)
        self.constant("temperature", temperature)
        k = torch.tensor([min(gate.k, E) if gate.kind == "top_k" else E for gate in gates])
        self.constant("k", k.view(-1, 1, 1, 1))
        noise = torch.tensor([gate.noise if gate.kind == "top_k" else 0.0 for gate in gates])
        self.constant("noise", noise.view(-1, 1, 1, 1))
        sigmoid = torch.tensor([gate.kind == "sigmoid" for gate in gates])
        self.constant("sigmoid", sigmoid.view(-1, 1, 1, 1))
        self._any_sparse = bool((k < E).any())
        self._any_sigmoid = bool(sigmoid.any())

    def forward(self, tokens: Tensor, present: Tensor | None, noise: Noise | None) -> GateOutput:
        """Gate normalised tokens [P, D, B, W]; `present` is bool [P, D, B], or None where all are."""
        (P, D, B, _), E = tokens.shape, self.weight.shape[-1]
        logits = (scores(tokens.flatten(0, 1), self.weight) + self.bias.unsqueeze(2)).view(P, D, E, B)
        allowed = self.may_hear
        if present is not None:
            available = torch.bmm(self.sees, present.to(self.sees)).clamp_(max=1)  # [P, E, B]
            allowed = allowed * available.unsqueeze(1)
        tempered = logits / self.temperature
        if self.places is not None and noise is not None:
            draws = noise.normal(self.places).view(P, D, B, E).transpose(2, 3)
            tempered = tempered + self.noise * draws.to(tempered.dtype)
        return GateOutput(self._mix(tempered, allowed), logits, allowed)

    def _mix(self, tempered: Tensor, allowed: Tensor) -> Tensor:
        masked = barred(tempered, allowed)
        if self._any_sparse:
            ranked = masked.sort(2, descending=True).values
            P, D, _, B = masked.shape
            last = ranked.gather(2, (self.k - 1).expand(P, D, 1, B))
            masked = masked.masked_fill(masked < last - _TIE, -torch.inf)
        weights = masked.softmax(2) * allowed
        if self._any_sigmoid:
            weights = torch.where(self.sigmoid, tempered.sigmoid() * allowed, weights)
        return weights


def _sees(cohort: Cohort, specs: list[LevelSpec], E: int) -> Tensor:
    """Which tokens each expert sees, 1 or 0 [P, E, D]."""
    table = np.zeros((len(specs), E, len(cohort.tokens)), np.float32)
    for row, spec in enumerate(specs):
        for number, expert in enumerate(spec.experts):
            for name in expert.sees:
                table[row, number, cohort.tokens.index(name)] = 1
    return torch.from_numpy(table)


def _may_hear(cohort: Cohort, specs: list[LevelSpec], E: int) -> Tensor:
    """Which experts each token may hear at all, 1 or 0 [P, D, E, 1]."""
    table = np.zeros((len(specs), len(cohort.tokens), E, 1), np.float32)
    for row, spec in enumerate(specs):
        names = (*cohort.rows[row].genome.network.modalities, GLOBAL)
        for token, name in enumerate(cohort.tokens):
            for number, expert in enumerate(spec.experts):
                table[row, token, number, 0] = name in names and hears(name, expert, spec.transfer)
    return torch.from_numpy(table)


def hears(token: str, expert: ExpertSpec, transfer: bool) -> bool:
    """Whether a token may hear an expert. Without transfer, a local token hears only experts of its own modality."""
    return transfer or token == GLOBAL or expert.sees == (token,)
