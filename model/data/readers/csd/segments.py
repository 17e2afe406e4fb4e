"""A folder of `.csd` files as new samples, with or without labels."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from contextlib import ExitStack
from pathlib import Path

import numpy as np

from haemsa.model.data.readers.csd.align import is_empty
from haemsa.model.data.readers.csd.folder import (
    find_labels,
    is_labels,
    modalities_of,
    named,
    streams_of,
    timeless,
    unclear,
    undamaged,
    with_pivot,
)
from haemsa.model.data.readers.csd.folds import find_folds, read_folds
from haemsa.model.data.readers.csd.labels import LabelledSegments, read_segments
from haemsa.model.data.readers.csd.sequence import ComputationalSequence, DamagedEntryError, opened
from haemsa.model.data.readers.csd.streams import Cutter
from haemsa.model.data.readers.options import Damage, Reading
from haemsa.model.data.samples import Samples


def read_samples(folder: Path, reading: Reading, known: Collection[str] = ()) -> Samples:
    """Read the samples of a folder.

    If it has labels, their intervals are the samples, as in training. Otherwise each entry of the streams is one, over
    all its time. A video that some stream cuts into segments ("video[3]") has those as its samples.

    Args:
        folder: The folder.
        reading: What is asked of the reader.
        known: The modalities of the model. A file that is called as one of them is that one.

    Raises:
        ValueError: A file is no sequence, nothing is in any sample, or an entry is damaged (unless damage is skipped).
            The message is one sentence.
    """
    notes, damage = list[str](), Damage(skip=reading.skip_damaged, command="haemsa predict")
    with ExitStack() as stack:
        sequences = [stack.enter_context(opened(path)) for path in sorted(folder.glob("*.csd"))]
        if not sequences:
            raise ValueError(f"data '{folder}' is a folder without .csd files")
        labels = find_labels(sequences, folder) if any(map(is_labels, sequences)) else []
        pivot = named(reading.align, sequences, folder) if reading.align else None
        streams = streams_of(sequences, labels, pivot, notes, known)
        samples = read_segments(labels, damage, notes) if labels else None
        if not labels:  # entries come in the order of the files
            files = [sequence for sequence in sequences if sequence in streams.values()]
            samples = _entries(files, damage, notes)
        if samples is None:
            raise unclear(sequences, folder)
        if pivot is not None:
            samples = with_pivot(pivot, samples, notes)
        cutter = Cutter(samples, labels, pivot, reading.collapse, damage, reading.steps)
        raw = modalities_of(streams, samples, cutter, notes)
        notes += timeless(sequences)
    raw, samples = undamaged(raw, samples, cutter.damaged)
    if not raw or not len(samples):
        raise ValueError(f"folder '{folder}' has no features: {'; '.join([*notes, *damage.notes()]) or 'it is empty'}")
    folds = reading.folds or find_folds(folder)
    split_of = None if folds is None else read_folds(folds)
    splits = None if split_of is None else tuple(split_of.get(video, "") for video in samples.videos)
    return Samples(raw, samples.ids, splits, (*notes, *damage.notes()))


def _entries(streams: Sequence[ComputationalSequence], damage: Damage, notes: list[str]) -> LabelledSegments:
    """A sample for each entry, from its first to its last second in any stream."""
    spans: dict[str, list[float]] = {}
    for stream in streams:
        for entry in stream.entries:
            try:
                intervals = stream.intervals(entry)
            except DamagedEntryError as error:
                damage.report(error.place, error.problem)
                continue
            timed = intervals[~is_empty(intervals)]
            if len(timed):
                first, last = spans.setdefault(entry, [np.inf, -np.inf])
                spans[entry] = [min(first, float(timed[:, 0].min())), max(last, float(timed[:, 1].max()))]
    cut = {entry.partition("[")[0] for entry in spans if "[" in entry}
    samples = [entry for entry in spans if "[" in entry or entry not in cut]
    notes.append("there are no labels: each entry is a sample")
    intervals = np.array([spans[entry] for entry in samples], dtype=np.float64).reshape(-1, 2)
    return LabelledSegments(tuple(samples), tuple(samples), intervals, np.zeros((len(samples), 0), np.float32))
