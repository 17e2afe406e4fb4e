"""Dictionaries of features as new samples: by split, or one for all samples, or that of a single sample.

A single sample is what MMSA-FET writes: arrays [T, D] by modality, with at most one id and one length for each. Axes:
`n` samples of one dictionary, `T` time steps, `D` features.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import numpy as np

from haemsa.model.data.readers.memory import MemoryBudget
from haemsa.model.data.readers.options import Reading
from haemsa.model.data.readers.split_pickles.features import is_features, is_of_labels, modalities
from haemsa.model.data.readers.split_pickles.split_content import SplitContent
from haemsa.model.data.readers.unpickling.unpickle import plain
from haemsa.model.data.readers.unpickling.values import form_of, names
from haemsa.model.data.samples import Samples

_ID: Final = "id"
_LENGTHS: Final = "_lengths"
_TOKENS: Final = "text_bert"
_READ: Final = (_ID, "raw_text", "annotations", "mode")
"""Keys that are not features, which no note is about."""


def read_samples(parts: Mapping[str, Mapping[Any, Any]], name: str, reading: Reading, budget: MemoryBudget) -> Samples:
    """The samples in dictionaries by split, or in one dictionary whose split is "".

    Args:
        parts: The dictionaries.
        name: The id of a single sample that has none.
        reading: What is asked of the reader.
        budget: The memory that features take.

    Raises:
        ValueError: There are no features, or they do not fit each other. The message is one sentence.
    """
    notes, contents, ids, split_of = list[str](), dict[str, SplitContent](), list[str](), list[str]()
    for split, part in parts.items():
        named = {key: plain(value) for key, value in part.items() if isinstance(key, str)}
        content = {key: value for key, value in named.items() if value is not None}
        count = _count(content)
        if count is None:
            content, count = _of_one(content, name), 1
        if not count:
            continue
        used = {key: value for key, value in content.items() if key not in _READ and not is_of_labels(key)}
        contents[split] = SplitContent(used, np.ones(count, dtype=bool))
        ids += _ids(content, count, split)
        split_of += [split] * count
    if not contents:
        raise ValueError("there are no samples, expected features such as text, audio and vision")
    raw = modalities(contents, (), reading.steps, budget, notes)
    return Samples(raw, tuple(ids), tuple(split_of) if any(split_of) else None, tuple(notes))


def _count(content: Mapping[str, Any]) -> int | None:
    """How many samples a dictionary holds. None: it is that of a single sample.

    Ids, labels or lengths tell it, if there is one for each sample. Otherwise the axes of the features do.
    """
    for key, value in content.items():
        for_each = isinstance(value, list | tuple) or (isinstance(value, np.ndarray) and value.ndim == 1)
        if for_each and (key in _READ or is_of_labels(key) or key.endswith(_LENGTHS)):
            return len(value)
    return next((len(value) for value in content.values() if is_features(value) and value.ndim == 3), None)


def _of_one(content: Mapping[str, Any], name: str) -> dict[str, Any]:
    """The dictionary of a single sample as one of `n` = 1 samples."""
    one: dict[str, Any] = {_ID: [str(content.get(_ID, name))]}
    for key, value in content.items():
        if is_features(value):
            one[key] = value[None]
        elif key.endswith(_LENGTHS):
            one[key] = [value]
        elif key not in (*_READ, _TOKENS):
            one[key] = value
    return one


def _ids(content: Mapping[str, Any], count: int, split: str) -> list[str]:
    if _ID not in content:
        return [f"{split}-{place}" if split else str(place) for place in range(count)]
    ids = names(content[_ID], count)
    if ids is None:
        raise ValueError(f"{split} 'id' is {form_of(content[_ID])}, expected {count} names, one per sample".strip())
    return ids
