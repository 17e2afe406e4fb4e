"""Time steps and blocks of samples. Axes: `N` samples, `T` time steps, `D` features."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import numpy as np
from numpy.typing import NDArray

LIMIT: Final = 10.0
"""Normalised features are clipped to this many standard deviations: acoustic features are heavy-tailed."""
_BLOCK: Final = 2**22  # cells that are worked on at a time


def step_mask(lengths: NDArray[np.int64], steps: int) -> NDArray[np.bool_]:
    """[N, T], where a step holds data rather than padding."""
    return np.asarray(np.arange(steps)[None, :] < lengths[:, None])


def blocks(shape: tuple[int, ...]) -> Iterator[slice]:
    """Slices of samples that cover features of the shape [N, T, D], so large that they need little memory each."""
    size = max(1, _BLOCK // max(1, int(np.prod(shape[1:]))))
    yield from (slice(start, min(start + size, shape[0])) for start in range(0, shape[0], size))


def standardise(
    features: NDArray[np.float32], lengths: NDArray[np.int64], mean: NDArray[np.float32], scale: NDArray[np.float32]
) -> None:
    """Normalise features [N, T, D] in place by mean and scale [D]; what is not finite, or padding, becomes 0."""
    with np.errstate(over="ignore", invalid="ignore"):
        features -= mean
        features /= scale
    features[~np.isfinite(features)] = 0
    np.clip(features, -LIMIT, LIMIT, out=features)
    features[~step_mask(lengths, features.shape[1])] = 0
