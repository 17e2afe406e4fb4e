"""Streams of features are cut into samples, one video at a time. Axes: `N` samples, `T` time steps, `D` features."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence

import numpy as np

from haemsa.model.data.cleaning import RawModality
from haemsa.model.data.readers.csd.align import Rows, align, collapse, cut, join
from haemsa.model.data.readers.csd.labels import LabelledSegments
from haemsa.model.data.readers.csd.sequence import ComputationalSequence, DamagedEntryError
from haemsa.model.data.readers.memory import zeros
from haemsa.model.data.readers.options import Collapse, Damage
from haemsa.model.data.readers.trimming import shortened


class Cutter:
    """Cuts streams into the samples of the labels. If there is a pivot, it first aligns them to the pivot.

    Rows within an interval of the pivot are collapsed as `how` says. The result is a step of each sample that overlaps
    the interval. If the labels are the pivot, it is the whole sample. Without a pivot, rows stay as they are. At most
    `steps` steps of a sample are kept.

    Attributes:
        damaged: The videos with a damaged entry. Their samples are to be left out.
    """

    def __init__(
        self,
        samples: LabelledSegments,
        labels: Sequence[ComputationalSequence],
        pivot: ComputationalSequence | None,
        how: Collapse,
        damage: Damage,
        steps: int | None = None,
    ) -> None:
        self._labels, self._pivot, self._how, self._damage = labels, pivot, how, damage
        self._intervals, self._owners, self._places = samples.intervals, samples.entries, samples.by_video()
        self._steps = steps
        self.damaged: set[str] = set()

    def modality(self, name: str, stream: ComputationalSequence, notes: list[str]) -> RawModality | None:
        """Features float32 [N, T, D], where T is the longest sample; None if the stream has nothing for any sample.

        A first pass reads only intervals, which give the lengths. So features can be read directly into their place.

        Raises:
            ValueError: An entry is damaged (unless damage is skipped), or the file claims more than it can hold.
        """
        lengths = np.zeros(len(self._intervals), dtype=np.int64)
        for place, rows in self._cut(stream, _without_features):
            lengths[place] = len(rows.intervals)
        if not lengths.any():
            return None
        lengths = shortened(name, lengths, self._steps, notes)
        shape = (len(lengths), int(lengths.max()), stream.width)
        if 4 * math.prod(shape) > stream.capacity:
            raise ValueError(f"{stream.path} would become features {list(shape)}, more than the file can hold")
        features = zeros(shape)
        for place, rows in self._cut(stream, ComputationalSequence.rows):
            features[place, : lengths[place]] = rows.features[: lengths[place]]
        return RawModality(features, lengths)

    def _cut(
        self, stream: ComputationalSequence, read: Callable[[ComputationalSequence, str], Rows]
    ) -> Iterator[tuple[int, Rows]]:
        """The index and the rows of each sample whose video the stream has."""
        for video, places in self._places.items():
            if video not in stream.videos or video in self.damaged:
                continue
            try:
                samples = list(self._samples(stream, read, video))
            except DamagedEntryError as error:
                self.damaged.add(video)
                for _ in places:
                    self._damage.report(error.place, error.problem)
                continue
            yield from samples

    def _samples(
        self, stream: ComputationalSequence, read: Callable[[ComputationalSequence, str], Rows], video: str
    ) -> Iterator[tuple[int, Rows]]:
        """The index and the rows of each sample of a video. Entries that samples share are read once."""
        owners = [self._owners[place] for place in self._places[video]]
        entries_of, pivot = _counterparts(stream, video, owners), None
        if self._pivot is not None and self._pivot is not stream and self._pivot not in self._labels:
            pivot = _counterparts(self._pivot, video, owners)
        together: dict[tuple[tuple[str, ...], tuple[str, ...] | None], list[int]] = {}
        for place, owner in zip(self._places[video].tolist(), owners, strict=True):
            if entries_of[owner]:
                together.setdefault((entries_of[owner], None if pivot is None else pivot[owner]), []).append(place)
        how = self._how if self._pivot in self._labels else "none"
        whole = {entries: join([read(stream, entry) for entry in entries]) for entries, _ in together}
        for (entries, pivots), places in together.items():
            rows = whole[entries] if pivots is None else self._aligned(whole[entries], pivots, video)
            for place, (_, shared) in zip(places, cut(rows, self._intervals[places]), strict=True):
                yield place, collapse(shared, how)

    def _aligned(self, rows: Rows, pivots: Sequence[str], video: str) -> Rows:
        """The rows, aligned to the intervals that the pivot has in these entries."""
        assert self._pivot is not None
        intervals = [self._pivot.intervals(entry) for entry in pivots]
        segments = align(rows, video, np.concatenate([np.zeros((0, 2)), *intervals]), self._how)
        return join([rows.take(slice(0)), *segments.values()])


def _counterparts(sequence: ComputationalSequence, video: str, owners: Sequence[str]) -> Mapping[str, tuple[str, ...]]:
    """Which entries of a video belong to each entry of the labels (`owners`).

    If entries have the names of the labels' own, each belongs only to its namesake: the sequence is cut as the labels
    are, and segments that overlap must not share rows. Otherwise all entries belong to each.
    """
    entries = sequence.videos.get(video, ())
    if not set(entries) & set(owners):
        return dict.fromkeys(owners, entries)
    return {owner: (owner,) if owner in entries else () for owner in owners}


def _without_features(stream: ComputationalSequence, entry: str) -> Rows:
    intervals = stream.intervals(entry)
    return Rows(np.zeros((len(intervals), 0), np.float32), intervals)
