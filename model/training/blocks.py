"""Samples of a batch side by side with others of like length, so that little is padded."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Final

import numpy as np
from numpy.typing import NDArray

_BLOCK_COST: Final = 20_000
"""One more block takes as long in a step as so many padded features (measured on a CPU)."""
_MULTIPLE: Final = 8
"""Matrix products of so many steps are up to twice as fast as those of one step less or more."""

Blocks = tuple[tuple[int, int], ...]
"""How many samples and time steps each block has."""


@dataclass(frozen=True, eq=False)
class Arranged:
    """The samples of a batch in the order of their blocks.

    Attributes:
        samples: int64 [B].
        order: The place of each in the batch as it was drawn, int32 [B]; None: they stay as they were.
        blocks: By modality. Each has the same samples.
    """

    samples: NDArray[np.int64]
    order: NDArray[np.int32] | None
    blocks: Mapping[str, Blocks]

    @cached_property
    def steps(self) -> dict[str, tuple[NDArray[np.int64], NDArray[np.int64]]]:
        """Of each step of a modality, with padding: whose it is (a place in `samples`), and its number, from 0 on."""
        return {name: _steps(blocks) for name, blocks in self.blocks.items()}


def _steps(blocks: Blocks) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    counts, steps = np.array(blocks).T
    padded = np.repeat(steps, counts)
    number = np.arange(padded.sum()) - np.repeat(padded.cumsum() - padded, padded)
    return np.repeat(np.arange(len(padded)), padded), number


def in_one_block(samples: NDArray[np.int64], lengths: Mapping[str, NDArray[np.int64]]) -> Arranged:
    """Samples as they are, padded to the longest of them. `lengths` of all samples, by modality, at least 1."""
    longest = {name: int(every[samples].max()) for name, every in lengths.items()}
    return Arranged(samples, None, {name: ((len(samples), steps),) for name, steps in longest.items()})


def arrange(
    samples: NDArray[np.int64],
    lengths: Mapping[str, NDArray[np.int64]],
    shapes: Mapping[str, tuple[int, int]],
) -> Arranged:
    """Samples in blocks of like length, as long as that saves more than further blocks cost.

    Args:
        samples: Which ones.
        lengths: Of all samples, by modality, at least 1.
        shapes: How many steps a sample has at most, and how many features a step has, by modality.
    """
    if not lengths:
        return Arranged(samples, None, {})
    most, features = np.array([shapes[name] for name in lengths]).T
    steps = np.stack([every[samples] for every in lengths.values()], 1)  # [B, M]
    steps = np.minimum(-(-steps // _MULTIPLE) * _MULTIPLE, most)
    order = np.argsort(steps @ features, kind="stable")
    blocks = _cut(steps[order], features)
    if len(blocks) == 1:
        order = np.arange(len(samples))
    by_name = {
        name: tuple((len(block), int(block[:, place].max())) for block in blocks) for place, name in enumerate(lengths)
    }
    return Arranged(samples[order], order.astype(np.int32) if len(blocks) > 1 else None, by_name)


def _cut(steps: NDArray[np.int64], features: NDArray[np.int64]) -> list[NDArray[np.int64]]:
    """Sorted samples in halves of halves."""
    half = len(steps) // 2
    parts = steps[:half], steps[half:]
    if half and _cells(steps, features) - sum(_cells(part, features) for part in parts) > _BLOCK_COST:
        return [block for part in parts for block in _cut(part, features)]
    return [steps]


def _cells(steps: NDArray[np.int64], features: NDArray[np.int64]) -> int:
    """How many features a block has with what is padded."""
    return len(steps) * int(steps.max(0) @ features)
