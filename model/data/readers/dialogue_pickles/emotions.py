"""What the numbers mean that dialogue pickles have as labels. Axes: `N` utterances, `K` numbers each."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from haemsa.model.data.dataset import Task

IEMOCAP: Final = ("hap", "sad", "neu", "ang", "exc", "fru")
"""The order of DialogueRNN, which MMGCN, COSMIC and SDT keep."""
MELD: Final = ("neutral", "surprise", "fear", "sadness", "joy", "disgust", "anger")
SENTIMENTS: Final = ("neutral", "positive", "negative")
_SIGNS: Final = {"neutral": "neutral", "joy": "positive", "anger": "negative"}
_DIMENSIONS: Final = ("valence", "arousal", "dominance")
_AVEC: Final = ("valence", "arousal", "expectancy", "power")
_MOST: Final = 64


def is_classes(labels: NDArray[np.float32]) -> bool:
    """Whether labels [N, K] are numbers of classes: one for each utterance, and most of them whole."""
    finite = labels[np.isfinite(labels)]
    return bool(labels.shape[1] == 1 and finite.size and _whole(finite).mean() > 0.5)


def class_names(labels: NDArray[np.float32], *, of_iemocap: bool) -> tuple[str, ...]:
    """The names of the classes that labels [N] number from 0: IEMOCAP's six, or class_0, class_1, ...

    A label is ignored if it would leave more classes unused than used, or if it is beyond IEMOCAP's six.
    """
    used = [int(label) for label in np.unique(labels[(labels >= 0) & (labels < _MOST) & _whole(labels)])]
    if of_iemocap:
        count = max((label + 1 for label in used if label < len(IEMOCAP)), default=0)
    else:
        count = max((label + 1 for place, label in enumerate(used) if label + 1 <= 2 * (place + 1)), default=0)
    if of_iemocap and count >= len(IEMOCAP) - 1:
        return IEMOCAP
    return tuple(f"class_{number}" for number in range(max(2, count)))


def classes(labels: NDArray[np.float32], names: Sequence[str], what: str) -> tuple[Task, dict[int, str]]:
    """The task of labels [N], which count from 0; NaN and -1 are missing. Also what is wrong with others, by place."""
    missing = np.isnan(labels) | (labels == -1)
    valid = ~missing & (labels >= 0) & (labels < len(names)) & _whole(labels)
    expected = f"expected 0 to {len(names) - 1}, or -1 where it is missing"
    wrong = {
        int(place): f"its {what!r} is {labels[place]:g}, {expected}" for place in np.flatnonzero(~missing & ~valid)
    }
    targets = np.where(valid, labels, -1).astype(np.int64)
    return Task("classes", targets, tuple(names)), wrong


def sentiment_names(sentiments: NDArray[np.float32], emotions: NDArray[np.int64]) -> tuple[str, ...]:
    """The names of MELD's three sentiments [N] in the order of their numbers. Files differ; the emotions [N] tell."""
    name_of: dict[int, str] = {}
    for emotion, name in _SIGNS.items():
        of_emotion = sentiments[(emotions == MELD.index(emotion)) & np.isin(sentiments, [0, 1, 2])].astype(int)
        name_of[int(np.bincount(of_emotion).argmax()) if of_emotion.size else -1] = name
    return tuple(name_of[number] for number in range(3)) if set(name_of) == set(range(3)) else SENTIMENTS


def dimensions(labels: NDArray[np.float32], name: str) -> dict[str, Task]:
    """Regression tasks of labels [N, K]. Three are IEMOCAP's, four are AVEC's. A single one is in the file's name."""
    width = labels.shape[1]
    if width not in (1, len(_DIMENSIONS), len(_AVEC)):
        raise ValueError(f"'labels' has {width} numbers per utterance, expected 1 (a class), or 3 or 4 (dimensions)")
    names = (_dimension(name.lower()),) if width == 1 else _DIMENSIONS if width == len(_DIMENSIONS) else _AVEC
    return {task: Task("regression", labels[:, column].copy()) for column, task in enumerate(names)}


def _whole(labels: NDArray[np.float32]) -> NDArray[np.bool_]:
    return np.asarray(labels == np.round(labels))


def _dimension(name: str) -> str:
    """The dimension that a file's name tells. DialogueRNN numbers those of AVEC from 1."""
    if re.search(r"avec.*_[1-4]$", name):
        return _AVEC[int(name[-1]) - 1]
    return next((dimension for dimension in (*_DIMENSIONS, *_AVEC) if dimension in name), "value")
