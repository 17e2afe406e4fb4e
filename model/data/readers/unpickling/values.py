"""What a pickle holds for each sample: numbers, vectors of numbers, or names. Axes: `N` samples, `D` numbers."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from haemsa.model.data.readers.memory import MemoryBudget
from haemsa.model.data.readers.unpickling.unpickle import as_text, plain

_NUMBERS: Final = "fiub"
_NUMBER: Final = (int, float, np.integer, np.floating, np.bool_)


def is_numbers(value: object) -> bool:
    """Whether `value` is an array of real numbers."""
    return isinstance(value, np.ndarray) and value.dtype.kind in _NUMBERS


def entries(value: object) -> Sequence[Any] | None:
    """The entries of a list, of a tuple, or along the first axis of an array; None if `value` is anything else."""
    content = plain(value)
    if isinstance(content, np.ndarray):
        return list(content) if content.size else []
    return content if isinstance(content, list | tuple) else None


def form_of(value: object) -> str:
    """A value as messages describe it: arrays by type and shape, containers by size, text and numbers as they are."""
    content = plain(value)
    if isinstance(content, np.ndarray):
        return f"{content.dtype} {list(content.shape)}"
    is_container = isinstance(content, list | tuple | dict | set)
    return f"a {type(content).__name__} of {len(content)}" if is_container else as_text(content)


def stacked(values: Sequence[object], what: str, budget: MemoryBudget) -> tuple[NDArray[np.float32], dict[int, str]]:
    """Numbers, or lists or arrays of numbers, as rows of one width.

    Args:
        values: N entries.
        what: What messages call an entry.
        budget: The memory that the rows take.

    Returns:
        The rows [N, D], NaN where an entry is None; and the places of entries that are anything else, or of another
        width than most, with what is wrong.
    """
    contents = [plain(value) for value in values]
    sizes = [_size(entry) for entry in contents]
    counts = Counter(size for size in sizes if size)
    width = counts.most_common(1)[0][0] if counts else 1
    rows = budget.zeros(what, len(contents), width)
    problems: dict[int, str] = {}
    for place, (value, size) in enumerate(zip(contents, sizes, strict=True)):
        row = _vector(value) if size == width else None
        rows[place] = np.nan if row is None else row
        if row is None and value is not None:
            problems[place] = f"{what} is {form_of(value)}, expected {'a number' if width == 1 else f'{width} numbers'}"
    return rows, problems


def names(value: object, size: int) -> list[str] | None:
    """`size` names or numbers as text, or None if `value` holds anything else.

    An array [N, 3] holds the video of each sample, and the begin and end of its segment: "video[begin,end]".
    """
    content, listed = plain(value), entries(value)
    if listed is None or len(listed) != size:
        return None
    if isinstance(content, np.ndarray) and content.ndim > 1:
        columns = [names(column, size) or [] for column in content.reshape(size, -1)[:, :3].T]
        if not all(columns):
            return None
        return [f"{video}[{','.join(times)}]" if times else video for video, *times in zip(*columns, strict=True)]
    items = [plain(item) for item in listed]
    return [_name(item) for item in items] if all(map(_is_name, items)) else None


def _is_name(item: object) -> bool:
    return isinstance(item, str | bytes | float | np.generic) or (isinstance(item, int) and abs(item) < 10**18)


def _name(item: object) -> str:
    return item.decode(errors="replace") if isinstance(item, bytes) else str(item)


def _size(value: object) -> int:
    """How many numbers `value` has; 0 if it is no vector of numbers."""
    if isinstance(value, np.ndarray):
        return value.size if is_numbers(value) and value.size and value.size == max(value.shape) else 0
    if isinstance(value, list | tuple):
        return len(value)
    return int(isinstance(value, _NUMBER))


def _vector(value: Any) -> NDArray[np.float32] | None:
    """The vector [D] that `_size` measured, or None if it holds something other than numbers."""
    if not isinstance(value, np.ndarray):
        value = [plain(item) for item in value] if isinstance(value, list | tuple) else [value]
        if not all(isinstance(item, _NUMBER) for item in value):
            return None
    try:
        with np.errstate(over="ignore"):
            return np.asarray(value, dtype=np.float64).astype(np.float32).reshape(-1)
    except (OverflowError, TypeError):
        return None
