"""X, y and groups of an estimator become a `Dataset` with a training and a validation split."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from haemsa.cluster.estimator.targets import Target
from haemsa.model.data.cleaning import RawModality, clean
from haemsa.model.data.dataset import Dataset
from haemsa.model.data.folds import grouped

NAME: Final = "estimator"
PARTS: Final = 5
"""One in this many samples validates; fewer groups than this are one part each."""


def prepared(raw: Mapping[str, RawModality], targets: Mapping[str, Target], groups: Any, seed: int) -> Dataset:
    """The data of a search: one fifth validates, in whole groups, with the classes as even as they can be.

    There is no test split, because the person who fits an estimator keeps the test samples.

    Args:
        raw: The features of N samples by modality. They can change in place.
        targets: The tasks by name.
        groups: For each sample, what it belongs to; None if each sample is its own group.
        seed: Draws the validation split.

    Raises:
        ValueError: The parts do not fit each other, or there are too few samples. The message is one sentence.
    """
    count = len(next(iter(raw.values())).lengths)
    for name, target in targets.items():
        if len(target.task.targets) != count:
            raise ValueError(f"y has {len(target.task.targets)} labels for {name!r}, X has {count} samples")
    members = _numbered(groups, count)
    if len(np.unique(members)) < 2:
        what = "sample" if groups is None else "group"
        raise ValueError(f"X has 1 {what}, expected at least 2: one to train on, one to validate with")
    modalities, notes = clean(raw, np.arange(count))
    tasks, everything = {name: target.task for name, target in targets.items()}, {"train": np.arange(count)}
    dataset = Dataset(NAME, modalities, tasks, everything, tuple(map(str, range(count))), members, notes)
    held_out = grouped(dataset, min(PARTS, len(np.unique(members))), seed).held_out[0]
    return replace(dataset, splits={"train": np.flatnonzero(~held_out), "valid": np.flatnonzero(held_out)})


def _numbered(groups: Any, count: int) -> NDArray[np.int64]:
    """A number for each sample, int64 [N], equal within a group."""
    if groups is None:
        return np.arange(count)
    names = np.asarray(groups)
    if names.shape != (count,):
        raise ValueError(f"groups have shape {list(names.shape)}, expected [{count}], one for each sample")
    return np.unique(names.astype(str) if names.dtype == object else names, return_inverse=True)[1].astype(np.int64)
