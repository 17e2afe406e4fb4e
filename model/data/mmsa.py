"""MMSA pickles: `{"train": {...}, "valid": {...}, "test": {...}}` with features, labels and ids per split.

The layout of the MMSA framework (Mao et al. 2022), as used for CMU-MOSI, CMU-MOSEI and CH-SIMS.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from model.data.assemble import assemble
from model.data.cleaning import RawModality, last_step
from model.data.dataset import SPLITS, Dataset, Task
from model.data.unpickle import load, plain

_REGRESSION: Final = "regression_labels"
_CLASSES: Final = "classification_labels"
_TOKENS: Final = "text_bert"
_LENGTHS: Final = "_lengths"
_NO_FEATURES: Final = (_REGRESSION, _CLASSES, _TOKENS, "annotations", "raw_text")
_USUAL: Final = ("text", "audio", "vision")

Part = Mapping[str, Any]


def read(path: Path) -> Dataset:
    """Read an MMSA pickle without running anything in it. Raises ValueError, one sentence, for anything else."""
    parts = _parts(load(path), str(path))
    sizes = [_size(part, split) for split, part in parts.items()]
    ends = np.cumsum([0, *sizes])
    splits = {split: np.arange(ends[i], ends[i + 1], dtype=np.int64) for i, split in enumerate(SPLITS)}
    notes: list[str] = []
    tasks = _tasks(parts, notes)
    raw = _modalities(parts, notes)
    ids = _ids(parts, sizes, notes)
    groups = [group_of(name) for name in ids]
    return assemble(path.stem, raw, tasks, ids, groups=groups, splits=splits, notes=notes)


def group_of(name: str) -> str:
    """The video of an utterance: what stands before the last "$_$", else before the last "[", else the last "_"."""
    for separator in ("$_$", "[", "_"):
        head, found, _ = name.rpartition(separator)
        if found and head:
            return head
    return name


def _parts(content: object, name: str) -> dict[str, Part]:
    if not isinstance(content, dict):
        raise ValueError(f"{name} holds a {type(content).__name__}, expected a dictionary with {', '.join(SPLITS)}")
    parts: dict[str, Part] = {}
    for split in SPLITS:
        part = content.get(split)
        if not isinstance(part, dict):
            found = ", ".join(key[:40] for key in list(content)[:8] if isinstance(key, str)) or "nothing"
            raise ValueError(f"{name} has no dictionary {split!r} but {found}, expected {', '.join(SPLITS)}")
        parts[split] = {key: plain(value) for key, value in part.items() if isinstance(key, str)}
    return parts


def _unpacked(values: Any) -> Any:
    """`values`, its items made plain if it is a list."""
    return [plain(item) for item in values] if isinstance(values, list | tuple) else values


def _words(values: Any, size: int) -> list[str] | None:
    """`size` names or numbers as text, or None if `values` is anything else."""
    items = values.reshape(len(values), -1)[:, 0] if isinstance(values, np.ndarray) and values.size else values
    if not isinstance(items, list | tuple | np.ndarray) or len(items) != size:
        return None
    items = _unpacked(list(items))
    if not all(isinstance(item, str | bytes | int | float | np.generic) for item in items):
        return None
    return [item.decode(errors="replace") if isinstance(item, bytes) else str(item) for item in items]


def _size(part: Part, split: str) -> int:
    for key in (_REGRESSION, _CLASSES):
        labels = part.get(key)
        if isinstance(labels, list | tuple | np.ndarray):
            if not len(labels):
                raise ValueError(f"split {split!r} is empty, expected at least one sample")
            if isinstance(labels, np.ndarray) and labels.size != len(labels):
                raise ValueError(f"{split} {key!r} has the shape {list(labels.shape)}, expected one label per sample")
            return len(labels)
    raise ValueError(f"split {split!r} has no list {_REGRESSION!r} or {_CLASSES!r}, expected one of them")


def _joined(parts: Mapping[str, Part], key: str) -> NDArray[np.float64]:
    """Numbers of all splits, [N]; None counts as NaN."""
    columns = []
    for split, part in parts.items():
        size = _size(part, split)
        if key not in part:
            raise ValueError(f"split {split!r} has no {key!r}, but another split has")
        try:
            column = np.asarray(_unpacked(part[key]), dtype=np.float64)
        except (TypeError, ValueError, OverflowError):
            raise ValueError(f"{split} {key!r} holds something other than numbers, expected one per sample") from None
        if column.size != len(column) or len(column) != size:
            raise ValueError(f"{split} {key!r} has the shape {list(column.shape)}, expected [{size}]")
        columns.append(column.reshape(-1))
    return np.concatenate(columns)


def _modalities(parts: Mapping[str, Part], notes: list[str]) -> dict[str, RawModality]:
    names: list[str] = []
    for split, part in parts.items():
        for key, value in part.items():
            if _is_features(key, value):
                names.append(key)
            elif not (value is None or key == "id" or key.startswith(_NO_FEATURES) or key.endswith(_LENGTHS)):
                found = f"{value.dtype} {list(value.shape)}" if isinstance(value, np.ndarray) else type(value).__name__
                if key in _USUAL:
                    raise ValueError(f"{split} {key!r} is {found}, expected floating-point numbers [N, T, D] or [N, D]")
                notes.append(f"{key}: {found} in {split} is no array of features; left out")
    if any(_TOKENS in part for part in parts.values()):
        notes.append(f"{_TOKENS}: holds token numbers, not features; left out")
    if not names:
        raise ValueError(f"the pickle has no features, expected arrays such as {', '.join(_USUAL)}")
    return {name: _modality(parts, name, notes) for name in dict.fromkeys(names)}


def _is_features(key: str, value: object) -> bool:
    if key == "id" or key.startswith(_NO_FEATURES) or key.endswith(_LENGTHS) or not isinstance(value, np.ndarray):
        return False
    return value.ndim in (2, 3) and value.dtype.kind == "f" and 0 not in value.shape


def _modality(parts: Mapping[str, Part], name: str, notes: list[str]) -> RawModality:
    features, lengths = [], []
    shapes = [part[name].shape[1:] for part in parts.values() if _is_features(name, part.get(name))]
    steps = max(shape[0] if len(shape) == 2 else 1 for shape in shapes)
    width = shapes[0][-1]
    for split, part in parts.items():
        size, array = _size(part, split), part.get(name)
        if array is None:
            notes.append(f"{name}: absent in the whole split {split!r}")
            array = np.zeros((size, 1, width), dtype=np.float32)
        if not _is_features(name, array) or array.shape[-1] != width or len(array) != size:
            found = list(np.shape(array))
            raise ValueError(f"{split} {name!r} has the shape {found}, expected numbers [{size}, T, {width}]")
        array = array.reshape(size, -1, width)
        lengths.append(_lengths(part, split, name, array, notes))
        features.append(np.pad(array, ((0, 0), (0, steps - array.shape[1]), (0, 0))))
    return RawModality(np.concatenate(features), np.concatenate(lengths))


def _lengths(part: Part, split: str, name: str, array: NDArray[Any], notes: list[str]) -> NDArray[np.int64]:
    """Given lengths, else the last step that is not zero. All-zero samples are absent either way."""
    last = last_step(array)
    given = part.get(name + _LENGTHS)
    if given is None:
        return last
    try:
        lengths = np.asarray(_unpacked(given), dtype=np.int64)
    except (TypeError, ValueError, OverflowError):
        raise ValueError(f"{split} {name + _LENGTHS!r} holds something other than whole numbers") from None
    if lengths.shape != last.shape or lengths.min() < 0:
        raise ValueError(f"{split} {name + _LENGTHS!r} is {list(lengths.shape)}, expected [{len(last)}] from 0")
    if lengths.max() > array.shape[1]:
        notes.append(f"{name}: {(lengths > array.shape[1]).sum()} lengths in {split} cut to {array.shape[1]} steps")
    return np.where(last == 0, 0, np.minimum(lengths, array.shape[1])).astype(np.int64)


def _tasks(parts: Mapping[str, Part], notes: list[str]) -> dict[str, Task]:
    tasks: dict[str, Task] = {}
    present = {key for part in parts.values() for key in part}
    sentiment = None
    if _REGRESSION in present:
        sentiment = _joined(parts, _REGRESSION).astype(np.float32)
        missing = int(np.isnan(sentiment).sum())
        if missing:
            notes.append(f"sentiment: {missing} labels missing")
        tasks["sentiment"] = Task("regression", sentiment, bounds=_bounds(sentiment))
    others = sorted(key for key in present if key.startswith(_REGRESSION + "_"))
    if others:
        notes.append(f"{', '.join(others)}: labels of single modalities; left out")
    if _CLASSES in present:
        classes = _joined(parts, _CLASSES)
        if sentiment is not None and _is_sign(classes, sentiment):
            notes.append(f"{_CLASSES}: only the sign of {_REGRESSION}; left out")
        else:
            tasks["class"] = _classes(classes, parts, notes)
    return tasks


def _bounds(labels: NDArray[np.float32]) -> tuple[float, float] | None:
    if np.isnan(labels).all():
        return None
    largest = float(np.nanmax(np.abs(labels)))
    return next(((-bound, bound) for bound in (1.0, 3.0) if largest <= bound), None)


def _is_sign(classes: NDArray[np.float64], sentiment: NDArray[np.float32]) -> bool:
    """Whether classes are -1, 0, 1 or 0, 1, 2 for negative, neutral, positive, wherever both are known."""
    known = ~np.isnan(classes) & ~np.isnan(sentiment)
    sign = np.sign(sentiment[known])
    return bool(known.any()) and any(np.array_equal(classes[known], sign + shift) for shift in (0, 1))


def _classes(values: NDArray[np.float64], parts: Mapping[str, Part], notes: list[str]) -> Task:
    known = ~np.isnan(values)
    if not known.all():
        notes.append(f"class: {(~known).sum()} labels missing")
    kinds = np.unique(values[known])
    targets = np.where(known, np.searchsorted(kinds, values), -1).astype(np.int64)
    labels = tuple(f"{kind:g}" for kind in kinds)
    words: list[str] = []
    for split, part in parts.items():
        words += _words(part.get("annotations"), _size(part, split)) or []
    if len(words) == len(values):
        pairs = {(target, word) for target, word in zip(targets, words, strict=True) if target >= 0}
        if len(pairs) == len(kinds) == len({word for _, word in pairs}):
            labels = tuple(word for _, word in sorted(pairs))
    return Task("classes", targets, labels)


def _ids(parts: Mapping[str, Part], sizes: list[int], notes: list[str]) -> tuple[str, ...]:
    names: list[str] = []
    for (split, part), size in zip(parts.items(), sizes, strict=True):
        given = part.get("id")
        if given is None:
            notes.append(f"ids of {split} are missing: each sample is its own group")
            names += [f"{split}-{index}" for index in range(size)]
            continue
        words = _words(given, size)
        if words is None:
            raise ValueError(f"{split} 'id' is not a list of {size} names, one per sample")
        names += words
    return tuple(names)
