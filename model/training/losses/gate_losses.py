"""Losses of gates per row, and the sum of all losses.

Each row and sample has a weight, so that a row ignores the samples that its fold holds out. Losses of tasks are in
task_losses.py, and the loss of transfer is in distillation.py.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NamedTuple

import torch
from torch import Tensor
from torch.nn import functional as F

from haemsa.model.network.gates import GateOutput
from haemsa.model.network.operations.scoring import barred

HUBER_DELTA: Final = 0.5
"""The regression loss turns from square to absolute at this distance, in standard deviations of the target."""
ROUTER_Z_WEIGHT: Final = 1e-3
"""Weight of the router z-loss, as in ST-MoE."""


class Losses(NamedTuple):
    """Each part of the loss, per row [P]. `transfer` is None if no row distils."""

    task: Tensor
    balance: Tensor
    router_z: Tensor
    transfer: Tensor | None = None

    def total(self, balance: Tensor, transfer: Tensor) -> Tensor:
        """The sum that each row trains on, with its own weights of balance and transfer [P]."""
        total = self.task + balance * self.balance + ROUTER_Z_WEIGHT * self.router_z
        return total if self.transfer is None else total + transfer * self.transfer


def weighted_mean(values: Tensor, weights: Tensor) -> Tensor:
    """Mean over all axes but the first; 0 where all weights are 0. Both are [P, ...]."""
    return (values * weights).flatten(1).sum(1) / weights.flatten(1).sum(1).clamp(min=1e-12)


def balance_loss(gate: GateOutput, weights: Tensor) -> Tensor:
    """Squared coefficient of variation of expert importance (Shazeer et al. 2017), averaged over tokens [P].

    Importance is per destination token, so experts are balanced within each modality and not over all.
    """
    seen = gate.allowed if gate.allowed.shape[3] == 1 else gate.allowed * (weights > 0).to(weights)[:, None, None]
    allowed = seen.amax(3)  # [P, D, E]: an expert counts if a training sample of the batch could use it
    share = weights / weights.sum(1, keepdim=True).clamp(min=1e-12)
    importance = (gate.weights * share[:, None, None]).sum(3)
    count = allowed.sum(-1).clamp(min=1)
    mean = importance.sum(-1) / count
    variance = ((importance - mean.unsqueeze(-1)).square() * allowed).sum(-1) / count
    variation = variance / (mean.square() + 1e-6)
    tokens = allowed.amax(-1)
    return (variation * tokens).sum(1) / tokens.sum(1).clamp(min=1)


def router_z_loss(gate: GateOutput, weights: Tensor) -> Tensor:
    """Mean squared log-sum-exp of gate logits (ST-MoE, Zoph et al. 2022, eq. 5) [P]."""
    usable = gate.allowed.amax(2)  # [P, D, B or 1]
    sums = torch.logsumexp(barred(gate.logits, gate.allowed), 2) * usable
    return weighted_mean(sums.square(), usable * weights.unsqueeze(1))


def gate_losses(gates: Sequence[GateOutput], weights: Tensor) -> tuple[Tensor, Tensor]:
    """Balance loss and router z-loss, summed over levels [P]. Only the first rows have the later levels."""
    if not gates:
        return weights.new_zeros(len(weights)), weights.new_zeros(len(weights))
    counts = [len(gate.weights) for gate in gates]
    every, own = _joined(gates), torch.cat([weights[:count] for count in counts])
    losses = torch.stack([balance_loss(every, own), router_z_loss(every, own)])
    by_level = [F.pad(part, (0, len(weights) - part.shape[1])) for part in torch.split(losses, counts, 1)]
    balance, router_z = torch.stack(by_level).sum(0)
    return balance, router_z


def _joined(gates: Sequence[GateOutput]) -> GateOutput:
    """The gates of all levels as those of further rows. Experts that a level does not have may not be heard."""
    most = max(gate.weights.shape[2] for gate in gates)
    samples = max(gate.allowed.shape[3] for gate in gates)
    padded = [[_widened(part, most) for part in gate] for gate in gates]
    weights, logits, allowed = zip(*padded, strict=True)
    return GateOutput(
        torch.cat(weights), torch.cat(logits), torch.cat([part.expand(-1, -1, -1, samples) for part in allowed])
    )


def _widened(part: Tensor, experts: int) -> Tensor:
    missing = experts - part.shape[2]
    return F.pad(part, (0, 0, 0, missing)) if missing else part
