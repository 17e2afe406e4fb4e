"""Lists of segments by split, as MISA and MAG-BERT write them: `((words, vision, audio, ...), labels, id)` each.

They become dictionaries by split, as in MulT's pickles. Axes: `N` segments of a split, `T` words, `D` features.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from haemsa.model.data.dataset import Dataset
from haemsa.model.data.readers.memory import OBJECT, MemoryBudget
from haemsa.model.data.readers.options import Damage, Reading
from haemsa.model.data.readers.split_pickles import unlabelled
from haemsa.model.data.readers.split_pickles.mult import LABELS, tasks_of
from haemsa.model.data.readers.split_pickles.splits import Splits
from haemsa.model.data.readers.unpickling.unpickle import plain
from haemsa.model.data.readers.unpickling.values import form_of, is_numbers
from haemsa.model.data.samples import Samples

_STREAMS: Final = ("text", "vision", "audio")
Segment = tuple[tuple[Any, ...], Any, Any]


def is_segment(value: object) -> bool:
    """Whether `value` is a tuple of features, labels and, optionally, an id."""
    return isinstance(value, list | tuple) and len(value) >= 2 and isinstance(value[0], list | tuple)


def read(lists: Mapping[str, Sequence[Any]], name: str, reading: Reading, budget: MemoryBudget) -> Dataset:
    """The data set called `name` in a list for each split. Raises ValueError, one sentence, for anything else."""
    damage = Damage(skip=reading.skip_damaged)
    content, widths = _contents(lists, damage, reading.steps, budget)
    splits = Splits(content, (LABELS,), damage, reading.steps, budget)
    if "text" not in widths:
        splits.notes.append("text: words or their numbers, not features; left out")
    return splits.dataset(name, tasks_of(splits), reading.means)


def read_samples(lists: Mapping[str, Sequence[Any]], name: str, reading: Reading, budget: MemoryBudget) -> Samples:
    """The samples in lists by split, or in one list whose split is "". Labels are not read.

    Raises ValueError, one sentence, for anything else.
    """
    damage = Damage(skip=reading.skip_damaged, command="haemsa predict")
    content, _ = _contents(lists, damage, reading.steps, budget)
    found = unlabelled.read_samples(content, name, reading, budget)
    return replace(found, notes=(*found.notes, *damage.notes()))


def _contents(
    lists: Mapping[str, Sequence[Any]], damage: Damage, steps: int | None, budget: MemoryBudget
) -> tuple[dict[str, dict[str, Any]], dict[str, int]]:
    """The dictionary of each split, and the streams with their widths."""
    budget.claim("the segments", OBJECT * sum(map(len, lists.values())))
    streams = {split: [_streams(item) for item in items] for split, items in lists.items()}
    widths = _widths([arrays for part in streams.values() for arrays in part])
    content: dict[str, dict[str, Any]] = {}
    for split, items in lists.items():
        problems = [_problem(item, arrays, widths) for item, arrays in zip(items, streams[split], strict=True)]
        for place, problem in enumerate(problems):
            if problem:
                damage.report(f"{split} segment {place}", problem)
        kept = [place for place, problem in enumerate(problems) if not problem]
        content[split] = _part(
            [items[place] for place in kept], [streams[split][place] for place in kept], widths, steps, budget
        )
    return content, widths


def _streams(segment: Any) -> dict[str, NDArray[Any]]:
    """The streams of a segment that are numbers [T, D], or empty."""
    if not is_segment(segment):
        return {}
    values = {name: plain(value) for name, value in zip(_STREAMS, segment[0], strict=False)}
    return {name: value for name, value in values.items() if is_numbers(value) and (value.ndim == 2 or not value.size)}


def _widths(segments: Sequence[Mapping[str, NDArray[Any]]]) -> dict[str, int]:
    """The streams that most segments have, with their most frequent width."""
    shapes = {name: [arrays[name].shape for arrays in segments if name in arrays] for name in _STREAMS}
    counts = {name: Counter(shape[1] for shape in shapes[name] if len(shape) == 2) for name in _STREAMS}
    usual = [name for name in _STREAMS if counts[name] and 2 * len(shapes[name]) > len(segments)]
    return {name: counts[name].most_common(1)[0][0] for name in usual}


def _problem(segment: Any, arrays: Mapping[str, NDArray[Any]], widths: Mapping[str, int]) -> str:
    """What is wrong with a segment whose streams are `arrays`, or ""."""
    if not is_segment(segment):
        return f"it is {form_of(segment)}, expected ((words, vision, audio), labels, id)"
    for name, width in widths.items():
        if name not in arrays:
            return f"its {name} is no array of numbers, expected [T, {width}]"
        if arrays[name].size and arrays[name].shape[1] != width:
            return f"its {name} is {form_of(arrays[name])}, expected [T, {width}]"
    return ""


def _part(
    segments: Sequence[Segment],
    streams: Sequence[Mapping[str, NDArray[Any]]],
    widths: Mapping[str, int],
    steps: int | None,
    budget: MemoryBudget,
) -> dict[str, Any]:
    """The dictionary of one split. Its features [N, T, D] are padded, and cut to `steps`; its lengths are not cut."""
    part: dict[str, Any] = {LABELS: [plain(segment[1]) for segment in segments]}
    if all(len(segment) > 2 for segment in segments):
        part["id"] = [segment[2] for segment in segments]
    for name, width in widths.items():
        lengths = [len(arrays[name]) if arrays[name].size else 0 for arrays in streams]
        longest = max([1, *lengths])
        features = budget.zeros(name, len(segments), min(longest, steps or longest), width)
        with np.errstate(over="ignore"):
            for row, length, arrays in zip(features, lengths, streams, strict=True):
                row[:length] = arrays[name].reshape(length, width)[:steps]
        part |= {name: features, f"{name}_lengths": lengths}
    return part
