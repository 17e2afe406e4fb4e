"""Dictionaries by split, `{"train": {...}, "valid": {...}, "test": {...}}`, as MMSA and MulT write them.

Each holds arrays and lists with one entry for each sample. Axis: `N` samples of all splits.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from haemsa.model.data.cleaning import FeatureMeans
from haemsa.model.data.dataset import Dataset, Task
from haemsa.model.data.readers.assemble import assemble, labelled_everywhere
from haemsa.model.data.readers.memory import MemoryBudget
from haemsa.model.data.readers.options import Damage
from haemsa.model.data.readers.split_pickles.features import modalities
from haemsa.model.data.readers.split_pickles.split_content import split_contents
from haemsa.model.data.readers.split_pickles.videos import groups_of
from haemsa.model.data.readers.unpickling.values import entries, form_of, is_numbers, names, stacked
from haemsa.model.data.splitting import with_validation


class Splits:
    """The dictionaries of the splits, their damaged samples, and notes on what was found.

    Args:
        content: The dictionaries by split.
        counted: Keys of labels. The first one that a split has tells how many samples it has.
        damage: Counts damaged samples.
        steps: The most time steps of a sample, as in `Reading`.
        budget: The memory that the data takes.

    Raises:
        ValueError: Train or test is missing, or a split is empty, or is no dictionary, or has no labels.
    """

    def __init__(
        self,
        content: Mapping[Any, Any],
        counted: Sequence[str],
        damage: Damage,
        steps: int | None,
        budget: MemoryBudget,
    ) -> None:
        self._parts = split_contents(content, counted)
        ends = [int(end) for end in np.cumsum([0, *map(len, self._parts.values())])]
        self._starts = dict(zip(self._parts, ends[:-1], strict=True))
        self._size = ends[-1]
        self._read = {"id", "raw_text", "annotations"}
        self._damage, self._steps, self._budget = damage, steps, budget
        self.notes: list[str] = []
        if others := [key[:40] for key in content if isinstance(key, str) and key not in self._parts]:
            self.notes.append(f"{', '.join(others[:8])}: no split; left out")

    @property
    def keys(self) -> set[str]:
        """The keys of all splits."""
        return {key for part in self._parts.values() for key in part.content}

    def leave_out(self, key: str, reason: str) -> None:
        """Note that the content of `key` is not used."""
        self._read.add(key)
        self.notes.append(f"{key}: {reason}; left out")

    def labels(self, key: str) -> NDArray[np.float32]:
        """The labels under `key`, [N, ...], without axes of size 1.

        A label is NaN if it is None, if its split has no such labels, or if it is no number, which is damage.

        Raises:
            ValueError: Labels of a split have the wrong number or shape, or a label is damaged (unless damage is
                skipped).
        """
        self._read.add(key)
        columns: dict[str, NDArray[np.float32]] = {}
        for split in (split for split, part in self._parts.items() if key in part.content):
            column = self._labels(split, key)
            columns[split] = column.reshape(len(column), *(size for size in column.shape[1:] if size != 1))
        shapes = {column.shape[1:] for column in columns.values()}
        if len(shapes) > 1:
            several = " and ".join(str(list(shape)) for shape in sorted(shapes))
            raise ValueError(f"{key!r} has the shapes {several} per sample, expected the same in each split")
        labels = self._budget.zeros(repr(key), self._size, *shapes.pop())
        labels[...] = np.nan
        for split, column in columns.items():
            labels[self._starts[split] :][: len(column)] = column
        return labels

    def _labels(self, split: str, key: str) -> NDArray[np.float32]:
        value, size = self._parts[split].content[key], len(self._parts[split])
        labels = entries(value)
        if labels is None or len(labels) != size:
            raise ValueError(f"{split} {key!r} is {form_of(value)}, expected {size} labels, one per sample")
        problems: dict[int, str] = {}
        if is_numbers(value):
            column = self._budget.zeros(repr(key), *value.shape)
            with np.errstate(over="ignore"):
                column[...] = value
        else:
            column, problems = stacked(labels, repr(key), self._budget)
        for place in np.flatnonzero(np.isinf(column).reshape(size, -1).any(axis=1)).tolist():
            problems[place], column[place] = f"{key!r} is infinite, expected a number", np.nan
        for place, problem in problems.items():
            self.mark_damaged(self._starts[split] + place, problem)
        return column

    def pooled(self, labels: NDArray[np.float32]) -> NDArray[np.float32]:
        """The labels [N, ...] without those of the test split, which is the last. Only these decide anything."""
        return labels[: self._starts["test"]]

    def mark_damaged(self, index: int, problem: str) -> None:
        """Leave out the sample at `index` (0 to N - 1). Raises ValueError unless damage is skipped."""
        split = next(split for split in reversed(self._parts) if self._starts[split] <= index)
        place = index - self._starts[split]
        self._damage.report(f"{split} sample {place}", problem)
        self._parts[split].intact[place] = False

    @property
    def _intact(self) -> NDArray[np.bool_]:
        return np.concatenate([part.intact for part in self._parts.values()])

    def missing(self, task: str, unknown: NDArray[np.bool_]) -> None:
        """Note how many samples have no label of a task; `unknown` is bool [N]."""
        if count := int((unknown & self._intact).sum()):
            self.notes.append(f"{task}: {count} labels missing")

    def words(self, key: str) -> list[str]:
        """The text under `key` for each of the N samples, or nothing if a split lacks it."""
        by_split = [names(part.content.get(key), len(part)) or [] for part in self._parts.values()]
        return [word for part in by_split for word in part] if all(by_split) else []

    def dataset(self, name: str, tasks: Mapping[str, Task], means: FeatureMeans | None) -> Dataset:
        """The last step: the data of intact samples, with the tasks that have labels in each split."""
        kept = np.flatnonzero(self._intact).astype(np.int64)
        raw = modalities(self._parts, self._read, self._steps, self._budget, self.notes)
        ids, groups = self._named()
        groups = [groups[place] for place in kept]
        splits = self._splits(groups)
        tasks = labelled_everywhere({task: item.take(kept) for task, item in tasks.items()}, splits, self.notes)
        notes = [*self.notes, *self._damage.notes()]
        ids = [ids[place] for place in kept]
        return assemble(name, raw, tasks, ids, groups=groups, splits=splits, notes=notes, means=means)

    def _named(self) -> tuple[list[str], list[str]]:
        """The ids of the N samples, and the groups that the ids tell."""
        ids_of: dict[str, list[str]] = {}
        for split, part in self._parts.items():
            if "id" not in part.content:
                self.notes.append(f"ids of {split} are missing: each sample is its own group")
                continue
            split_ids = names(part.content["id"], len(part))
            if split_ids is None:
                raise ValueError(f"{split} 'id' is not a list of {len(part)} names, one per sample")
            ids_of[split] = split_ids
        named = [name for part in ids_of.values() for name in part]
        group_of = dict(zip(named, groups_of(named, self.notes), strict=True))
        made = ([f"{split}-{place}" for place in range(len(part))] for split, part in self._parts.items())
        ids = [name for split, part in zip(self._parts, made, strict=True) for name in ids_of.get(split, part)]
        return ids, [group_of.get(name, name) for name in ids]

    def _splits(self, groups: Sequence[str]) -> dict[str, NDArray[np.int64]]:
        """The splits as places among the intact samples, whose groups are given."""
        splits: dict[str, NDArray[np.int64]] = {}
        end = 0
        for split, part in self._parts.items():
            start, end = end, end + int(part.intact.sum())
            if start == end:
                raise ValueError(f"each sample of split {split!r} is damaged, expected at least one to be left")
            splits[split] = np.arange(start, end, dtype=np.int64)
        return splits if "valid" in splits else with_validation(splits, groups, "group", self.notes)
