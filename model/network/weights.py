"""Moves one row's weights out of a cohort and into another: by name, at their real sizes, without padding."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor

from haemsa.model.network.cohort import Stack, Stacked

Weights = dict[str, Tensor]
"""A network's parameters by name, as `levels.0.experts.2.out`."""


def extract_from(values: Sequence[tuple[Stack, Tensor]], rows: Sequence[int]) -> list[Weights]:
    """Each row's values, copied and trimmed, from tensors laid out as the stacks are (weights, averages, moments).

    They are on the CPU. A cohort has thousands of small weights, and numpy copies each four times as fast as torch.
    """
    by_row: dict[int, Weights] = {row: {} for row in rows}
    for stack, tensor in values:
        array = tensor.detach().numpy()
        for slot in stack.slots:
            if slot.row in by_row:
                by_row[slot.row][slot.name] = torch.from_numpy(array[slot.place].copy())
    return list(by_row.values())


def insert(module: Stacked, weights: Sequence[Mapping[str, Tensor]]) -> None:
    """Set all weights of all rows.

    Raises:
        ValueError: A weight is missing or has another shape. One sentence names it.
    """
    insert_into([(stack, stack.parameter.data) for stack in module.stacks()], weights)


def insert_into(values: Sequence[tuple[Stack, Tensor]], weights: Sequence[Mapping[str, Tensor]]) -> None:
    """Like `insert`, into tensors on the CPU that are laid out as the stacks are."""
    for stack, tensor in values:
        array = tensor.detach().numpy()
        array[...] = 0
        for slot in stack.slots:
            weight = weights[slot.row].get(slot.name)
            if weight is None or tuple(weight.shape) != slot.shape:
                problem = "missing" if weight is None else f"of shape {tuple(weight.shape)}"
                raise ValueError(f"weight {slot.name} is {problem}, expected shape {slot.shape}")
            array[slot.place] = weight.numpy()
