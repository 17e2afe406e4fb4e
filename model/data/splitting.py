"""Splits for data that has none: whole groups, of about the sizes that are asked for. Axes: `N` samples."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

SHARES: Final = {"train": 0.7, "valid": 0.1, "test": 0.2}


def make_splits(
    groups: NDArray[np.int64], sizes: Mapping[str, float] = SHARES, seed: int = 0
) -> dict[str, NDArray[np.int64]]:
    """Divide samples into splits, and never divide a group.

    If each sample is its own group, splits are consecutive parts of `numpy.random.default_rng(seed).permutation(N)`, so
    their sizes are exact. Otherwise groups go, in random order, to the split that lacks most.

    Args:
        groups: int64 [N], equal for samples that belong together.
        sizes: Shares that sum to 1, or counts that sum to N.
        seed: Draws the order of the groups.

    Returns:
        The indices of each split's samples, int64.

    Raises:
        ValueError: The sizes do not sum up, or there are fewer groups than splits.

    Example:
        >>> import numpy as np
        >>> splits = make_splits(np.arange(10))
        >>> {name: len(indices) for name, indices in splits.items()}
        {'train': 7, 'valid': 1, 'test': 2}
    """
    names, member = np.unique(groups, return_inverse=True)
    counts = _counts(sizes, len(groups))
    if len(names) < len(counts):
        raise ValueError(f"the data has {len(names)} groups, expected at least {len(counts)} to split them")
    rng = np.random.default_rng(seed)
    if len(names) == len(groups):
        parts = np.split(rng.permutation(len(groups)), np.cumsum(list(counts.values()))[:-1])
        return {split: np.sort(part).astype(np.int64) for split, part in zip(counts, parts, strict=True)}
    split_of = _split_of_groups(rng.permutation(len(names)), np.bincount(member), np.array(list(counts.values())))
    return {split: np.flatnonzero(split_of[member] == place).astype(np.int64) for place, split in enumerate(counts)}


def with_validation(
    splits: Mapping[str, NDArray[np.int64]], groups: Sequence[str] | None, kind: str, notes: list[str], seed: int = 0
) -> dict[str, NDArray[np.int64]]:
    """Make a validation split of about a tenth of the training split, in whole groups.

    Args:
        splits: The indices of "train" and "test".
        groups: The name of each sample's group, N names; None if each sample is its own group.
        kind: What messages call a group.
        notes: Gets a line about the new split.
        seed: Draws the groups.

    Raises:
        ValueError: Training has only one group.
    """
    train = splits["train"]
    members = train if groups is None else numbered([groups[place] for place in train.tolist()])
    if (count := len(np.unique(members))) < 2:
        raise ValueError(f"the training split has {count} {kind}s, expected at least 2: one for validation")
    parts = make_splits(members, {"train": 0.9, "valid": 0.1}, seed)
    divided = {"train": train[parts["train"]], "valid": train[parts["valid"]], "test": splits["test"]}
    notes.append(f"no validation split was given; made of whole {kind}s of training: {counted(divided)}")
    return divided


def counted(splits: Mapping[str, NDArray[np.int64]]) -> str:
    """How many samples each split has, as text."""
    return ", ".join(f"{split} {len(indices)}" for split, indices in splits.items())


def numbered(groups: Sequence[str]) -> NDArray[np.int64]:
    """A number for each name, int64 [N]: equal for equal names, and in alphabetical order."""
    numbers = {name: number for number, name in enumerate(sorted(set(groups)))}  # an array pads all to the longest
    return np.array([numbers[name] for name in groups], dtype=np.int64)


def _counts(sizes: Mapping[str, float], samples: int) -> dict[str, int]:
    """Whole numbers of samples, at least one each, that sum to all of them."""
    total = sum(sizes.values())
    if min(sizes.values()) <= 0 or not (abs(total - 1) < 1e-6 or total == samples):
        listed = ", ".join(f"{split} {size:g}" for split, size in sizes.items())
        raise ValueError(f"split sizes are {listed}, expected shares that sum to 1, or counts that sum to {samples}")
    ends = np.cumsum(list(sizes.values())) / total * samples
    counts = np.maximum(np.diff(np.round(ends).astype(int), prepend=0), 1)
    counts[counts.argmax()] -= counts.sum() - samples
    return dict(zip(sizes, (int(count) for count in counts), strict=True))


def _split_of_groups(
    order: NDArray[np.int64], sizes: NDArray[np.int64], wanted: NDArray[np.int64]
) -> NDArray[np.int64]:
    """The split of each group, in this order: the split that lacks the largest share. No split stays empty."""
    chosen, filled = np.empty(len(order), dtype=np.int64), np.zeros(len(wanted))
    for done, group in enumerate(order):
        lack = 1 - filled / np.maximum(wanted, 1)
        empty = filled == 0
        if len(order) - done <= empty.sum():
            lack[~empty] = -np.inf
        chosen[group] = place = int(lack.argmax())
        filled[place] += sizes[group]
    return chosen
