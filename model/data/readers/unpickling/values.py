"""What a pickle holds per sample, made plain: numbers, vectors of numbers, names. Axes: `N` samples, `D` numbers."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from haemsa.model.data.memory import MemoryBudget
from haemsa.model.data.readers.unpickling.unpickle import as_text, plain

_NUMBERS: Final = "fiub"
_NUMBER: Final = (int, float, np.integer, np.floating, np.bool_)


def is_numbers(value: object) -> bool:
    """Whether `value` is an array of real numbers."""
    return isinstance(value, np.ndarray) and value.dtype.kind in _NUMBERS


def entries(value: object) -> Sequence[Any] | None:
    """What a list, a tuple or the first axis of an array holds; None if `value` is anything else."""
    found = plain(value)
    if isinstance(found, np.ndarray):
        return list(found) if found.size else []
    return found if isinstance(found, list | tuple) else None


def form_of(value: object) -> str:
    """Arrays by type and shape, containers by size, the rest as messages show it."""
    found = plain(value)
    if isinstance(found, np.ndarray):
        return f"{found.dtype} {list(found.shape)}"
    return (
        f"a {type(found).__name__} of {len(found)}" if isinstance(found, list | tuple | dict | set) else as_text(found)
    )


def stacked(values: Sequence[object], what: str, budget: MemoryBudget) -> tuple[NDArray[np.float32], dict[int, str]]:
    """Vectors of one width, [N, D], from N entries: numbers, or lists or arrays of them; NaN where one is None.

    Also the places of entries that are anything else or of another width than most, with what is wrong.
    """
    found = [plain(value) for value in values]
    sizes = [_size(value) for value in found]
    counts = Counter(size for size in sizes if size)
    width = counts.most_common(1)[0][0] if counts else 1
    rows = budget.zeros(what, len(found), width)
    problems: dict[int, str] = {}
    for place, (value, size) in enumerate(zip(found, sizes, strict=True)):
        row = _vector(value) if size == width else None
        rows[place] = np.nan if row is None else row
        if row is None and value is not None:
            problems[place] = f"{what} is {form_of(value)}, expected {'a number' if width == 1 else f'{width} numbers'}"
    return rows, problems


def names(value: object, size: int) -> list[str] | None:
    """`size` names or numbers as text, or None if `value` holds anything else.

    Of an array [N, 3], a video and when its segment begins and ends, each row becomes "video[begin,end]".
    """
    found, given = plain(value), entries(value)
    if given is None or len(given) != size:
        return None
    if isinstance(found, np.ndarray) and found.ndim > 1:
        columns = [names(column, size) or [] for column in found.reshape(size, -1)[:, :3].T]
        if not all(columns):
            return None
        return [f"{video}[{','.join(times)}]" if times else video for video, *times in zip(*columns, strict=True)]
    items = [plain(item) for item in given]
    return [_name(item) for item in items] if all(map(_is_name, items)) else None


def _is_name(item: object) -> bool:
    return isinstance(item, str | bytes | float | np.generic) or (isinstance(item, int) and abs(item) < 10**18)


def _name(item: object) -> str:
    return item.decode(errors="replace") if isinstance(item, bytes) else str(item)


def _size(value: object) -> int:
    """How many numbers `value` could be; 0 if it is no vector of them."""
    if isinstance(value, np.ndarray):
        return value.size if is_numbers(value) and value.size and value.size == max(value.shape) else 0
    if isinstance(value, list | tuple):
        return len(value)
    return int(isinstance(value, _NUMBER))


def _vector(value: Any) -> NDArray[np.float32] | None:
    """A vector [D] of what `_size` measured, or None if some of it is no number."""
    if not isinstance(value, np.ndarray):
        value = [plain(item) for item in value] if isinstance(value, list | tuple) else [value]
        if not all(isinstance(item, _NUMBER) for item in value):
            return None
    try:
        with np.errstate(over="ignore"):
            return np.asarray(value, dtype=np.float64).astype(np.float32).reshape(-1)
    except (OverflowError, TypeError):
        return None
