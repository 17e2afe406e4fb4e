"""Noise that depends only on a row's seed, the step and the place: one hash per number.

A generator per row would be called hundreds of times in a step. A shared generator would make a row's noise depend on
its neighbours and on padding. A hash of (seed, step, site, position) avoids both, and is faster than torch's
generator on a CPU. The constants are those of the 32-bit mixer "lowbias32" (Wellons 2018, hash prospector).
"""

from __future__ import annotations

import zlib

import torch
from torch import Tensor

_FIRST, _SECOND = 0x21F0AAAD, 0x735A2D97
_LOW_17 = 0x1FFFF
_RANGE = float(1 << 32)


def site(name: str) -> int:
    """A number for the place `name`, the same in every cohort. It is a signed 32-bit integer."""
    return zlib.crc32(name.encode()) - (1 << 31)


def _mix(x: Tensor) -> Tensor:
    """Spread every bit of int32 `x` over the high bits. Products wrap, and the mask makes the shift a logical one."""
    x = x * _FIRST
    x.bitwise_xor_((x >> 15).bitwise_and_(_LOW_17))
    return x.mul_(_SECOND)


def _mix_twice(x: Tensor) -> Tensor:
    x = _mix(x)
    return _mix(x.bitwise_xor_((x >> 16) & 0xFFFF))


class Noise:
    """The noise of one training step (a number, or an int32 [1]) for rows with the int32 `keys` [P]."""

    def __init__(self, keys: Tensor, step: Tensor | int) -> None:
        count = step if isinstance(step, Tensor) else torch.full_like(keys[:1], step % (1 << 31))
        self._keys = _mix_twice(keys ^ _mix_twice(count))

    def uniform(self, rows: Tensor, sites: Tensor, shape: tuple[int, ...]) -> Tensor:
        """Uniform numbers in (0, 1), float32 [n, *shape], for n places: `rows` int64 [n] and `sites` int32 [n].

        The number at (b, h) of a place is the same however large `shape` is, up to 4,096 along its last axis.
        """
        high = self._bits(rows, sites, shape) >> 9  # 23 bits are exact in float32
        return (high.to(torch.float32) + ((1 << 22) + 0.5)) * (1 / (1 << 23))

    def normal(self, rows: Tensor, sites: Tensor, shape: tuple[int, ...]) -> Tensor:
        """Standard normal numbers, float32 [n, *shape]."""
        return torch.erfinv(self.uniform(rows, sites, shape) * 2 - 1) * 2**0.5

    def keep(self, rows: Tensor, sites: Tensor, shape: tuple[int, ...], rate: Tensor) -> Tensor:
        """Dropout multipliers [n, *shape]: 0 with probability `rate` [n], otherwise 1 / (1 - rate)."""
        expand = (-1, *(1 for _ in shape))
        limit = (rate.double() * _RANGE - _RANGE / 2).to(torch.int32).view(expand)
        return (self._bits(rows, sites, shape) >= limit) * (1 / (1 - rate)).view(expand)

    def _bits(self, rows: Tensor, sites: Tensor, shape: tuple[int, ...]) -> Tensor:
        keys = _mix_twice(self._keys.index_select(0, rows) ^ sites)
        return _mix(keys.view(-1, *(1 for _ in shape)) ^ _positions(shape, keys.device))


def _positions(shape: tuple[int, ...], device: torch.device) -> Tensor:
    """A different int32 for every position, the same with any padding: the last axis has the low 12 bits."""
    last = torch.arange(shape[-1], dtype=torch.int32, device=device)
    if len(shape) == 1:
        return last
    first = torch.arange(shape[0], dtype=torch.int32, device=device)
    return (first << 12).unsqueeze(1) | last
