"""Splits for data that has none: whole groups, of about the asked sizes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

SHARES: Final = {"train": 0.7, "valid": 0.1, "test": 0.2}


def make_splits(
    groups: NDArray[np.int64], sizes: Mapping[str, float] = SHARES, seed: int = 0
) -> dict[str, NDArray[np.int64]]:
    """Samples of each split, int64, from the groups int64 [N]; no group is parted.

    Sizes are shares that sum to 1, or counts that sum to N. Where each sample is its own group, splits are consecutive
    parts of `numpy.random.default_rng(seed).permutation(N)`, so their sizes are exact; else groups go, in random order,
    to the split that lacks most. Raises ValueError for sizes that do not sum up, or fewer groups than splits.
    """
    names, member = np.unique(groups, return_inverse=True)
    counts = _counts(sizes, len(groups))
    if len(names) < len(counts):
        raise ValueError(f"the data has {len(names)} groups, expected at least {len(counts)} to split them")
    rng = np.random.default_rng(seed)
    if len(names) == len(groups):
        parts = np.split(rng.permutation(len(groups)), np.cumsum(list(counts.values()))[:-1])
        return {split: np.sort(part).astype(np.int64) for split, part in zip(counts, parts, strict=True)}
    chosen = _assign(rng.permutation(len(names)), np.bincount(member), np.array(list(counts.values())))
    return {split: np.flatnonzero(chosen[member] == place).astype(np.int64) for place, split in enumerate(counts)}


def with_validation(
    splits: Mapping[str, NDArray[np.int64]], groups: Sequence[str] | None, kind: str, notes: list[str], seed: int = 0
) -> dict[str, NDArray[np.int64]]:
    """Splits train, valid and test from train and test: about a tenth of train, in whole groups, becomes valid.

    groups: N names, None: each sample for itself; kind: what messages call such a group; `notes` gets a line. Raises
    ValueError for a single group.
    """
    train = splits["train"]
    members = train if groups is None else numbered([groups[place] for place in train.tolist()])
    if (count := len(np.unique(members))) < 2:
        raise ValueError(f"the training split has {count} {kind}s, expected at least 2: one for validation")
    parts = make_splits(members, {"train": 0.9, "valid": 0.1}, seed)
    found = {"train": train[parts["train"]], "valid": train[parts["valid"]], "test": splits["test"]}
    notes.append(f"no validation split was given; made of whole {kind}s of training: {counted(found)}")
    return found


def counted(splits: Mapping[str, NDArray[np.int64]]) -> str:
    """How many samples each split has, in words."""
    return ", ".join(f"{split} {len(indices)}" for split, indices in splits.items())


def numbered(groups: Sequence[str]) -> NDArray[np.int64]:
    """A number for each name, int64 [N], equal for equal names, in the order of the alphabet."""
    numbers = {name: number for number, name in enumerate(sorted(set(groups)))}  # an array makes all as long as one is
    return np.array([numbers[name] for name in groups], dtype=np.int64)


def _counts(sizes: Mapping[str, float], samples: int) -> dict[str, int]:
    """Whole numbers of samples, at least one each, that sum to all of them."""
    total = sum(sizes.values())
    if min(sizes.values()) <= 0 or not (abs(total - 1) < 1e-6 or total == samples):
        found = ", ".join(f"{split} {size:g}" for split, size in sizes.items())
        raise ValueError(f"split sizes are {found}, expected shares that sum to 1, or counts that sum to {samples}")
    ends = np.cumsum(list(sizes.values())) / total * samples
    counts = np.maximum(np.diff(np.round(ends).astype(int), prepend=0), 1)
    counts[counts.argmax()] -= counts.sum() - samples
    return dict(zip(sizes, (int(count) for count in counts), strict=True))


def _assign(order: NDArray[np.int64], weights: NDArray[np.int64], wanted: NDArray[np.int64]) -> NDArray[np.int64]:
    """The split of each group: where the share that is still missing is largest; no split stays empty."""
    chosen, filled = np.empty(len(order), dtype=np.int64), np.zeros(len(wanted))
    for done, group in enumerate(order):
        lack = 1 - filled / np.maximum(wanted, 1)
        empty = filled == 0
        if len(order) - done <= empty.sum():
            lack[~empty] = -np.inf
        chosen[group] = place = int(lack.argmax())
        filled[place] += weights[group]
    return chosen
