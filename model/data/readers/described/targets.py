"""Columns of labels become tasks. Axes: `N` samples, `C` classes."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import Final

import numpy as np

from haemsa.model.data.readers.described.cells import Cells, numbers, unlike, word, words
from haemsa.model.data.readers.described.description import TaskEntry
from haemsa.model.data.readers.described.samples import SoundSamples
from haemsa.model.data.task import Task, TaskKind, check_name, labels_of
from haemsa.model.errors import listed

_NUMBER: Final = re.compile(r"[+-]?(0|[1-9][0-9]*)(\.[0-9]*)?([eE][+-]?[0-9]+)?")
_CODE: Final = re.compile(r"[+-]?0[0-9][0-9.]*")
"""Text that looks like a number but is a code: "01" is another class than "1"."""
_TRUTH: Final = {"True": 1, "true": 1, "False": 0, "false": 0}
_MOST_CLASSES: Final = 1000
"""More distinct labels than this are names or amounts, and no classes."""


def make_tasks(name: str, entry: TaskEntry, columns: Mapping[str, Cells], samples: SoundSamples) -> dict[str, Task]:
    """The task of one column [N], called `name`; of several columns, one task for each, called as the column.

    SoundSamples with a label that the task's kind does not allow are damaged.

    Raises:
        ValueError: The names of columns are not allowed, or the kind is not clear. The message is one sentence.
    """
    alone = entry.columns is None and entry.from_ in columns
    titles = [name] if alone else _titles(entry, columns)
    kind = entry.known_kind or _guess(columns.values())
    if kind == "multilabel":
        return {name: _multilabel(titles, columns, samples)}
    tasks = {}
    for title, (column, cells) in zip(titles, columns.items(), strict=True):
        if kind == "regression":
            tasks[title] = _regression(column, cells, entry.bounds, samples)
        else:
            tasks[title] = _classes(column, cells, entry.labels, samples)
    return tasks


def _titles(entry: TaskEntry, columns: Mapping[str, Cells]) -> list[str]:
    titles = list(columns if entry.columns is None else entry.columns)
    if len(titles) != len(columns):
        raise ValueError(f"columns gives {len(titles)} names, expected {len(columns)}, one for each column")
    try:
        for title in titles:
            check_name("a column", title)
    except ValueError as error:
        hint = f" (columns: [...] gives the {len(columns)} columns other names)" if entry.columns is None else ""
        raise ValueError(f"{error}{hint}") from None
    return titles


def _guess(columns: Iterable[Cells]) -> TaskKind:
    """The kind of labels: text means classes, fractions mean regression, and nothing else is certain."""
    guesses = set()
    for cells in columns:
        values, odd = numbers(cells)
        given = values[~np.isnan(values)]
        is_text, is_fraction = odd.any() and not len(given), not odd.any() and (given != np.round(given)).any()
        guesses.add("classes" if is_text else "regression" if is_fraction else "")
    if guesses == {"classes"}:
        return "classes"
    if guesses == {"regression"}:
        return "regression"
    raise ValueError("its labels could be of any kind, expected kind: regression, classes or multilabel")


def _regression(column: str, cells: Cells, bounds: tuple[float, float] | None, samples: SoundSamples) -> Task:
    values, odd = numbers(cells)
    targets = labels_of(values, column)
    samples.mark_damaged(odd | np.isinf(targets), unlike(column, cells, "a number"))
    targets[np.isinf(targets)] = np.nan
    if bounds is not None:
        bounds = float(np.float32(bounds[0])), float(np.float32(bounds[1]))  # as exact as targets are
        outside = (targets < bounds[0]) | (targets > bounds[1])
        samples.mark_damaged(outside, unlike(column, cells, f"{bounds[0]:g} to {bounds[1]:g}"))
        targets[outside] = np.nan
    return Task("regression", targets, bounds=bounds)


def _classes(column: str, cells: Cells, labels: Sequence[str | int | float] | None, samples: SoundSamples) -> Task:
    texts = words(cells)
    names = set(texts) - {""} if labels is None else [word(label) for label in labels]
    value: Callable[[str], str | float] = _value if _are_numbers(names) else str
    kinds = [value(name) for name in names]
    if labels is None:
        if not kinds:
            raise ValueError(f"{column!r} has no label, expected at least one")
        kinds = sorted(kinds, key=lambda kind: (isinstance(kind, str), kind))
        if len(kinds) > _MOST_CLASSES:
            raise ValueError(f"{column!r} has {len(kinds)} distinct labels, expected at most {_MOST_CLASSES} classes")
    number = {kind: place for place, kind in enumerate(kinds)} | {"": -1}
    targets = np.array([number.get(value(text), -2) for text in texts], dtype=np.int64)
    titles = tuple(map(word, kinds if labels is None else labels))
    samples.mark_damaged(targets == -2, unlike(column, cells, f"one of {listed(titles)}", titles))
    return Task("classes", np.maximum(targets, -1), titles)


def _value(text: str) -> str | float:
    """The number, if the text is one."""
    return float(text) if _NUMBER.fullmatch(text) else text


def _are_numbers(names: Collection[str]) -> bool:
    """Whether names of classes are numbers, so that 1 and 1.0 are the same. Not if two names have the same value."""
    return not any(map(_CODE.fullmatch, names)) and len(set(map(_value, names))) == len(names)


def _multilabel(titles: Sequence[str], columns: Mapping[str, Cells], samples: SoundSamples) -> Task:
    targets = []
    for column, cells in columns.items():
        plain = np.array([_TRUTH.get(cell, cell) for cell in cells], object) if cells.dtype == object else cells
        values, odd = numbers(plain)
        odd |= ~(np.isnan(values) | (values == 0) | (values == 1))
        samples.mark_damaged(odd, unlike(column, cells, "0 or 1"))
        targets.append(np.where(odd, np.nan, values).astype(np.float32))
    return Task("multilabel", np.stack(targets, axis=1), tuple(titles))
