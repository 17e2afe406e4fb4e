"""What is in more than one split: groups, ids, and samples with equal features."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from haemsa.cluster.shared.text import printable
from haemsa.model.data.readers.assemble import straddlers

Indices = NDArray[np.int64]
_EXAMPLES = 3


@dataclass(frozen=True)
class Overlap:
    """`count` things that are in all of `splits`. examples: for the first few, the id of a sample in each split."""

    splits: tuple[str, ...]
    count: int
    examples: tuple[tuple[str, ...], ...]


@dataclass(frozen=True)
class Repeats:
    """Samples whose features are equal byte by byte, in one modality or in all that they have.

    within: per split, how many samples repeat an earlier one of it. across: what is in several splits. shared: the
    share of training samples that equal another one of training.
    """

    within: dict[str, int]
    across: tuple[Overlap, ...]
    shared: float


def overlaps(things: Indices, splits: Mapping[str, Indices], ids: Sequence[str]) -> tuple[Overlap, ...]:
    """What is in more than one split, per combination of splits. `things`: int64 [N], equal for the same thing."""
    names = straddlers(things, splits)
    if not len(names):
        return ()
    inside = np.stack([np.isin(names, things[indices]) for indices in splits.values()], axis=1)
    result = []
    for pattern in np.unique(inside, axis=0)[::-1]:
        members = names[(inside == pattern).all(axis=1)]
        where = [split for split, there in zip(splits, pattern, strict=True) if there]
        examples = [tuple(_first(name, things, splits[split], ids) for split in where) for name in members[:_EXAMPLES]]
        result.append(Overlap(tuple(where), len(members), tuple(examples)))
    return tuple(result)


def repeats(digests: NDArray[np.uint64], splits: Mapping[str, Indices], ids: Sequence[str]) -> Repeats:
    """Equal rows of digests [N, M], one column per modality. A row of zeros equals nothing."""
    things = numbered_rows(digests)
    present = {split: indices[digests[indices].any(axis=1)] for split, indices in splits.items()}
    counts = np.unique(things[present["train"]], return_counts=True)[1]
    shared = float(counts[counts > 1].sum() / max(1, len(splits["train"])))
    return Repeats(repeated(things, present), overlaps(things, present, ids), shared)


def repeated(things: Indices, splits: Mapping[str, Indices]) -> dict[str, int]:
    """Per split, how many samples have the thing of an earlier sample of it."""
    return {split: len(indices) - len(np.unique(things[indices])) for split, indices in splits.items()}


def numbered_rows(rows: NDArray[Any]) -> Indices:
    """A number for each row, int64 [N], equal for equal rows."""
    return np.unique(rows, axis=0, return_inverse=True)[1].reshape(-1).astype(np.int64)


def _first(name: int, things: Indices, indices: Indices, ids: Sequence[str]) -> str:
    return printable(ids[indices[int((things[indices] == name).argmax())]], 40)
