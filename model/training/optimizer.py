"""AdamW (Loshchilov and Hutter 2019) whose learning rate, weight decay and clipping belong to each row of a cohort."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager

import torch
from torch import Tensor
from torch._utils import _flatten_dense_tensors
from torch.optim.adam import adam

from haemsa.model.network.cohort import Stack
from haemsa.model.network.weights import Weights, extract_from, insert_into
from haemsa.model.training.layout import ByRow, Layout


class CohortAdamW:
    """Keeps all parameters of a cohort in one flat array, and moves each row at its own rate.

    Torch's fused Adam has one learning rate for all. So it moves values that are divided by their row's rate, at a
    rate of 1.

    Args:
        stacks: The cohort's parameters. They become views of `values`.
        learning_rate: Of each row [P].
        weight_decay: Of each row [P].
        clip: The largest norm of each row's whole gradient [P].
    """

    def __init__(self, stacks: Sequence[Stack], learning_rate: Tensor, weight_decay: Tensor, clip: Tensor) -> None:
        first = stacks[0].parameter
        self.layout = Layout(stacks)
        self._clip = clip.to(first)
        zeros = first.new_zeros(self.layout.size).detach()
        self.values, self._first, self._second, self._divided = (zeros.clone() for _ in range(4))
        self._steps = zeros.new_zeros((), dtype=torch.float32)
        for span in self.layout.spans:
            span.view(self.values).copy_(span.stack.parameter.detach())
            span.stack.parameter.data = span.view(self.values)
        rate = learning_rate.to(first)
        self._rate, self._divisor = self.layout.by_row(rate), self._divisor_of(rate, rate * weight_decay.to(first))

    def _divisor_of(self, rate: Tensor, decay: Tensor) -> ByRow:
        """The rate of each row, over what a step leaves of its weights if they decay."""
        decays = torch.zeros_like(self.values)
        for span in self.layout.spans:
            span.view(decays).fill_(float(span.stack.decays))
        chunks, rest = self.layout.parts(decays)
        rates, by_place = self.layout.by_row(rate), self.layout.by_row(decay)
        return ByRow(rates.chunks / (1 - by_place.chunks * chunks[:, :1]), rates.rest / (1 - by_place.rest * rest))

    def step(self, loss: Tensor) -> None:
        """Move every row down the gradient of `loss`, the sum over rows of their losses."""
        # The tokens that replace missing modalities have no gradient where none is missing.
        self.move(torch.autograd.grad(loss, self.parameters, materialize_grads=True))

    def move(self, gradients: Sequence[Tensor]) -> None:
        """Move every row down its part of the gradients of `parameters`."""
        with torch.no_grad():
            gradient = _flatten_dense_tensors(gradients)  # type: ignore[no-untyped-call]
            self._clip_gradient(gradient)
            for divided, value, divisor in self._parts(self._divided, self.values, self._divisor):
                torch.div(value, divisor, out=divided)
            self._move_divided(gradient)
            for value, divided, rate in self._parts(self.values, self._divided, self._rate):
                torch.mul(divided, rate, out=value)

    def _parts(self, one: Tensor, other: Tensor, by_row: ByRow) -> Iterable[tuple[Tensor, Tensor, Tensor]]:
        return zip(self.layout.parts(one), self.layout.parts(other), by_row, strict=True)

    def _clip_gradient(self, gradient: Tensor) -> None:
        norms = self.layout.norms(gradient, len(self._clip))
        factors = (self._clip / (norms + 1e-6)).clamp_(max=1.0)
        self.layout.scale_(gradient, self.layout.by_row(factors))

    def _move_divided(self, gradient: Tensor) -> None:
        adam(
            [self._divided],
            [gradient],
            [self._first],
            [self._second],
            [],
            [self._steps],
            fused=True,
            capturable=self.values.is_cuda,
            amsgrad=False,
            beta1=0.9,
            beta2=0.999,
            lr=1.0,
            weight_decay=0.0,
            eps=1e-8,
            maximize=False,
        )

    @property
    def parameters(self) -> list[Tensor]:
        """The parameters of the stacks, in their order."""
        return [span.stack.parameter for span in self.layout.spans]

    @property
    def steps(self) -> int:
        """Steps taken so far."""
        return int(self._steps)

    def set_steps(self, steps: int) -> None:
        """Go on as after that many steps."""
        self._steps.fill_(steps)

    def state(self) -> tuple[Tensor, Tensor, Tensor]:
        """The flat values and both moments. To write into them sets the optimiser's state."""
        return self.values, self._first, self._second

    def average_(self, average: Tensor, share: Tensor) -> None:
        """Move a flat array towards the values, by each row's share [P] of the distance."""
        for part, values, weight in self._parts(average, self.values, self.layout.by_row(share.to(self.values))):
            part.lerp_(values, weight)

    def finite_rows(self, array: Tensor) -> list[bool]:
        """Whether all numbers of a row are finite in a flat array, for each row."""
        zeros_or_nan = self.layout.norms(array * 0, len(self._clip))
        return torch.isfinite(zeros_or_nan).tolist()

    @contextmanager
    def showing(self, array: Tensor) -> Iterator[None]:
        """Meanwhile the parameters have the values of a flat array."""
        own = self.values.clone()
        self.values.copy_(array)
        try:
            yield
        finally:
            self.values.copy_(own)

    def insert(self, array: Tensor, weights: Sequence[Weights]) -> None:
        """Write the values of each row into a flat array."""
        host = _on_host(array)  # a copy of each small weight to a GPU takes long
        insert_into([(span.stack, span.view(host)) for span in self.layout.spans], weights)
        array.copy_(host)

    def origin_in(self, other: CohortAdamW, rows: Sequence[int]) -> Tensor:
        """Where each number lies in the flat arrays of another cohort, counted from 1; 0 for padding.

        `rows`: the other's rows that are the rows of this one.
        """
        origin = torch.zeros(self.layout.size, dtype=torch.long, device=self.values.device)
        self.insert(origin, other.extract(torch.arange(1, other.layout.size + 1), rows))
        return origin

    def extract(self, array: Tensor, rows: Sequence[int] | None = None) -> list[Weights]:
        """Values of rows (None: of all) in a flat array, on the CPU."""
        host = _on_host(array).copy_(array) if array.is_cuda else array
        wanted = range(len(self._clip)) if rows is None else rows
        return extract_from([(span.stack, span.view(host)) for span in self.layout.spans], wanted)


def _on_host(like: Tensor) -> Tensor:
    """An array of that size on the CPU, which a GPU reads and writes fast."""
    return torch.empty_like(like, device="cpu", pin_memory=like.is_cuda)


def moved(array: Tensor, origin: Tensor) -> Tensor:
    """A flat array in the order of another cohort (`CohortAdamW.origin_in`)."""
    return torch.cat([array.new_zeros(1), array]).index_select(0, origin)
