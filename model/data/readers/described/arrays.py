"""Arrays, by the names in a description. Axes: `N` samples, `T` steps, `D` features, `C` columns."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import numpy as np

from haemsa.model.data.cleaning import RawModality
from haemsa.model.data.dataset import SPLITS
from haemsa.model.data.readers.described.cells import Cells
from haemsa.model.data.readers.described.description import SPLIT, VALID
from haemsa.model.data.readers.described.npz import Header, Npz
from haemsa.model.data.readers.described.samples import SoundSamples
from haemsa.model.data.readers.memory import zeros
from haemsa.model.data.readers.options import Damage
from haemsa.model.errors import listed, near


class ArraySource:
    """The arrays of an .npz file that a description names.

    A name with {split} stands for one array in each split; these are joined along N. In the validation split, {split}
    can stand for any word of `VALID`, and all its arrays can be missing.

    Args:
        path: The file.
        names: The names of the arrays.
        damage: Counts damaged samples.
        whole: Whether the splits train and test must be there. New samples need only one split.

    Attributes:
        samples: The N samples.
        split_of: The split of each sample; None if no name has {split}.
        zeros_pad: Steps that are all zero are padding.

    Raises:
        ValueError: An array is missing, cannot be read, or does not fit the others. The message is one sentence.
    """

    zeros_pad = True

    def __init__(self, path: Path, names: Iterable[str], damage: Damage, *, whole: bool = True) -> None:
        self._path, self._npz = path, Npz(path)
        names = list(names)
        by_split = any(SPLIT in name for name in names)
        needed = ("train", "test") if whole else ()
        self._splits = tuple(split for split in SPLITS if split in needed or self._has(names, split))
        if not by_split or not self._splits:
            self._splits = ("",)
        self._sizes = {split: self._size([self._part(name, split) for name in names]) for split in self._splits}
        count = sum(self._sizes.values())
        if count > path.stat().st_size:
            raise ValueError(f"{path} claims {count} samples, more than it has bytes")
        split_of = [split for split, size in self._sizes.items() for _ in range(size)]
        self.split_of: Sequence[str] | None = split_of if by_split else None
        labels = [f"{split}-{n}" if split else str(n) for split, size in self._sizes.items() for n in range(size)]
        self.samples = SoundSamples(f"{path}: sample", labels, damage)

    def features(self, names: str | tuple[str, ...]) -> RawModality:
        """The features [N, T, D] of an array [N, T, D] or [N, D]; zeros in a split that lacks it, and beyond its T."""
        name = self._one(names)
        headers = self._headers(name)
        for split, header in headers.items():
            if header.dtype.kind not in "biuf" or len(header.shape) not in (2, 3):
                problem = f"{self._part(name, split)!r} is {header}"
                raise ValueError(f"{self._path}: {problem}, expected numbers [N, T, D] or [N, D]")
        width = self._same(name, {split: header.shape[-1] for split, header in headers.items()})
        steps = max(header.shape[1] if len(header.shape) == 3 else 1 for header in headers.values())
        shape = (len(self.samples), steps, width)
        if 4 * math.prod(shape) > self._npz.limit:
            raise ValueError(f"{self._path}: {name!r} has the shape {list(shape)} in all, more than the file can hold")
        features = zeros(shape)
        for split, start in zip(self._splits, np.cumsum([0, *self._sizes.values()]).tolist(), strict=False):
            if split in headers:
                self._npz.fill(self._part(name, split), features[start : start + self._sizes[split]])
        return RawModality(features, np.full(len(features), steps, dtype=np.int64))

    def has(self, names: str | tuple[str, ...]) -> bool:
        """Whether any split has these arrays."""
        return any(self._has([names] if isinstance(names, str) else names, split) for split in self._splits)

    def absent(self, names: str | tuple[str, ...]) -> list[str]:
        """The splits that lack this array."""
        return [split for split in self._splits if self._part(self._one(names), split) not in self._npz.names]

    def cells(self, names: str | tuple[str, ...]) -> dict[str, Cells]:
        """The columns of an array [N] or [N, C], each with a name. A split without the array has only missing cells.

        Axes of size 1 do not count.
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

    def _has(self, names: Iterable[str], split: str) -> bool:
        return any(self._part(name, split) in self._npz.names for name in names)

    def _part(self, name: str, split: str) -> str:
        """The array that a name stands for in one split."""
        parts = [name.replace(SPLIT, called) for called in (VALID if split == "valid" else (split,))]
        return next((part for part in parts if part in self._npz.names), parts[0])

    def _one(self, names: str | tuple[str, ...]) -> str:
        if not isinstance(names, str):
            raise ValueError(f"{self._path}: {listed(names)} are several arrays, expected the name of one")
        return names

    def _headers(self, name: str) -> dict[str, Header]:
        """The header of each array that a name stands for, by split. There is at least one, and each has the same N."""
        present = self._present([self._part(name, split) for split in self._splits])
        headers = {
            split: self._npz.header(self._part(name, split))
            for split in self._splits
            if self._part(name, split) in present
        }
        for split, header in headers.items():
            if header.shape[0] != self._sizes[split]:
                problem = f"{self._part(name, split)!r} is {header}, but other arrays have {self._sizes[split]} samples"
                raise ValueError(f"{self._path}: {problem}")
        return headers

    def _size(self, arrays: Sequence[str]) -> int:
        """N of the first array that exists."""
        return self._npz.header(self._present(arrays)[0]).shape[0]

    def _present(self, arrays: Sequence[str]) -> list[str]:
        """The arrays that exist. Raises ValueError if none does."""
        if not (present := [array for array in arrays if array in self._npz.names]):
            asked = " or ".join(map(repr, arrays))
            meant = near(arrays[0], self._npz.names)
            raise ValueError(f"{self._path} has no array {asked}{meant}, it has {listed(self._npz.names)}")
        return present

    def _same(self, name: str, widths: Mapping[str, int]) -> int:
        """The one width that all splits have. Raises ValueError if they differ."""
        if len(set(widths.values())) > 1:
            different = ", ".join(f"{width} in {split}" for split, width in widths.items())
            raise ValueError(f"{self._path}: the last axis of {name!r} is {different}, expected the same in each")
        return next(iter(widths.values()))
