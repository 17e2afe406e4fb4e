"""A folder of `.csd` files, as CMU-MultimodalSDK keeps data: sequences of labels, and streams of features.

Each label interval is a sample. Its time steps are what a stream has of its video within the interval.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence, Set
from contextlib import ExitStack
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from haemsa.model.data.cleaning import RawModality
from haemsa.model.data.dataset import SPLITS, Dataset
from haemsa.model.data.readers.assemble import assemble, labelled_everywhere
from haemsa.model.data.readers.csd.folds import find_folds, read_folds
from haemsa.model.data.readers.csd.labels import LabelledSegments, label_names, make_tasks, read_segments
from haemsa.model.data.readers.csd.names import modality_names
from haemsa.model.data.readers.csd.sequence import ComputationalSequence, opened
from haemsa.model.data.readers.csd.streams import Cutter
from haemsa.model.data.readers.options import Damage, Reading, within
from haemsa.model.data.readers.trimming import keep


def read(folder: Path, reading: Reading) -> Dataset:
    """Read labels, streams and folds.

    If a stream lacks a video, its samples lack that modality. A video without a fold is left out. Only one video at a
    time is in memory twice.

    Raises:
        ValueError: A file is no sequence, the folds or the labels are unclear, or an entry is damaged (unless damage is
            skipped). The message is one sentence.
    """
    notes: list[str] = []
    damage = Damage(skip=reading.skip_damaged)
    with ExitStack() as stack:
        sequences = [stack.enter_context(opened(path)) for path in sorted(folder.glob("*.csd"))]
        labels = find_labels(sequences, folder)
        pivot = named(reading.align, sequences, folder) if reading.align else None
        samples = read_segments(labels, damage, notes)
        if samples is None:
            raise unclear(sequences, folder)
        samples, split_of = _with_splits(samples, reading.folds or find_folds(folder), notes)
        if pivot is not None:
            samples = with_pivot(pivot, samples, notes)
            notes.append(f"steps are the intervals of {pivot.path.name}; rows within one: {reading.collapse}")
        cutter = Cutter(samples, labels, pivot, reading.collapse, damage, reading.steps)
        raw = modalities_of(streams_of(sequences, labels, pivot, notes), samples, cutter, notes)
        notes += timeless(sequences)
    raw, samples = undamaged(raw, samples, cutter.damaged)
    notes += damage.notes()
    if not raw or not len(samples):
        raise ValueError(f"folder '{folder}' has no features for labels: {'; '.join(notes) or 'labels are all it has'}")
    splits = _splits(samples, split_of) if split_of else None
    tasks = labelled_everywhere(make_tasks(samples.values, label_names(labels), notes), splits or {}, notes)
    name = folder.resolve().name
    with within(f"folder '{folder}'"):
        return assemble(
            name, raw, tasks, samples.ids, groups=samples.videos, splits=splits, notes=notes, means=reading.means
        )


def is_labels(sequence: ComputationalSequence) -> bool:
    """Whether the name of the file says that the sequence holds labels."""
    return "label" in sequence.path.stem.lower()


def find_labels(sequences: Sequence[ComputationalSequence], folder: Path) -> list[ComputationalSequence]:
    """The sequence called labels, or those with "label" in their file's name, the narrowest (sentiment) first."""
    labels = [sequence for sequence in sequences if is_labels(sequence)]
    labels = [sequence for sequence in labels if sequence.path.stem.lower() == "labels"] or labels
    if not labels:
        raise unclear(sequences, folder)
    for sequence in labels:
        if sequence.is_text:
            raise ValueError(f"{sequence.path} holds text, expected labels that are numbers")
    return sorted(labels, key=lambda sequence: sequence.width)


def unclear(sequences: Sequence[ComputationalSequence], folder: Path) -> ValueError:
    """The error for labels that are missing or do not fit each other."""
    files = ", ".join(sequence.path.name for sequence in sequences)
    expected = "labels.csd, or one name with 'label' in it, or several whose entries and intervals are the same"
    return ValueError(f"folder '{folder}' has {files}, expected {expected}")


def named(name: str, sequences: Sequence[ComputationalSequence], folder: Path) -> ComputationalSequence:
    """The sequence whose file or root is called `name`, in upper or lower case."""
    for names in ([item.path.stem for item in sequences], [item.root for item in sequences]):
        for sequence, its_name in zip(sequences, names, strict=True):
            if its_name.lower() == name.lower():
                return sequence
    stems = ", ".join(sequence.path.stem for sequence in sequences)
    raise ValueError(f"folder '{folder}' has no sequence {name!r} to align to, it has {stems}")


def _with_splits(
    samples: LabelledSegments, folds: Path | None, notes: list[str]
) -> tuple[LabelledSegments, dict[str, str]]:
    """The samples whose video is in the folds, in their order, and the split of each video ({} without folds)."""
    if folds is None:
        return samples, {}
    split_of, places = read_folds(folds), samples.by_video()
    videos = [video for video in split_of if video in places]
    if len(videos) < len(split_of):
        notes.append(f"{len(split_of) - len(videos)} ids of the folds have no label")
    if len(videos) < len(places):
        notes.append(f"{len(places) - len(videos)} videos without a fold left out")
    for split in SPLITS:
        if not any(split_of[video] == split for video in videos):
            raise ValueError(f"folds '{folds}' have no video with a label for {split!r}, expected at least one")
    return samples.take(np.concatenate([places[video] for video in videos])), split_of


def _splits(samples: LabelledSegments, split_of: Mapping[str, str]) -> dict[str, NDArray[np.int64]]:
    splits = np.array([split_of[video] for video in samples.videos])
    return {split: np.flatnonzero(splits == split).astype(np.int64) for split in SPLITS}


def with_pivot(pivot: ComputationalSequence, samples: LabelledSegments, notes: list[str]) -> LabelledSegments:
    """The samples whose video the pivot has."""
    has_pivot = np.array([video in pivot.videos for video in samples.videos])
    if not has_pivot.all():
        notes.append(f"{(~has_pivot).sum()} samples whose video {pivot.path.name} lacks left out")
    return samples.take(np.flatnonzero(has_pivot))


def streams_of(
    sequences: Sequence[ComputationalSequence],
    labels: Sequence[ComputationalSequence],
    pivot: ComputationalSequence | None,
    notes: list[str],
    known: Collection[str] = (),
) -> dict[str, ComputationalSequence]:
    """The sequences that are modalities, by name. Labels are none, because they would tell the answer, nor is text.

    A file that is called as a `known` modality keeps its name.
    """
    streams = {}
    for sequence in sequences:
        if not is_labels(sequence) and not sequence.is_text:
            streams[sequence.path.stem] = sequence
        elif sequence not in (*labels, pivot):
            what = "labels too" if is_labels(sequence) else "text, not features"
            notes.append(f"{sequence.path.name}: holds {what}; left out")
    return {name: streams[stem] for stem, name in modality_names(list(streams), known).items()}


def modalities_of(
    streams: Mapping[str, ComputationalSequence], samples: LabelledSegments, cutter: Cutter, notes: list[str]
) -> dict[str, RawModality]:
    """What each stream has of each sample, by modality. A stream without anything is left out, with a note."""
    modalities: dict[str, RawModality] = {}
    videos = set(samples.videos)
    for name, stream in streams.items():
        modality = cutter.modality(name, stream, notes)
        if modality is None:
            notes.append(f"{name}: {stream.path.name} has nothing within a label; left out")
            continue
        modalities[name] = modality
        if lacking := len(videos - stream.videos.keys()):
            notes.append(f"{name}: {stream.path.name} lacks {lacking} of {len(videos)} videos")
    return modalities


def timeless(sequences: Sequence[ComputationalSequence]) -> list[str]:
    """A note for each sequence with rows that have no time."""
    counts = {sequence.path.name: sum(sequence.timeless.values()) for sequence in sequences}
    return [
        f"{file}: {count} rows end before they start, or have no time; left out"
        for file, count in counts.items()
        if count
    ]


def undamaged(
    raw: Mapping[str, RawModality], samples: LabelledSegments, damaged: Set[str]
) -> tuple[dict[str, RawModality], LabelledSegments]:
    """Features and samples without the damaged videos."""
    kept = np.flatnonzero([video not in damaged for video in samples.videos])
    return {name: keep(modality, kept) for name, modality in raw.items()}, samples.take(kept)
