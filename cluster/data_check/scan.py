"""One pass over a modality, in blocks of samples. It keeps what a check needs, and no copy of the features.

Axes: `N` samples, `T` steps, `D` features, `R` rows (steps without padding), `K` chosen samples.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from haemsa.model.data.dataset import Modality, step_mask

_BLOCK_CELLS: Final = 2**20
_KEPT_CELLS: Final = 2**22
"""For percentiles, rows are kept up to 16 MiB; of more a random share ..."""
_KEPT_ROWS: Final = 100
"""... but about 100 rows at least."""
Indices = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Moments:
    """Mean, standard deviation, least and largest value per column, float64 [D], over `rows` rows. NaN without rows."""

    rows: int
    mean: NDArray[np.float64]
    std: NDArray[np.float64]
    low: NDArray[np.float64]
    high: NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Scan:
    """What one pass keeps.

    moments: per split. zeros: the share of cells that are exactly zero. rows: float32 [R, D], all rows or a random
    share of them. means: float32 [K, D], the chosen samples averaged over time. digests: uint64 [N], equal for equal
    features; 0 for samples that are absent, all zero or in no split.
    """

    moments: dict[str, Moments]
    zeros: float
    rows: NDArray[np.float32]
    means: NDArray[np.float32]
    digests: NDArray[np.uint64]


def scan(modality: Modality, splits: Mapping[str, Indices], chosen: Indices) -> Scan:
    """Read the present samples of all splits once. `chosen`: int64 [K], the samples whose means are kept."""
    place = np.full(len(modality.lengths), -1, dtype=np.int64)
    place[chosen] = np.arange(len(chosen))
    means = np.zeros((len(chosen), modality.width), dtype=np.float32)
    digests = np.zeros(len(modality.lengths), dtype=np.uint64)
    total = max(1, sum(int(modality.lengths[indices].sum()) for indices in splits.values()))
    share = max(_KEPT_CELLS / modality.width, _KEPT_ROWS) / total
    rng, zeros = np.random.default_rng(0), 0
    kept = [np.zeros((0, modality.width), dtype=np.float32)]
    moments: dict[str, Moments] = {}
    for split, indices in splits.items():
        sums = _Sums(modality.width)
        for block in _blocks(modality, indices):
            features, lengths = modality.features[block], modality.lengths[block]
            rows = features[step_mask(lengths, modality.steps)]
            sums.add(rows)
            zeros += int((rows == 0).sum())
            kept.append(rows[rng.random(len(rows)) < share])
            digests[block] = _digests(features, lengths)
            of = place[block]
            means[of[of >= 0]] = _over_time(features[of >= 0], lengths[of >= 0])
        moments[split] = sums.moments()
    return Scan(moments, zeros / (total * modality.width), np.concatenate(kept), means, digests)


def _blocks(modality: Modality, indices: Indices) -> Iterator[Indices]:
    """The present samples among `indices`, in the order of the file, in blocks of `_BLOCK_CELLS`."""
    present = np.sort(indices[modality.lengths[indices] > 0])
    size = max(1, _BLOCK_CELLS // (modality.steps * modality.width))
    for start in range(0, len(present), size):
        yield present[start : start + size]


def _over_time(features: NDArray[np.float32], lengths: Indices) -> NDArray[np.float64]:
    """Means [B, D] over the steps of features [B, T, D], which are zero where padded."""
    return np.asarray(features.sum(axis=1, dtype=np.float64) / lengths[:, None])


def _digests(features: NDArray[np.float32], lengths: Indices) -> NDArray[np.uint64]:
    digests = np.zeros(len(features), dtype=np.uint64)
    for place in np.flatnonzero(features.any(axis=(1, 2))):
        digest = hashlib.blake2b(features[place, : lengths[place]].tobytes(), digest_size=8).digest()
        digests[place] = int.from_bytes(digest, "little") or 1
    return digests


class _Sums:
    """Running sums per column. They are taken around the first row, so that they do not cancel."""

    def __init__(self, width: int) -> None:
        self.count, self.centre = 0, np.full(width, np.nan)
        self.total, self.square = np.zeros(width), np.zeros(width)
        self.low, self.high = np.full(width, np.inf), np.full(width, -np.inf)

    def add(self, rows: NDArray[np.float32]) -> None:
        """Add rows [R, D], at least one."""
        if not self.count:
            self.centre = rows[0].astype(np.float64)
        around = rows - self.centre
        self.count += len(rows)
        self.total += around.sum(axis=0)
        self.square += (around**2).sum(axis=0)
        self.low, self.high = np.minimum(self.low, rows.min(axis=0)), np.maximum(self.high, rows.max(axis=0))

    def moments(self) -> Moments:
        """What the sums say."""
        if not self.count:
            return Moments(0, *(self.centre for _ in range(4)))
        mean = self.total / self.count
        std = np.sqrt(np.maximum(self.square / self.count - mean**2, 0))
        return Moments(self.count, self.centre + mean, std, self.low, self.high)
