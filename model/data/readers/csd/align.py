"""Alignment in time as CMU-MultimodalSDK defines it, on the arrays of one video. Axes: `R` rows, `D` features.

Each row covers an interval of time. It is aligned to the intervals of a pivot (words or labels) that overlap it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from haemsa.model.data.readers.options import Collapse

EPSILON: Final = 1e-5
"""Seconds. What is shorter counts as nothing. This is the value of the SDK's repository; its release 0.0.6 has 1e-3."""


class Rows(NamedTuple):
    """Features float32 [R, D], and intervals float64 [R, 2]: the start and the end of each row, in seconds."""

    features: NDArray[np.float32]
    intervals: NDArray[np.float64]

    def take(self, which: Any) -> Rows:
        """The rows at `which`, a slice, indices or a mask [R]."""
        return Rows(self.features[which], self.intervals[which])


def join(pieces: Sequence[Rows]) -> Rows:
    """The pieces of one video (at least one) as one, ordered by start. Rows that start together keep their order."""
    features = np.concatenate([piece.features for piece in pieces])
    intervals = np.concatenate([piece.intervals for piece in pieces])
    return Rows(features, intervals).take(np.argsort(intervals[:, 0], kind="stable"))


def cut(rows: Rows, intervals: NDArray[np.float64]) -> Iterator[tuple[int, Rows]]:
    """For each of the intervals [K, 2] that is not empty: its index, and the rows that overlap it, if there are any.

    `rows` are ordered by start, and so are the rows that are returned. Their intervals are cut to the overlap.
    """
    latest = np.maximum.accumulate(rows.intervals[:, 1])
    first = np.searchsorted(latest, intervals[:, 0], side="right")  # all rows before it end too early
    last = np.searchsorted(rows.intervals[:, 0], intervals[:, 1])  # this row, and all after it, start too late
    for place in np.flatnonzero(~is_empty(intervals)).tolist():
        start, end = intervals[place]
        near = rows.take(slice(first[place], last[place]))
        shared = Rows(near.features, np.clip(near.intervals, start, end))
        yield place, shared.take(shared.intervals[:, 1] - shared.intervals[:, 0] > EPSILON)


def is_empty(intervals: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Which of the intervals [K, 2] are too short to align anything to, [K]."""
    return np.asarray(intervals[:, 1] - intervals[:, 0] < EPSILON)


def collapse(rows: Rows, how: Collapse) -> Rows:
    """The rows as one that covers all their time: their mean, or the last of them. "none" leaves them as they are."""
    if how == "none" or not len(rows.intervals):
        return rows
    if how == "last":
        features = rows.features[-1:]
    else:
        with np.errstate(invalid="ignore"):  # infinities of both signs have no mean
            features = rows.features.mean(axis=0, dtype=np.float64, keepdims=True).astype(np.float32)
    return Rows(features, np.array([[rows.intervals.min(), rows.intervals.max()]]))


def align(rows: Rows, entry: str, pivot: NDArray[np.float64], how: Collapse) -> dict[str, Rows]:
    """The rows by segment: "entry[i]" has those that overlap interval i of the `pivot` [K, 2], collapsed.

    `rows` are ordered by start. A segment is missing if its interval is empty or no row overlaps it.
    """
    segments = ((place, collapse(shared, how)) for place, shared in cut(rows, pivot))
    return {f"{entry}[{place}]": segment for place, segment in segments if len(segment.intervals)}
