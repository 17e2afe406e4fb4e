"""Streams of features, cut into samples one video at a time. Axes: `N` samples, `T` time steps, `D` features."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from model.data.cleaning import RawModality
from model.data.csd import ComputationalSequence, DamagedEntryError
from model.data.csd_align import Rows, align, collapse, cut, join
from model.data.csd_labels import Samples
from model.data.reading import Collapse, Damage
from model.data.scratch import zeros


class Cutter:
    """Cuts streams into the samples of the labels, after aligning them to a pivot, if there is one.

    Rows within an interval of the pivot are collapsed as `how` says; what they become are the steps of each sample
    that shares time with it. If the pivot is the labels themselves, they become the sample. Without a pivot, rows stay
    as they are. `damaged`: the videos with a damaged entry, whose samples are to be left out.
    """

    def __init__(
        self,
        samples: Samples,
        labels: ComputationalSequence,
        pivot: ComputationalSequence | None,
        how: Collapse,
        damage: Damage,
    ) -> None:
        self._labels, self._pivot, self._how, self._damage = labels, pivot, how, damage
        self._intervals, self._places = samples.intervals, samples.by_video()
        self.damaged: set[str] = set()

    def modality(self, stream: ComputationalSequence) -> RawModality | None:
        """Features float32 [N, T, D], where T is the longest sample; None if the stream has nothing for any.

        A first pass over intervals alone gives the lengths, so that features are read straight into their place.
        Raises ValueError for damaged entries, unless they are skipped, and for more than the file's size justifies.
        """
        lengths = np.zeros(len(self._intervals), dtype=np.int64)
        for place, rows in self._cut(stream, _without_features):
            lengths[place] = len(rows.intervals)
        if not lengths.any():
            return None
        shape = (len(lengths), int(lengths.max()), stream.width)
        if 4 * math.prod(shape) > stream.capacity:
            raise ValueError(f"{stream.path} would become features {list(shape)}, more than the file can hold")
        features = zeros(shape)
        for place, rows in self._cut(stream, ComputationalSequence.rows):
            features[place, : lengths[place]] = rows.features
        return RawModality(features, lengths)

    def _cut(
        self, stream: ComputationalSequence, read: Callable[[ComputationalSequence, str], Rows]
    ) -> Iterator[tuple[int, Rows]]:
        """The place and the rows of each sample whose video the stream has."""
        for video, places in self._places.items():
            if video not in stream.videos or video in self.damaged:
                continue
            try:
                rows = join([read(stream, entry) for entry in stream.videos[video]])
                samples = self._samples(stream, rows, video)
            except DamagedEntryError as error:
                self.damaged.add(video)
                for _ in places:
                    self._damage.found(error.place, error.problem)
                continue
            yield from zip(places.tolist(), samples, strict=True)

    def _samples(self, stream: ComputationalSequence, rows: Rows, video: str) -> list[Rows]:
        """The rows of each sample of a video, of which the stream has `rows`."""
        how: Collapse = "none"
        if self._pivot is self._labels:
            how = self._how
        elif self._pivot is not None and self._pivot is not stream:
            pivot = np.concatenate([self._pivot.intervals(entry) for entry in self._pivot.videos[video]])
            rows = join([rows.take(slice(0)), *align(rows, video, pivot, self._how).values()])
        return [collapse(found, how) for _, found in cut(rows, self._intervals[self._places[video]])]


def keep(modality: RawModality, kept: NDArray[np.integer[Any]]) -> RawModality:
    """The samples at `kept`, ascending, moved within the array, for there may be no room for a second one."""
    for new, old in enumerate(kept):
        modality.features[new] = modality.features[old]
    lengths = modality.lengths[kept]
    return RawModality(modality.features[: len(kept), : lengths.max(initial=1)], lengths)


def _without_features(stream: ComputationalSequence, entry: str) -> Rows:
    intervals = stream.intervals(entry)
    return Rows(np.zeros((len(intervals), 0), np.float32), intervals)
