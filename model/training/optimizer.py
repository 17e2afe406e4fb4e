"""AdamW (Loshchilov and Hutter 2019) whose learning rate, weight decay and clipping belong to each row of a cohort."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import torch
from torch import Tensor

from haemsa.model.network.cohort import Stack
from haemsa.model.network.weights import Weights, extract_from, insert_into


class Span(NamedTuple):
    """Where a stack lies in the flat arrays."""

    stack: Stack
    start: int
    stop: int

    def view(self, flat: Tensor) -> Tensor:
        """This stack's part of a flat array, in the stack's shape."""
        return flat[self.start : self.stop].view_as(self.stack.parameter)


class CohortAdamW:
    """Keeps all parameters of a cohort in one flat array, and moves each row at its own rate.

    Torch's fused Adam computes the direction with a learning rate of 1 in one pass over the flat arrays. Scaling it by
    row takes a second pass.

    Args:
        stacks: The cohort's parameters. They become views of `values`.
        learning_rate: Of each row [P].
        weight_decay: Of each row [P].
        clip: The largest norm of each row's whole gradient [P].
    """

    def __init__(self, stacks: Sequence[Stack], learning_rate: Tensor, weight_decay: Tensor, clip: Tensor) -> None:
        first = stacks[0].parameter
        self.spans = _lay_out(stacks)
        self._clip = clip.to(first)
        self._rows = torch.cat([_rows_of(span.stack) for span in self.spans]).to(first.device)
        self._counts = [len(span.stack.parameter) for span in self.spans]
        size = self.spans[-1].stop
        self.values, self._rate, self._decay = (first.new_zeros(size).detach() for _ in range(3))
        self._direction = torch.nn.Parameter(torch.zeros_like(self.values))
        self._direction.grad = torch.zeros_like(self.values)
        self._adam = torch.optim.Adam([self._direction], lr=1.0, fused=True, capturable=first.is_cuda)
        for span in self.spans:
            span.view(self.values).copy_(span.stack.parameter.detach())
            span.stack.parameter.data = span.view(self.values)
        rate = learning_rate.to(first)
        for span, by_slot in self.by_slot(rate):
            span.view(self._rate).copy_(by_slot)
        for span, by_slot in self.by_slot(1 - rate * weight_decay.to(first)):
            span.view(self._decay).copy_(by_slot if span.stack.decays else torch.ones_like(by_slot))

    def step(self, loss: Tensor) -> None:
        """Move every row down the gradient of `loss`, the sum over rows of their losses."""
        # The tokens that replace missing modalities have no gradient where none is missing.
        self.move(torch.autograd.grad(loss, self.parameters, materialize_grads=True))

    def move(self, gradients: Sequence[Tensor]) -> None:
        """Move every row down its part of the gradients of `parameters`."""
        with torch.no_grad():
            flat = [gradient.flatten(1) if gradient.ndim > 1 else gradient.unsqueeze(1) for gradient in gradients]
            squares = torch.cat([torch.linalg.vector_norm(gradient, dim=1) for gradient in flat]).square_()
            norms = torch.zeros_like(self._clip).index_add_(0, self._rows, squares).sqrt_()
            factors = (self._clip / (norms + 1e-6)).clamp_(max=1.0).index_select(0, self._rows).unsqueeze(1)
            torch._foreach_mul_(flat, torch.split(factors, self._counts))
            torch.cat([gradient.view(-1) for gradient in flat], out=self._direction.grad)
            self._direction.zero_()
            self._adam.step()
            self.values.mul_(self._decay).addcmul_(self._direction, self._rate)

    @property
    def parameters(self) -> list[Tensor]:
        """The parameters of the stacks, in their order."""
        return [span.stack.parameter for span in self.spans]

    @property
    def steps(self) -> int:
        """Steps taken so far."""
        return int(self._state()["step"])

    def set_steps(self, steps: int) -> None:
        """Go on as after that many steps."""
        self._state()["step"].fill_(steps)

    def state(self) -> tuple[Tensor, Tensor, Tensor]:
        """The flat values and both moments. To write into them sets the optimiser's state."""
        state = self._state()
        return self.values, state["exp_avg"], state["exp_avg_sq"]

    def by_slot(self, by_row: Tensor) -> Iterator[tuple[Span, Tensor]]:
        """For each stack, the row's value [P] at each of its places, in a shape that broadcasts."""
        values = by_row.to(self.values)
        for span, rows in zip(self.spans, torch.split(self._rows, self._counts), strict=True):
            yield span, _expand(values[rows], span.stack.parameter)

    def insert(self, array: Tensor, weights: Sequence[Weights]) -> None:
        """Write the values of each row into a flat array."""
        host = torch.empty_like(array, device="cpu")  # a copy of each small weight to a GPU takes long
        insert_into([(span.stack, span.view(host)) for span in self.spans], weights)
        array.copy_(host)

    def extract(self, array: Tensor, rows: Sequence[int] | None = None) -> list[Weights]:
        """Values of rows (None: of all) in a flat array, on the CPU."""
        host = array.cpu()
        wanted = range(len(self._clip)) if rows is None else rows
        return extract_from([(span.stack, span.view(host)) for span in self.spans], wanted)

    def _state(self) -> dict[str, Tensor]:
        state: dict[str, Tensor] = self._adam.state[self._direction]
        if not state:  # torch would make it at the first step
            zeros = torch.zeros_like(self.values)
            state |= {"step": torch.tensor(0.0, device=zeros.device), "exp_avg": zeros, "exp_avg_sq": zeros.clone()}
        return state


def _lay_out(stacks: Sequence[Stack]) -> list[Span]:
    spans, start = [], 0
    for stack in stacks:
        stop = start + stack.parameter.numel()
        spans.append(Span(stack, start, stop))
        start = stop
    return spans


def _rows_of(stack: Stack) -> Tensor:
    """The row of each place on the leading axis. A hole belongs to the row of the next slot."""
    rows, done = torch.zeros(len(stack.parameter), dtype=torch.long), 0
    for slot in stack.slots:
        rows[done : slot.stop] = slot.row
        done = slot.stop
    return rows


def _expand(by_slot: Tensor, parameter: Tensor) -> Tensor:
    return by_slot.view(-1, *(1 for _ in parameter.shape[1:]))
