"""One row's weights out of and into a cohort: by name, at their real sizes, without padding."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor

from haemsa.model.network.cohort import Stack, Stacked

Weights = dict[str, Tensor]
"""A network's parameters by name, as `levels.0.experts.2.out`."""


def extract_from(values: Sequence[tuple[Stack, Tensor]], rows: Sequence[int]) -> list[Weights]:
    """Each row's values, copied and trimmed, from tensors laid out as the stacks are (weights, averages, moments)."""
    found: dict[int, Weights] = {row: {} for row in rows}
    for stack, tensor in values:
        for slot in stack.slots:
            if slot.row in found:
                found[slot.row][slot.name] = tensor.detach()[slot.place].clone()
    return list(found.values())


def insert(module: Stacked, weights: Sequence[Mapping[str, Tensor]]) -> None:
    """Set all weights of all rows. Raises ValueError naming a weight that is missing or has another shape."""
    insert_into([(stack, stack.parameter.data) for stack in module.stacks()], weights)


def insert_into(values: Sequence[tuple[Stack, Tensor]], weights: Sequence[Mapping[str, Tensor]]) -> None:
    """Like `insert`, into tensors laid out as the stacks are."""
    with torch.no_grad():
        for stack, tensor in values:
            tensor.zero_()
            for slot in stack.slots:
                given = weights[slot.row].get(slot.name)
                if given is None or tuple(given.shape) != slot.shape:
                    found = "missing" if given is None else f"of shape {tuple(given.shape)}"
                    raise ValueError(f"weight {slot.name} is {found}, expected shape {slot.shape}")
                tensor[slot.place] = given.to(tensor)
