"""MulT's pickles: dictionaries by split with `vision`, `audio`, `text`, `id` and one array of `labels`.

The layout of the Multimodal Transformer (Tsai et al. 2019) and of MultiBench. The shape of `labels` per sample tells
what they are: one number is sentiment, or a class if only two whole numbers occur; seven numbers are MOSEI's sentiment
and emotions; four pairs are IEMOCAP's emotions.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from haemsa.model.data.dataset import Dataset, Task
from haemsa.model.data.readers.memory import MemoryBudget
from haemsa.model.data.readers.options import Damage, Reading
from haemsa.model.data.readers.split_pickles.sentiment import are_two_classes, classes, sentiment
from haemsa.model.data.readers.split_pickles.splits import Splits

LABELS: Final = "labels"
MOSEI: Final = ("happy", "sad", "anger", "surprise", "disgust", "fear")
IEMOCAP: Final = ("neutral", "happy", "sad", "angry")


def read(content: Mapping[Any, Any], name: str, reading: Reading, budget: MemoryBudget) -> Dataset:
    """The data set called `name` in what such a pickle holds. Raises ValueError, one sentence, for anything else."""
    splits = Splits(content, (LABELS,), Damage(skip=reading.skip_damaged), reading.steps, budget)
    return splits.dataset(name, tasks_of(splits), reading.means)


def tasks_of(splits: Splits) -> dict[str, Task]:
    """The tasks in the array `labels` of each split. Raises ValueError for labels of another shape."""
    labels = splits.labels(LABELS)
    shape = labels.shape[1:]
    if shape == (len(IEMOCAP), 2):
        return {"emotion": _paired(labels, splits)}
    if shape not in ((), (1 + len(MOSEI),)):
        raise ValueError(f"{LABELS!r} has the shape {list(shape)} per sample, expected one number, [7] or [4, 2]")
    if not shape and are_two_classes(labels, splits.pooled(labels)):
        splits.missing("label", np.isnan(labels))
        return {"label": classes(labels)}
    emotion = {"emotion": _present(labels[:, 1:], splits)} if shape else {}
    strength = labels[:, 0] if shape else labels
    splits.missing("sentiment", np.isnan(strength))
    return {"sentiment": sentiment(strength, splits.pooled(strength)), **emotion}


def _present(strengths: NDArray[np.float32], splits: Splits) -> Task:
    """MOSEI's six emotions from their strengths [N, 6], 0 to 3. An emotion is present if its strength is above 0."""
    for index in np.flatnonzero((strengths < 0).any(axis=1)):
        splits.mark_damaged(int(index), f"an emotion is {strengths[index].min():g} strong, expected 0 to 3")
    targets = np.where(np.isnan(strengths), np.nan, strengths > 0).astype(np.float32)
    return Task("multilabel", targets, MOSEI)


def _paired(pairs: NDArray[np.float32], splits: Splits) -> Task:
    """IEMOCAP's four emotions as pairs [N, 4, 2], each a one-hot "absent" or "present"."""
    missing = np.isnan(pairs).any(axis=2)
    one_hot = ((pairs == 0) | (pairs == 1)).all(axis=2) & (pairs.sum(axis=2) == 1)
    for index, emotion in np.argwhere(~missing & ~one_hot):
        pair = [float(value) for value in pairs[index, emotion]]
        splits.mark_damaged(int(index), f"{IEMOCAP[emotion]!r} is {pair}, expected [1, 0] or [0, 1]")
    return Task("multilabel", np.where(missing, np.nan, pairs[:, :, 1] > 0).astype(np.float32), IEMOCAP)
