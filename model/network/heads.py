"""Heads: per task, a gate over a row's tokens and a linear layer (per-task gates after MMoE, Ma et al. 2018)."""

from __future__ import annotations

import torch
from torch import Tensor

from haemsa.model.network.cohort import Cohort, Slot, Stacked
from haemsa.model.network.operations.pooling import pool_by_scores, token_shares
from haemsa.model.spec.network import GLOBAL


class Heads(Stacked):
    """All heads of a cohort: tokens [P, D, B, W] become raw outputs [P, B, C] of each task."""

    used: Tensor

    def __init__(self, cohort: Cohort) -> None:
        super().__init__()
        self.tasks = tuple(cohort.schema.tasks)
        P, D = len(cohort), len(cohort.tokens)
        names = [(*row.genome.network.modalities, GLOBAL) for row in cohort.rows]
        used = [[token in row for token in cohort.tokens] for row in names]
        self.constant("used", torch.tensor(used).unsqueeze(-1))
        for name, task in cohort.schema.tasks.items():
            self._add(cohort, f"{name}.gate", 1, f"gate_{self.tasks.index(name)}")
            self._add(cohort, f"{name}.weight", task.outputs, f"weight_{self.tasks.index(name)}")
            bias = [Slot(row, row, f"heads.{name}.bias", (task.outputs,)) for row in range(P)]
            self.add(f"bias_{self.tasks.index(name)}", bias, cohort, "zeros")
            gate_bias = [
                Slot(row * D + place, row, f"heads.{name}.gate_bias.{token}", (1,), spread=True)
                for row in range(P)
                for place, token in enumerate(cohort.tokens)
                if used[row][place]
            ]
            self.add(f"gate_bias_{self.tasks.index(name)}", gate_bias, cohort, "zeros", places=P * D)

    def _add(self, cohort: Cohort, path: str, outputs: int, name: str) -> None:
        slots = [Slot(row, row, f"heads.{path}", (width, outputs)) for row, width in enumerate(cohort.widths)]
        self.add(name, slots, cohort, "zeros" if name.startswith("gate") else "fan_in")

    def forward(self, tokens: Tensor, present: Tensor | None) -> dict[str, Tensor]:
        """Raw outputs [P, B, C] by task: scaled regression values, or logits."""
        outputs = {}
        for number, task in enumerate(self.tasks):
            weight, bias = (self.get_parameter(f"{part}_{number}") for part in ("weight", "bias"))
            pooled = pool_by_scores(tokens, *self._gate(number, present))
            outputs[task] = torch.baddbmm(bias.unsqueeze(1), pooled, weight)
        return outputs

    def shares(self, task: str, tokens: Tensor, present: Tensor | None) -> Tensor:
        """The share that a task's head takes of each token [P, D, B]. Shares sum to 1 over D."""
        return token_shares(tokens, *self._gate(self.tasks.index(task), present))

    def _gate(self, number: int, present: Tensor | None) -> tuple[Tensor, Tensor, Tensor]:
        """The weight and the bias of a task's gate, and which tokens it may read, bool [P, D, B or 1]."""
        usable = self.used if present is None else self.used & present
        bias = self.get_parameter(f"gate_bias_{number}").view(len(self.used), -1, 1)
        return self.get_parameter(f"gate_{number}"), bias, usable
