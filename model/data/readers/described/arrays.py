"""Arrays by the names that a description gives them. Axes: `N` samples, `T` steps, `D` features, `C` columns."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import numpy as np

from haemsa.model.data.cleaning import RawModality
from haemsa.model.data.dataset import SPLITS
from haemsa.model.data.memory import zeros
from haemsa.model.data.readers.described.cells import Cells, listed
from haemsa.model.data.readers.described.description import SPLIT, VALID
from haemsa.model.data.readers.described.npz import Header, Npz
from haemsa.model.data.readers.described.samples import Samples
from haemsa.model.data.readers.options import Damage


class Arrays:
    """The arrays called `names` in an .npz file; a name with {split} stands for one array per split, joined along N.

    Those of the validation split may be called as `VALID` says, or may all be missing. split_of: the split of each
    sample, None if no name has {split}. Raises ValueError, one sentence, for arrays that
    are missing, cannot be read, or do not fit each other.
    """

    zeros_pad = True

    def __init__(self, path: Path, names: Iterable[str], damage: Damage) -> None:
        self._path, self._npz = path, Npz(path)
        names = list(names)
        by_split = any(SPLIT in name for name in names)
        has_valid = any(self._part(name, "valid") in self._npz.names for name in names)
        self._splits = tuple(split for split in SPLITS if split != "valid" or has_valid) if by_split else ("",)
        self._sizes = {split: self._size([self._part(name, split) for name in names]) for split in self._splits}
        count = sum(self._sizes.values())
        if count > path.stat().st_size:
            raise ValueError(f"{path} claims {count} samples, more than it has bytes")
        spread = [split for split, size in self._sizes.items() for _ in range(size)]
        self.split_of: Sequence[str] | None = spread if by_split else None
        called = [f"{split}-{n}" if split else str(n) for split, size in self._sizes.items() for n in range(size)]
        self.samples = Samples(f"{path}: sample", called, damage)

    def features(self, names: str | tuple[str, ...]) -> RawModality:
        """[N, T, D] of an array [N, T, D] or [N, D]; zeros beyond its T, and in a split that has none."""
        name = self._one(names)
        headers = self._headers(name)
        for split, header in headers.items():
            if header.dtype.kind not in "biuf" or len(header.shape) not in (2, 3):
                found = f"{self._part(name, split)!r} is {header}"
                raise ValueError(f"{self._path}: {found}, expected numbers [N, T, D] or [N, D]")
        width = self._same(name, {split: header.shape[-1] for split, header in headers.items()})
        steps = max(header.shape[1] if len(header.shape) == 3 else 1 for header in headers.values())
        shape = (len(self.samples), steps, width)
        if 4 * math.prod(shape) > self._npz.limit:
            raise ValueError(f"{self._path}: {name!r} has the shape {list(shape)} in all, more than the file can hold")
        room = zeros(shape)
        for split, start in zip(self._splits, np.cumsum([0, *self._sizes.values()]).tolist(), strict=False):
            if split in headers:
                self._npz.fill(self._part(name, split), room[start : start + self._sizes[split]])
        return RawModality(room, np.full(len(room), steps, dtype=np.int64))

    def absent(self, names: str | tuple[str, ...]) -> list[str]:
        """The splits that lack this array."""
        return [split for split in self._splits if self._part(self._one(names), split) not in self._npz.names]

    def cells(self, names: str | tuple[str, ...]) -> dict[str, Cells]:
        """The columns of an array [N] or [N, C], by what to call them; all missing in a split that has none.

        Further axes of size 1 do not count.
        """
        name = self._one(names)
        headers = self._headers(name)
        for split, header in headers.items():
            if sum(size > 1 for size in header.shape[1:]) > 1:
                raise ValueError(f"{self._path}: {self._part(name, split)!r} is {header}, expected [N] or [N, C]")
        width = self._same(name, {split: math.prod(header.shape[1:]) for split, header in headers.items()})
        blocks = [
            self._npz.array(self._part(name, split)).reshape(size, width)
            if split in headers
            else np.full((size, width), None)
            for split, size in self._sizes.items()
        ]
        columns = np.concatenate(blocks).T
        return {name if width == 1 else f"{name}[{place}]": column for place, column in enumerate(columns)}

    def _part(self, name: str, split: str) -> str:
        """The array that a name stands for in one split."""
        parts = [name.replace(SPLIT, called) for called in (VALID if split == "valid" else (split,))]
        return next((part for part in parts if part in self._npz.names), parts[0])

    def _one(self, names: str | tuple[str, ...]) -> str:
        if not isinstance(names, str):
            raise ValueError(f"{self._path}: {listed(names)} are several arrays, expected the name of one")
        return names

    def _headers(self, name: str) -> dict[str, Header]:
        """What the arrays of a name say of themselves, by split; there is at least one, and their N are right."""
        there = self._present([self._part(name, split) for split in self._splits])
        found = {
            split: self._npz.header(self._part(name, split))
            for split in self._splits
            if self._part(name, split) in there
        }
        for split, header in found.items():
            if header.shape[0] != self._sizes[split]:
                told = f"{self._part(name, split)!r} is {header}, but other arrays have {self._sizes[split]} samples"
                raise ValueError(f"{self._path}: {told}")
        return found

    def _size(self, arrays: Sequence[str]) -> int:
        """N, as the first of the arrays has it."""
        return self._npz.header(self._present(arrays)[0]).shape[0]

    def _present(self, arrays: Sequence[str]) -> list[str]:
        """Those of the arrays that there are."""
        if not (found := [array for array in arrays if array in self._npz.names]):
            asked = " or ".join(map(repr, arrays))
            raise ValueError(f"{self._path} has no array {asked}, it has {listed(self._npz.names)}")
        return found

    def _same(self, name: str, widths: Mapping[str, int]) -> int:
        """The one width that all splits have."""
        if len(set(widths.values())) > 1:
            told = ", ".join(f"{width} in {split}" for split, width in widths.items())
            raise ValueError(f"{self._path}: the last axis of {name!r} is {told}, expected the same in each")
        return next(iter(widths.values()))
