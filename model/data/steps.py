"""Time steps and blocks of samples. Axes: `N` samples, `T` time steps, `D` features."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import numpy as np
from numpy.typing import NDArray

LIMIT: Final = 10.0
"""Normalised features are clipped to this many standard deviations, because acoustic features have extreme values."""
_BLOCK: Final = 2**20
"""About how many numbers are worked on at a time. What is made of them fits into the cache of a processor."""


def step_mask(lengths: NDArray[np.int64], steps: int) -> NDArray[np.bool_]:
    """Which steps hold data and not padding, [N, T]."""
    return np.asarray(np.arange(steps)[None, :] < lengths[:, None])


def blocks(shape: tuple[int, ...]) -> Iterator[slice]:
    """Slices of samples that together cover features [N, T, D]; each is small enough to need little memory."""
    size = max(1, _BLOCK // max(1, int(np.prod(shape[1:]))))
    yield from (slice(start, min(start + size, shape[0])) for start in range(0, shape[0], size))


def standardise(
    features: NDArray[np.float32], lengths: NDArray[np.int64], mean: NDArray[np.float32], scale: NDArray[np.float32]
) -> None:
    """Normalise features [N, T, D] in place by mean and scale [D]. Non-finite numbers and padding become 0."""
    standardise_steps(features, mean, scale)
    features[~step_mask(lengths, features.shape[1])] = 0


def standardise_steps(steps: NDArray[np.float32], mean: NDArray[np.float32], scale: NDArray[np.float32]) -> None:
    """Normalise steps [..., D] in place by mean and scale [D]. Non-finite numbers become 0."""
    import torch

    values = torch.from_numpy(steps)  # torch passes over an array twice as fast as numpy
    values.sub_(torch.tensor(mean)).div_(torch.tensor(scale))
    if not torch.isfinite(values.sum()):  # a sum needs no array of its own
        values.nan_to_num_(0, 0, 0)
    values.clamp_(-LIMIT, LIMIT)
