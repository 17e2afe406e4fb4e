"""The dictionary of one split, as MMSA and MulT write it. Axis: `n` samples of the split."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from haemsa.model.data.dataset import SPLITS
from haemsa.model.data.readers.unpickling.unpickle import plain


@dataclass(frozen=True, eq=False)
class SplitContent:
    """What the dictionary of one split holds.

    Attributes:
        content: Arrays and lists by key, without None.
        intact: bool [n], which samples are not damaged so far. It changes in place.
    """

    content: Mapping[str, Any]
    intact: NDArray[np.bool_]

    def __len__(self) -> int:
        return len(self.intact)


def split_contents(content: Mapping[Any, Any], counted: Sequence[str]) -> dict[str, SplitContent]:
    """The content of each split: train, test, and valid if there is one.

    Args:
        content: The dictionaries by split.
        counted: Keys of labels. The first one that a split has tells how many samples it has.

    Raises:
        ValueError: Train or test is missing, or a split is empty, or is no dictionary, or has no labels.
    """
    contents: dict[str, SplitContent] = {}
    for split in SPLITS:
        if split in content or split != "valid":
            part = _content(content, split)
            contents[split] = SplitContent(part, np.ones(_size(part, split, counted), dtype=bool))
    return contents


def _content(content: Mapping[Any, Any], split: str) -> dict[str, Any]:
    part = content.get(split)
    if not isinstance(part, dict):
        keys = ", ".join(key[:40] for key in list(content)[:8] if isinstance(key, str)) or "nothing"
        raise ValueError(f"there is no dictionary {split!r} but {keys}, expected {', '.join(SPLITS)}")
    named = ((key, plain(value)) for key, value in part.items() if isinstance(key, str))
    return {key: value for key, value in named if value is not None}


def _size(part: Mapping[str, Any], split: str, counted: Sequence[str]) -> int:
    for key in counted:
        labels = part.get(key)
        if isinstance(labels, list | tuple | np.ndarray):
            if not (labels.size if isinstance(labels, np.ndarray) else labels):
                raise ValueError(f"split {split!r} is empty, expected at least one sample")
            return len(labels)
    raise ValueError(f"split {split!r} has no list {' or '.join(map(repr, counted))}, expected one of them")
