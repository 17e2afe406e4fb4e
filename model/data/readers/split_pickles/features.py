"""The features in dictionaries by split.

Axes: `N` samples of all splits, `n` samples of one split, `T` time steps, `D` features.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from haemsa.model.data.cleaning import RawModality
from haemsa.model.data.readers.memory import MemoryBudget
from haemsa.model.data.readers.padding import spans
from haemsa.model.data.readers.split_pickles.split_content import SplitContent
from haemsa.model.data.readers.trimming import shortened
from haemsa.model.data.readers.unpickling.values import entries, form_of, is_numbers, stacked

_USUAL: Final = ("text", "audio", "vision")
_BEGINNINGS: Final = (*_USUAL, "language", "acoustic", "visual", "video")
_OF_LABELS: Final = ("label", "annot", "target", "sentiment", "emotion")
"""A key that contains one of these words never holds features."""
_TOKENS: Final = "text_bert"
_LENGTHS: Final = "_lengths"


def modalities(
    parts: Mapping[str, SplitContent], read: Collection[str], steps: int | None, budget: MemoryBudget, notes: list[str]
) -> dict[str, RawModality]:
    """The features of intact samples.

    An array [N, D] holds features if its key begins as keys of features do. An array [N, T, D] holds features under any
    key that has no word of labels.

    Args:
        parts: The content of each split.
        read: Keys that are read already.
        steps: The most time steps of a sample; longer ones lose their end. None keeps all.
        budget: The memory that features take.
        notes: Get a line for each key that is left out.

    Raises:
        ValueError: There are no features, or an array of features has another shape than expected.
    """
    keys = [key for key in dict.fromkeys(key for part in parts.values() for key in part.content) if key not in read]
    used = [key for key in keys if _holds_features(key, parts)]
    if not used:
        raise ValueError(f"there are no features, expected arrays such as {', '.join(_USUAL)}")
    unused = [key for key in keys if key not in used and key.removesuffix(_LENGTHS) not in used]
    notes += [f"{key[:40]}: {_reason(key, parts)}; left out" for key in unused]
    return {name: _modality(name, parts, steps, budget, notes) for name in used}


def _holds_features(key: str, parts: Mapping[str, SplitContent]) -> bool:
    parts_with_key = {split: part for split, part in parts.items() if key in part.content}
    if key in _USUAL:
        for split, part in parts_with_key.items():
            if not is_features(part.content[key]):
                expected = "expected floating-point numbers [N, T, D] or [N, D]"
                raise ValueError(f"{split} {key!r} is {form_of(part.content[key])}, {expected}")
    if key == _TOKENS or key.endswith(_LENGTHS) or is_of_labels(key):
        return False
    if key.lower().startswith(_BEGINNINGS):
        return any(is_features(part.content[key]) for part in parts_with_key.values())
    arrays = [(part.content[key], len(part)) for part in parts_with_key.values()]
    return all(is_features(array) and array.ndim == 3 and len(array) == size for array, size in arrays)


def is_features(value: object) -> bool:
    """Whether `value` is an array [N, T, D] or [N, D] of floats."""
    return isinstance(value, np.ndarray) and value.ndim in (2, 3) and value.dtype.kind == "f" and 0 not in value.shape


def is_of_labels(key: str) -> bool:
    """Whether the content of this key is never features, because its name has a word of labels."""
    return any(word in key.lower() for word in _OF_LABELS)


def _reason(key: str, parts: Mapping[str, SplitContent]) -> str:
    if key == _TOKENS:
        return "holds token numbers, not features"
    if is_of_labels(key):
        return "called like labels, but none that are read"
    split, part = next((split, part) for split, part in parts.items() if key in part.content)
    return f"{form_of(part.content[key])} in {split} is no array of features"


def _modality(
    name: str, parts: Mapping[str, SplitContent], steps: int | None, budget: MemoryBudget, notes: list[str]
) -> RawModality:
    shapes = [part.content[name].shape[1:] for part in parts.values() if is_features(part.content.get(name))]
    longest, width = max(shape[0] if len(shape) == 2 else 1 for shape in shapes), shapes[0][-1]
    ends = np.cumsum([part.intact.sum() for part in parts.values()])
    features = budget.zeros(name, int(ends[-1]), min(longest, steps or longest), width)
    lengths = np.zeros(len(features), dtype=np.int64)
    for (split, part), end in zip(parts.items(), ends.tolist(), strict=True):
        array, start = part.content.get(name), end - int(part.intact.sum())
        if array is None:
            notes.append(f"{name}: absent in the whole split {split!r}")
            continue
        if not is_features(array) or array.shape[-1] != width or len(array) != len(part):
            raise ValueError(f"{split} {name!r} is {form_of(array)}, expected numbers [{len(part)}, T, {width}]")
        array = array.reshape(len(part), -1, width)
        given = _lengths(name, split, part, array.shape[1], budget, notes)
        if not part.intact.all():
            array, given = array[part.intact], None if given is None else given[part.intact]
        starts, lengths[start:end] = spans(f"{split} {name}", array, given, notes)
        _copy(array, starts, features[start:end])
    return RawModality(features, shortened(name, lengths, features.shape[1], notes))


def _copy(array: NDArray[Any], starts: NDArray[np.int64], features: NDArray[np.float32]) -> None:
    """Copy each sample of `array` from its start into features [n, T, D], which are zeros; at most T steps."""
    with np.errstate(over="ignore"):
        features[:, : array.shape[1]] = array[:, : features.shape[1]]
        for sample in np.flatnonzero(starts).tolist():
            rows = array[sample, starts[sample] :][: features.shape[1]]
            features[sample, : len(rows)], features[sample, len(rows) :] = rows, 0


def _lengths(
    name: str, split: str, part: SplitContent, steps: int, budget: MemoryBudget, notes: list[str]
) -> NDArray[np.int64] | None:
    """The given lengths [n], at most `steps`. Text without lengths has those of BERT's mask. None if there are none."""
    key = name + _LENGTHS
    if key not in part.content:
        masked = _masked(part, steps) if name == "text" else None
        if masked is not None:
            notes.append(f"{name}: lengths in {split} are those of the mask in {_TOKENS}")
        return masked
    given = entries(part.content[key])
    if given is None or len(given) != len(part):
        raise ValueError(f"{split} {key!r} is {form_of(part.content[key])}, expected [{len(part)}] from 0")
    rows, problems = stacked(given, repr(key), budget)
    if problems or rows.shape[1] != 1 or not (np.isfinite(rows) & (rows >= 0)).all() or (rows % 1).any():
        raise ValueError(f"{split} {key!r} holds something other than whole numbers from 0")
    if long := int((rows > steps).sum()):
        notes.append(f"{name}: {long} lengths in {split} cut to {steps} steps")
    return np.minimum(rows[:, 0], steps).astype(np.int64)


def _masked(part: SplitContent, steps: int) -> NDArray[np.int64] | None:
    """How many tokens each sample has, by the mask in the second row of BERT's tokens [n, 3, T]."""
    tokens = part.content.get(_TOKENS)
    if tokens is None or not is_numbers(tokens) or tokens.shape != (len(part), 3, steps):
        return None
    ones, zeros = np.asarray(tokens[:, 1] == 1), np.asarray(tokens[:, 1] == 0)
    return np.asarray(ones.sum(axis=1), dtype=np.int64) if ones.any() and (ones | zeros).all() else None
