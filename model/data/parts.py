"""Dictionaries by split, `{"train": {...}, "valid": {...}, "test": {...}}`, as MMSA and MulT write them.

Each holds arrays and lists with one entry per sample. Axes: `N` samples of all splits, `T` time steps, `D` features.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from model.data.assemble import assemble
from model.data.cleaning import RawModality, last_step
from model.data.dataset import SPLITS, Dataset, Task
from model.data.reading import Damage
from model.data.room import Room
from model.data.unpickle import plain
from model.data.values import described, entries, is_numbers, names, stacked

_TOKENS: Final = "text_bert"
_LENGTHS: Final = "_lengths"
_NO_FEATURES: Final = ("labels", "regression_labels", "classification_labels", "annotations", "raw_text", _TOKENS)
_USUAL: Final = ("text", "audio", "vision")

Part = Mapping[str, Any]


class Parts:
    """The dictionaries of the three splits, and what is found in them: notes, and damaged samples."""

    def __init__(self, content: Mapping[Any, Any], counted: Sequence[str], damage: Damage, room: Room) -> None:
        """`counted`: keys of labels, one of which tells how many samples a split has."""
        self._parts = {split: _part(content, split) for split in SPLITS}
        self._sizes = {split: _size(part, split, counted) for split, part in self._parts.items()}
        ends = [int(end) for end in np.cumsum([0, *self._sizes.values()])]
        self._starts = dict(zip(SPLITS, ends[:-1], strict=True))
        self._intact = np.ones(ends[-1], dtype=bool)
        self._damage, self._room = damage, room
        self.notes: list[str] = []

    @property
    def keys(self) -> set[str]:
        """Of any split."""
        return {key for part in self._parts.values() for key in part}

    def labels(self, key: str) -> NDArray[np.float32]:
        """[N, ...], without axes of size 1; NaN where a label is None, and where it is no number, which is damage."""
        found = [self._labels(split, key) for split in SPLITS]
        columns = [column.reshape(len(column), *(size for size in column.shape[1:] if size != 1)) for column in found]
        shapes = {column.shape[1:] for column in columns}
        if len(shapes) > 1:
            several = " and ".join(str(list(shape)) for shape in sorted(shapes))
            raise ValueError(f"{key!r} has the shapes {several} per sample, expected the same in each split")
        return np.concatenate(columns)

    def _labels(self, split: str, key: str) -> NDArray[np.float32]:
        value, size = self._parts[split].get(key), self._sizes[split]
        if value is None:
            raise ValueError(f"split {split!r} has no {key!r}, but another split has")
        given = entries(value)
        if given is None or len(given) != size:
            raise ValueError(f"{split} {key!r} is {described(value)}, expected {size} labels, one per sample")
        problems: dict[int, str] = {}
        if is_numbers(value):
            column = self._room.zeros(repr(key), *value.shape)
            with np.errstate(over="ignore"):
                column[...] = value
        else:
            column, problems = stacked(given, repr(key), self._room)
        for place in np.flatnonzero(np.isinf(column).reshape(size, -1).any(axis=1)).tolist():
            problems[place], column[place] = f"{key!r} is infinite, expected a number", np.nan
        for place, problem in problems.items():
            self.damaged(self._starts[split] + place, problem)
        return column

    def damaged(self, index: int, problem: str) -> None:
        """Leave the sample at `index` of all out, if the user asked for that; else raises ValueError."""
        split = next(split for split in reversed(SPLITS) if self._starts[split] <= index)
        self._damage.found(f"{split} sample {index - self._starts[split]}", problem)
        self._intact[index] = False

    def missing(self, task: str, unknown: NDArray[np.bool_]) -> None:
        """Take note of the samples whose label is unknown [N]."""
        if count := int((unknown & self._intact).sum()):
            self.notes.append(f"{task}: {count} labels missing")

    def words(self, key: str) -> list[str]:
        """Text under `key`, one for each of N samples, or nothing if some is missing."""
        found = [names(self._parts[split].get(key), self._sizes[split]) or [] for split in SPLITS]
        return [word for part in found for word in part] if all(found) else []

    def dataset(self, name: str, tasks: Mapping[str, Task]) -> Dataset:
        """The last step: all of it with these tasks, without the damaged samples."""
        raw, ids = self._modalities(), self._ids()
        ends = [self._starts[split] + self._sizes[split] for split in SPLITS]
        spans = zip(SPLITS, self._starts.values(), ends, strict=True)
        splits = {split: np.arange(start, end, dtype=np.int64) for split, start, end in spans}
        groups, notes = [group_of(item) for item in ids], [*self.notes, *self._damage.notes()]
        whole = assemble(name, raw, tasks, ids, groups=groups, splits=splits, notes=notes)
        return whole if self._intact.all() else whole.take(np.flatnonzero(self._intact).astype(np.int64))

    def _ids(self) -> list[str]:
        found: list[str] = []
        for split, part in self._parts.items():
            size = self._sizes[split]
            if part.get("id") is None:
                self.notes.append(f"ids of {split} are missing: each sample is its own group")
                found += [f"{split}-{index}" for index in range(size)]
                continue
            given = names(part["id"], size)
            if given is None:
                raise ValueError(f"{split} 'id' is not a list of {size} names, one per sample")
            found += given
        return found

    def _modalities(self) -> dict[str, RawModality]:
        found: list[str] = []
        for split, part in self._parts.items():
            for key, value in part.items():
                if _is_features(key, value):
                    found.append(key)
                elif not (value is None or key == "id" or key.startswith(_NO_FEATURES) or key.endswith(_LENGTHS)):
                    if key in _USUAL:
                        expected = "expected floating-point numbers [N, T, D] or [N, D]"
                        raise ValueError(f"{split} {key!r} is {described(value)}, {expected}")
                    self.notes.append(f"{key}: {described(value)} in {split} is no array of features; left out")
        if _TOKENS in self.keys:
            self.notes.append(f"{_TOKENS}: holds token numbers, not features; left out")
        if not found:
            raise ValueError(f"there are no features, expected arrays such as {', '.join(_USUAL)}")
        return {name: self._modality(name) for name in dict.fromkeys(found)}

    def _modality(self, name: str) -> RawModality:
        shapes = [part[name].shape[1:] for part in self._parts.values() if _is_features(name, part.get(name))]
        steps, width = max(shape[0] if len(shape) == 2 else 1 for shape in shapes), shapes[0][-1]
        features = self._room.zeros(name, len(self._intact), steps, width)
        lengths = np.zeros(len(self._intact), dtype=np.int64)
        for split, part in self._parts.items():
            start, size, array = self._starts[split], self._sizes[split], part.get(name)
            if array is None:
                self.notes.append(f"{name}: absent in the whole split {split!r}")
                continue
            if not _is_features(name, array) or array.shape[-1] != width or len(array) != size:
                raise ValueError(f"{split} {name!r} is {described(array)}, expected numbers [{size}, T, {width}]")
            array = array.reshape(size, -1, width)
            lengths[start : start + size] = self._lengths(split, name, array)
            with np.errstate(over="ignore"):
                features[start : start + size, : array.shape[1]] = array
        return RawModality(features, lengths)

    def _lengths(self, split: str, name: str, array: NDArray[Any]) -> NDArray[np.int64]:
        """Given lengths, else the last step that is not zero. All-zero samples are absent either way."""
        last, key = last_step(array), name + _LENGTHS
        if self._parts[split].get(key) is None:
            return last
        given = entries(self._parts[split][key])
        if given is None or len(given) != len(last):
            raise ValueError(f"{split} {key!r} is {described(self._parts[split][key])}, expected [{len(last)}] from 0")
        rows, problems = stacked(given, repr(key), self._room)
        if problems or rows.shape[1] != 1 or not (np.isfinite(rows) & (rows >= 0)).all() or (rows % 1).any():
            raise ValueError(f"{split} {key!r} holds something other than whole numbers from 0")
        if long := int((rows > array.shape[1]).sum()):
            self.notes.append(f"{name}: {long} lengths in {split} cut to {array.shape[1]} steps")
        return np.where(last == 0, 0, np.minimum(rows[:, 0], array.shape[1])).astype(np.int64)


def group_of(name: str) -> str:
    """The video of an utterance: what stands before the last "$_$", else before the last "[", else the last "_"."""
    for separator in ("$_$", "[", "_"):
        head, found, _ = name.rpartition(separator)
        if found and head:
            return head
    return name


def sentiment(labels: NDArray[np.float32], scale: NDArray[np.float32]) -> Task:
    """A task of these labels [N], with the usual bounds of sentiment that all of `scale` keeps, if there are any."""
    largest = float(np.nanmax(np.abs(scale))) if np.isfinite(scale).any() else np.inf
    bounds = next(((-bound, bound) for bound in (1.0, 3.0) if largest <= bound), None)
    return Task("regression", labels, bounds=bounds)


def _part(content: Mapping[Any, Any], split: str) -> Part:
    part = content.get(split)
    if not isinstance(part, dict):
        found = ", ".join(key[:40] for key in list(content)[:8] if isinstance(key, str)) or "nothing"
        raise ValueError(f"there is no dictionary {split!r} but {found}, expected {', '.join(SPLITS)}")
    return {key: plain(value) for key, value in part.items() if isinstance(key, str)}


def _is_features(key: str, value: object) -> bool:
    if key == "id" or key.startswith(_NO_FEATURES) or key.endswith(_LENGTHS) or not isinstance(value, np.ndarray):
        return False
    return value.ndim in (2, 3) and value.dtype.kind == "f" and 0 not in value.shape


def _size(part: Part, split: str, counted: Sequence[str]) -> int:
    for key in counted:
        labels = part.get(key)
        if isinstance(labels, list | tuple | np.ndarray):
            if not (labels.size if isinstance(labels, np.ndarray) else labels):
                raise ValueError(f"split {split!r} is empty, expected at least one sample")
            return len(labels)
    raise ValueError(f"split {split!r} has no list {' or '.join(map(repr, counted))}, expected one of them")
