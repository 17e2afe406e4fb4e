"""MMSA pickles: dictionaries by split with features, ids, and labels of sentiment or of classes.

The layout of the MMSA framework (Mao et al. 2022), as used for CMU-MOSI, CMU-MOSEI and CH-SIMS, aligned or not.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from haemsa.model.data.dataset import Dataset, Task
from haemsa.model.data.readers.memory import MemoryBudget
from haemsa.model.data.readers.options import Damage, Reading
from haemsa.model.data.readers.split_pickles.sentiment import are_signs, classes, sentiment
from haemsa.model.data.readers.split_pickles.splits import Splits

REGRESSION: Final = "regression_labels"
CLASSES: Final = "classification_labels"
_OF_ONE: Final = {"T": "sentiment_text", "A": "sentiment_audio", "V": "sentiment_vision"}
_OF_ALL: Final = REGRESSION + "_M"


def read(content: Mapping[Any, Any], name: str, reading: Reading, budget: MemoryBudget) -> Dataset:
    """The data set called `name` in what an MMSA pickle holds. Raises ValueError, one sentence, for anything else."""
    splits = Splits(content, (REGRESSION, _OF_ALL, CLASSES), Damage(skip=reading.skip_damaged), reading.steps, budget)
    tasks = _sentiments(splits)
    if CLASSES in splits.keys:
        numbers = _column(splits, CLASSES)
        if "sentiment" in tasks and are_signs(splits.pooled(numbers), splits.pooled(tasks["sentiment"].targets)):
            splits.leave_out(CLASSES, f"only the sign of {REGRESSION}")
        else:
            tasks["class"] = _classes(numbers, splits)
    return splits.dataset(name, tasks, reading.means)


def _column(splits: Splits, key: str) -> NDArray[np.float32]:
    labels = splits.labels(key)
    if labels.ndim > 1:
        raise ValueError(f"{key!r} has the shape {list(labels.shape[1:])} per sample, expected one label")
    return labels


def _sentiments(splits: Splits) -> dict[str, Task]:
    """The sentiment of all modalities together, then of single ones, each judged without the others (CH-SIMS)."""
    keys = {"sentiment": REGRESSION if REGRESSION in splits.keys else _OF_ALL}
    keys |= {task: f"{REGRESSION}_{letter}" for letter, task in _OF_ONE.items()}
    columns = {task: _column(splits, key) for task, key in keys.items() if key in splits.keys}
    for task, column in columns.items():
        splits.missing(task, np.isnan(column))
    if {REGRESSION, _OF_ALL} <= splits.keys:
        splits.leave_out(_OF_ALL, f"the labels of all modalities, as {REGRESSION} are")
    for key in sorted(key for key in splits.keys if key.startswith(CLASSES + "_")):
        splits.leave_out(key, "classes of single modalities")
    scale = np.concatenate([np.empty(0, np.float32), *map(splits.pooled, columns.values())])
    return {task: sentiment(column, scale) for task, column in columns.items()}


def _classes(numbers: NDArray[np.float32], splits: Splits) -> Task:
    """The task of classes with these numbers. Their names are those in `annotations`, if each class has one there."""
    splits.missing("class", np.isnan(numbers))
    task = classes(numbers)
    if words := splits.words("annotations"):
        pairs = {(target, word) for target, word in zip(task.targets.tolist(), words, strict=True) if target >= 0}
        if len(pairs) == len(task.labels) == len({word for _, word in pairs}):
            return replace(task, labels=tuple(word for _, word in sorted(pairs)))
    return task
