"""The columns of one modality: their ranges, those that never change, and those that shift between splits."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from haemsa.cluster.data_check.scan import Moments, Scan
from haemsa.model.data.dataset import Modality
from haemsa.model.data.normalisation import is_constant

FAR: Final = 1.0
"""A column's means in two splits are far apart from so many standard deviations of training on."""
_WORST: Final = 5
_DRAWN: Final = 200  # columns
_BARS: Final = 20
Indices = NDArray[np.int64]


@dataclass(frozen=True)
class Spread:
    """Least value, quartiles and largest value."""

    low: float
    first: float
    median: float
    third: float
    high: float


@dataclass(frozen=True)
class Shift:
    """How far a column's mean in a split is from its mean in training, in standard deviations of training."""

    column: int
    distance: float


@dataclass(frozen=True)
class Bands:
    """Percentiles of single columns: of all columns, or of some at equal distances."""

    columns: tuple[int, ...]
    percentiles: dict[int, tuple[float, ...]]


@dataclass(frozen=True)
class ModalityCheck:
    """One modality.

    lengths: of the samples that have it. histogram: edges and counts of the lengths. values: of all cells that are no
    padding. zeros: the share of cells that are exactly zero. constant: columns that never change in training. absent:
    per split, the samples without it. shifts: per other split, the columns that shift most. far: per other split, how
    many columns shift by more than `FAR`. columns: their names; none if they are not known.
    """

    steps: int
    width: int
    lengths: Spread
    histogram: tuple[tuple[float, ...], tuple[int, ...]]
    values: Spread
    zeros: float
    constant: tuple[int, ...]
    absent: dict[str, int]
    shifts: dict[str, tuple[Shift, ...]]
    far: dict[str, int]
    bands: Bands
    columns: tuple[str, ...] = ()

    def title(self, column: int) -> str:
        """The name of a column, or its number if it has no name."""
        return self.columns[column] if self.columns else str(column)


def modality_check(modality: Modality, scan: Scan, splits: Mapping[str, Indices]) -> ModalityCheck:
    """What the scan of `modality` says. A stored modality may be absent in training, or everywhere."""
    train, parts = scan.moments["train"], [moments for moments in scan.moments.values() if moments.rows]
    lengths = np.concatenate([modality.lengths[indices] for indices in splits.values()])
    lengths = lengths[lengths > 0]
    if not parts:
        return _absent(modality, splits)
    bar = -(-modality.steps // _BARS)
    counts, edges = np.histogram(lengths, bins=np.arange(0.5, modality.steps + bar + 0.5, bar))
    quartiles = np.percentile(scan.rows.astype(np.float64), (25, 50, 75)).tolist()
    values = (min(part.low.min() for part in parts), *quartiles, max(part.high.max() for part in parts))
    others = {split: part for split, part in scan.moments.items() if split != "train" and part.rows and train.rows}
    shifts = {split: _shifts(part, train) for split, part in others.items()}
    return ModalityCheck(
        steps=modality.steps,
        width=modality.width,
        lengths=Spread(*np.percentile(lengths, (0, 25, 50, 75, 100)).tolist()),
        histogram=(tuple(edges.tolist()), tuple(counts.tolist())),
        values=Spread(*map(float, values)),
        zeros=scan.zeros,
        constant=tuple(np.flatnonzero(train.high <= train.low).tolist()),
        absent=_counts(modality, splits),
        shifts={split: _worst(distances) for split, distances in shifts.items()},
        far={split: int((np.abs(distances) > FAR).sum()) for split, distances in shifts.items()},
        bands=_bands(scan.rows),
        columns=modality.columns,
    )


def _absent(modality: Modality, splits: Mapping[str, Indices]) -> ModalityCheck:
    nothing = Spread(0.0, 0.0, 0.0, 0.0, 0.0)
    return ModalityCheck(
        steps=modality.steps,
        width=modality.width,
        lengths=nothing,
        histogram=((0.5, 1.5), (0,)),
        values=nothing,
        zeros=0.0,
        constant=(),
        absent=_counts(modality, splits),
        shifts={},
        far={},
        bands=_bands(np.zeros((1, modality.width), dtype=np.float32)),
        columns=modality.columns,
    )


def _counts(modality: Modality, splits: Mapping[str, Indices]) -> dict[str, int]:
    """Samples without the modality, per split."""
    return {split: int((modality.lengths[indices] == 0).sum()) for split, indices in splits.items()}


def _shifts(part: Moments, train: Moments) -> NDArray[np.float64]:
    """Signed distances of the means [D]; 0 for columns that are constant in training."""
    scale = np.where(is_constant(train.mean, train.std), np.inf, train.std)
    return np.asarray((part.mean - train.mean) / scale)


def _worst(shifts: NDArray[np.float64]) -> tuple[Shift, ...]:
    order = np.argsort(-np.abs(shifts), kind="stable")[:_WORST]
    return tuple(Shift(int(column), float(shifts[column])) for column in order)


def _bands(rows: NDArray[np.float32]) -> Bands:
    columns = np.unique(np.linspace(0, rows.shape[1] - 1, min(_DRAWN, rows.shape[1])).astype(int))
    percents = (5, 25, 50, 75, 95)
    values = np.percentile(rows[:, columns].astype(np.float64), percents, axis=0)
    return Bands(tuple(columns.tolist()), {key: tuple(row.tolist()) for key, row in zip(percents, values, strict=True)})
