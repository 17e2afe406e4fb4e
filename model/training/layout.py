"""All stacks of a cohort in one flat array, and which numbers of it belong to which row."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Final, NamedTuple

import torch
from torch import Tensor

from haemsa.model.network.cohort import Stack

_CHUNK: Final = 64
"""So many neighbours of one row are treated together: few enough to divide most matrices, enough to be fast."""


class Span(NamedTuple):
    """Where a stack lies in flat arrays."""

    stack: Stack
    start: int
    stop: int

    def view(self, flat: Tensor) -> Tensor:
        """This stack's part of a flat array, in the stack's shape."""
        return flat[self.start : self.stop].view_as(self.stack.parameter)


class ByRow(NamedTuple):
    """A number of each row, in shapes that broadcast to both parts of a flat array (`Layout.parts`)."""

    chunks: Tensor  # [C, 1]
    rest: Tensor  # [R]


class Layout:
    """Flat arrays begin with the stacks whose places consist of whole chunks. In the rest, each number is on its own.

    So what is done by row takes two kernels however many stacks there are.
    """

    def __init__(self, stacks: Sequence[Stack]) -> None:
        ordered = sorted(stacks, key=_is_uneven)
        self.spans, start = list[Span](), 0
        for stack in ordered:
            self.spans.append(Span(stack, start, start + stack.parameter.numel()))
            start = self.spans[-1].stop
        self.size = start
        self._even = sum(stack.parameter.numel() for stack in ordered if not _is_uneven(stack))
        device, even = stacks[0].parameter.device, [stack for stack in ordered if not _is_uneven(stack)]
        uneven = ordered[len(even) :]
        self._chunk_rows = _repeated([(_rows_of(stack), _inner(stack) // _CHUNK) for stack in even]).to(device)
        self._rest_rows = _repeated([(_rows_of(stack), _inner(stack)) for stack in uneven]).to(device)

    def parts(self, flat: Tensor) -> tuple[Tensor, Tensor]:
        """Views of the chunks [C, n] and of the rest [R]."""
        return flat[: self._even].view(-1, _CHUNK), flat[self._even :]

    def by_row(self, values: Tensor) -> ByRow:
        """The values of rows [P] at each of their places."""
        chunks = values.index_select(0, self._chunk_rows).unsqueeze(1)
        return ByRow(chunks, values.index_select(0, self._rest_rows))

    def norms(self, flat: Tensor, rows: int) -> Tensor:
        """The norm of each row's numbers [P]."""
        chunks, rest = self.parts(flat)
        squares = flat.new_zeros(rows)
        squares.index_add_(0, self._chunk_rows, torch.linalg.vector_norm(chunks, dim=1).square_())
        return squares.index_add_(0, self._rest_rows, rest.square()).sqrt_()

    def scale_(self, flat: Tensor, factors: ByRow) -> Tensor:
        """Multiply each row's numbers by its factor, in place."""
        for part, factor in zip(self.parts(flat), factors, strict=True):
            part.mul_(factor)
        return flat


def _inner(stack: Stack) -> int:
    return math.prod(stack.parameter.shape[1:])


def _is_uneven(stack: Stack) -> bool:
    return _inner(stack) % _CHUNK > 0


def _repeated(parts: Sequence[tuple[Tensor, int]]) -> Tensor:
    """The rows of all places, each as often as it says."""
    return torch.cat([torch.empty(0, dtype=torch.long), *(rows.repeat_interleave(count) for rows, count in parts)])


def _rows_of(stack: Stack) -> Tensor:
    """The row of each place on the leading axis. A hole belongs to the row of the next slot, or of the last one."""
    stops = torch.tensor([0, *(slot.stop for slot in stack.slots[:-1]), len(stack.parameter)])
    return torch.tensor([slot.row for slot in stack.slots]).repeat_interleave(stops.diff())
