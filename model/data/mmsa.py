"""MMSA pickles: dictionaries by split with features, ids, and labels of sentiment or of classes.

The layout of the MMSA framework (Mao et al. 2022), as used for CMU-MOSI, CMU-MOSEI and CH-SIMS, aligned or not.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from model.data.dataset import Dataset, Task
from model.data.parts import Parts, sentiment
from model.data.reading import Damage, Reading
from model.data.room import Room

REGRESSION: Final = "regression_labels"
CLASSES: Final = "classification_labels"
_OF_ONE: Final = {"T": "sentiment_text", "A": "sentiment_audio", "V": "sentiment_vision"}
_OF_ALL: Final = REGRESSION + "_M"


def read(content: Mapping[Any, Any], name: str, reading: Reading, room: Room) -> Dataset:
    """The data set called `name` in what an MMSA pickle holds. Raises ValueError, one sentence, for anything else."""
    parts = Parts(content, (REGRESSION, _OF_ALL, CLASSES), Damage(skip=reading.skip_damaged), room)
    tasks = _sentiments(parts)
    if CLASSES in parts.keys:
        classes = _column(parts, CLASSES)
        if "sentiment" in tasks and _is_sign(classes, tasks["sentiment"].targets):
            parts.notes.append(f"{CLASSES}: only the sign of {REGRESSION}; left out")
        else:
            tasks["class"] = _classes(classes, parts)
    return parts.dataset(name, tasks)


def _column(parts: Parts, key: str) -> NDArray[np.float32]:
    labels = parts.labels(key)
    if labels.ndim > 1:
        raise ValueError(f"{key!r} has the shape {list(labels.shape[1:])} per sample, expected one label")
    return labels


def _sentiments(parts: Parts) -> dict[str, Task]:
    """Of all modalities together, then of single ones, each judged without the others (CH-SIMS)."""
    keys = {"sentiment": REGRESSION if REGRESSION in parts.keys else _OF_ALL}
    keys |= {task: f"{REGRESSION}_{letter}" for letter, task in _OF_ONE.items()}
    columns = {task: _column(parts, key) for task, key in keys.items() if key in parts.keys}
    for task, column in columns.items():
        parts.missing(task, np.isnan(column))
    if {REGRESSION, _OF_ALL} <= parts.keys:
        parts.notes.append(f"{_OF_ALL}: left out for {REGRESSION}, the labels of all modalities too")
    if others := sorted(key for key in parts.keys if key.startswith(CLASSES + "_")):
        parts.notes.append(f"{', '.join(others)}: classes of single modalities; left out")
    scale = np.concatenate([*columns.values()]) if columns else np.empty(0, np.float32)
    return {task: sentiment(column, scale) for task, column in columns.items()}


def _is_sign(classes: NDArray[np.float32], labels: NDArray[np.float32]) -> bool:
    """Whether classes are -1, 0, 1 or 0, 1, 2 for negative, neutral, positive, wherever both are known."""
    known = ~np.isnan(classes) & ~np.isnan(labels)
    sign = np.sign(labels[known])
    return bool(known.any()) and any(np.array_equal(classes[known], sign + shift) for shift in (0, 1))


def _classes(values: NDArray[np.float32], parts: Parts) -> Task:
    known = ~np.isnan(values)
    parts.missing("class", ~known)
    kinds = np.unique(values[known])
    targets = np.where(known, np.searchsorted(kinds, values), -1).astype(np.int64)
    labels = tuple(f"{kind:g}" for kind in kinds)
    if words := parts.words("annotations"):
        pairs = {(target, word) for target, word in zip(targets, words, strict=True) if target >= 0}
        if len(pairs) == len(kinds) == len({word for _, word in pairs}):
            labels = tuple(word for _, word in sorted(pairs))
    return Task("classes", targets, labels)
