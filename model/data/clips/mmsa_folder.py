"""The folder of a data set as MMSA has it: label.csv, and the clips in Raw/VIDEO/CLIP.mp4."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import numpy as np

from haemsa.model.data.clips.clip import Clip, Clips, LabelledClips
from haemsa.model.data.clips.described import mark_missing
from haemsa.model.data.readers.assemble import Draft, labelled_everywhere
from haemsa.model.data.readers.described.cells import words
from haemsa.model.data.readers.described.columns import column_names
from haemsa.model.data.readers.described.description import Description
from haemsa.model.data.readers.described.features import DescribedSource, single_column
from haemsa.model.data.readers.described.read import draft_of, open_source
from haemsa.model.data.readers.options import Damage, within
from haemsa.model.data.readers.split_pickles.sentiment import sentiment

LABELS: Final = "label.csv"
_MEDIA: Final = "Raw"
_COLUMNS: Final[Mapping[str, Any]] = {"groups": "video_id", "transcript": "text", "media": "clip_id"}
_TASKS: Final = {
    "label": "sentiment",
    "label_T": "sentiment_text",
    "label_A": "sentiment_audio",
    "label_V": "sentiment_vision",
}


def read_folder(path: Path, damage: Damage) -> LabelledClips:
    """The clips of a folder, with their labels. Without a folder Raw they have only their transcripts.

    Raises:
        ValueError: There is no label.csv, or it is damaged (unless damage is skipped). The message is one sentence.
    """
    if not is_mmsa(path):
        raise ValueError(
            f"data '{path}' is a folder without {LABELS}, expected one, with the clips in Raw/VIDEO/CLIP.mp4"
        )
    description = _description(column_names(path / LABELS))
    with within(str(path)):
        source = open_source(path, description, damage)
        found = _clips(path, source)
        draft = _with_bounds(draft_of(path.resolve().name, description, source, damage))
        kept = _sound(found, source)
        name, count = Counter(kept.ids).most_common(1)[0]
        if count > 1:
            raise ValueError(f"{LABELS} has clip {name!r} {count} times, expected each once")
        return LabelledClips(kept.ids, kept.clips, replace(draft, ids=kept.ids).dataset)


def read_new_folder(path: Path, damage: Damage) -> Clips:
    """The clips of a folder. Columns of labels and splits can be missing. Raises as `read_folder`."""
    with within(str(path)):
        source = open_source(path, Description(source=LABELS, **_COLUMNS), damage)
        return _sound(_clips(path, source), source)


def is_mmsa(path: Path) -> bool:
    """Whether a folder has such a label.csv."""
    return (path / LABELS).is_file()


def _clips(path: Path, source: DescribedSource) -> Clips:
    """All clips of a folder, also damaged ones."""
    texts, numbers, videos = (words(single_column(name, source)) for name in ("text", "clip_id", "video_id"))
    named = list(zip(videos, numbers, strict=True))
    files: list[Path | None] = [None] * len(named)
    if (path / _MEDIA).is_dir():
        files = [path / _MEDIA / video / f"{number}.mp4" for video, number in named]
        mark_missing(files, source.samples)
    ids = [f"{video}$_${number}" for video, number in named]
    return Clips(ids, [Clip(*clip) for clip in zip(texts, files, strict=True)])


def _sound(found: Clips, source: DescribedSource) -> Clips:
    """Only the clips that are not damaged."""
    sound = source.samples.sound
    return Clips([found.ids[sample] for sample in sound], [found.clips[sample] for sample in sound])


def _description(columns: Collection[str]) -> Description:
    """What the columns of label.csv hold. The column `annotation` is only the sign of `label`."""
    tasks: dict[str, Any] = {
        task: {"from": column, "kind": "regression"} for column, task in _TASKS.items() if column in columns
    }
    return Description(source=LABELS, split="mode", tasks=tasks or {"sentiment": "label"}, **_COLUMNS)


def _with_bounds(draft: Draft) -> Draft:
    """The tasks with the usual bounds of sentiment, without those that a split has no label of."""
    splits, notes = draft.splits or {}, list[str]()
    pooled = np.concatenate([indices for split, indices in splits.items() if split != "test"])
    scale = np.concatenate([task.targets[pooled] for task in draft.tasks.values()])
    tasks = {name: sentiment(task.targets, scale) for name, task in draft.tasks.items()}
    return replace(draft, tasks=labelled_everywhere(tasks, splits, notes), notes=[*draft.notes, *notes])
