"""Noise that depends only on a row's seed, the step and the place: one hash per number.

A generator per row would be called hundreds of times in a step. A shared generator would make a row's noise depend on
its neighbours and on padding. A hash of (seed, step, site, position) avoids both, and is faster than torch's
generator on a CPU. The constants are those of the 32-bit mixer "lowbias32" (Wellons 2018, hash prospector).
A step hashes the numbers of all places of a network in one pass.
"""

from __future__ import annotations

import math
import zlib
from collections.abc import Sequence

import torch
from torch import Tensor, nn

from haemsa.model.network.cohort import Cohort, Stacked

_FIRST, _SECOND = 0x21F0AAAD, 0x735A2D97
_LOW_17 = 0x1FFFF
_RANGE = float(1 << 32)
_BLOCK = 1 << 16  # so many numbers stay in the cache of a CPU from one operation to the next


def site(name: str) -> int:
    """A number for the place `name`, the same in every cohort. It is a signed 32-bit integer."""
    return zlib.crc32(name.encode()) - (1 << 31)


class Places(Stacked):
    """The n places of a module that draw noise together.

    Each has a number for every sample, for each of its `units`, or for both: [n, B], [n, H] or [n, B, H].

    Args:
        rows: The row of each place [n].
        sites: The site of each place.
        samples: Whether samples have numbers of their own.
        units: How many units have numbers of their own, up to 4,096 if samples have them too; None: there are none.
        rate: The rate at which each place drops what it hides [n], for places that drop.
    """

    rows: Tensor
    sites: Tensor
    limit: Tensor
    kept: Tensor

    def __init__(
        self,
        rows: Sequence[int],
        sites: Sequence[int],
        *,
        samples: bool = True,
        units: int | None = None,
        rate: Tensor | None = None,
    ) -> None:
        super().__init__()
        self.by_sample, self._units = samples, units
        self.constant("rows", torch.tensor(rows))
        self.constant("sites", torch.tensor(sites, dtype=torch.int32))
        dropped = torch.zeros(len(rows)) if rate is None else rate
        ones = (-1, *(1 for _ in self.shape(1)))
        self.constant("limit", (dropped.double() * _RANGE - _RANGE / 2).to(torch.int32).view(ones))
        self.constant("kept", (1 / (1 - dropped)).view(ones))

    def shape(self, samples: int) -> tuple[int, ...]:
        """The shape of each place's numbers in a batch of so many samples."""
        return (*([samples] if self.by_sample else []), *([] if self._units is None else [self._units]))


def places_in(module: nn.Module) -> list[Places]:
    """All places of a module and of those within it."""
    return [part for part in module.modules() if isinstance(part, Places)]


def dropout(
    cohort: Cohort, gene: str, rows: Sequence[int], sites: Sequence[int], *, samples: bool = True, units: int
) -> Places | None:
    """Places that drop units at the rate of a training gene; None if it is 0 in all rows."""
    rate = cohort.gene(gene)[list(rows)]
    return Places(rows, sites, samples=samples, units=units, rate=rate) if bool(rate.any()) else None


def step_keys(keys: Tensor, first: int, count: int = 1) -> Tensor:
    """Keys of rows [P] become keys of so many steps [count, P], from the step `first` on."""
    steps = torch.arange(first, first + count, device=keys.device).remainder_(1 << 31).to(torch.int32)
    return _mix_twice(keys ^ _mix_twice(steps).unsqueeze(1))


class Noise:
    """The noise of one training step for `places`, in a batch of so many samples.

    The number of a sample and a unit is the same however many samples and units there are, and in any order.

    Args:
        places: All places that draw in the step.
        keys: Of each row in the step [P] (`step_keys`).
        samples: How many samples the batch has.
        order: The number of each sample, int32 [B]; None: they are counted.
    """

    def __init__(self, places: Sequence[Places], keys: Tensor, samples: int, order: Tensor | None = None) -> None:
        rows, sites = torch.cat([place.rows for place in places]), torch.cat([place.sites for place in places])
        of_places = _mix_twice(keys.index_select(0, rows) ^ sites)
        shapes = [(len(place.rows), *place.shape(samples)) for place in places]
        sizes = [math.prod(shape) for shape in shapes]
        numbers = torch.empty(sum(sizes), dtype=torch.int32, device=keys.device)
        keys_of = torch.split(of_places, [len(place.rows) for place in places])
        parts = [part.view(shape) for part, shape in zip(torch.split(numbers, sizes), shapes, strict=True)]
        positions = _Positions(shapes, keys.device, order)
        for place, part, key in zip(places, parts, keys_of, strict=True):
            numbered = positions.of(part.shape[1:], by_sample=place.by_sample)
            torch.bitwise_xor(key.view(-1, *(1 for _ in part.shape[1:])), numbered, out=part)
        for block in torch.split(numbers, len(numbers) if numbers.is_cuda else _BLOCK):
            _mix_(block)
        self._bits = dict(zip(places, parts, strict=True))

    def uniform(self, places: Places) -> Tensor:
        """Uniform numbers in (0, 1), float32."""
        high: Tensor = self._bits[places] >> 9  # 23 bits are exact in float32
        return (high.to(torch.float32) + ((1 << 22) + 0.5)) * (1 / (1 << 23))

    def normal(self, places: Places) -> Tensor:
        """Standard normal numbers, float32."""
        return torch.erfinv(self.uniform(places) * 2 - 1) * 2**0.5

    def keep(self, places: Places) -> Tensor:
        """Dropout multipliers: 0 with probability `rate`, otherwise 1 / (1 - rate)."""
        bits = self._bits[places]
        kept = torch.empty(bits.shape, dtype=places.kept.dtype, device=bits.device)
        return torch.ge(bits, places.limit, out=kept).mul_(places.kept)


class _Positions:
    """A different int32 for every sample and unit, the same with any padding: units have the low 12 bits."""

    def __init__(self, shapes: Sequence[tuple[int, ...]], device: torch.device, order: Tensor | None) -> None:
        self._line = torch.arange(max(max(shape[1:]) for shape in shapes), dtype=torch.int32, device=device)
        self._samples = self._line if order is None else order
        if tables := [shape[1:] for shape in shapes if len(shape) == 3]:
            first, last = (max(sizes) for sizes in zip(*tables, strict=True))
            self._table = (self._samples[:first] << 12).unsqueeze(1) | self._line[:last]

    def of(self, shape: Sequence[int], *, by_sample: bool) -> Tensor:
        if len(shape) == 2:
            return self._table[: shape[0], : shape[1]]
        return (self._samples if by_sample else self._line)[: shape[0]]


def _mix_(x: Tensor) -> Tensor:
    """Spread every bit of int32 `x` over the high bits. Products wrap, and the mask makes the shift a logical one."""
    x.mul_(_FIRST)
    x.bitwise_xor_((x >> 15).bitwise_and_(_LOW_17))
    return x.mul_(_SECOND)


def _mix_twice(x: Tensor) -> Tensor:
    x = _mix_(x.clone())
    return _mix_(x.bitwise_xor_((x >> 16).bitwise_and_(0xFFFF)))
