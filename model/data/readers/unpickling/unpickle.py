"""Pickles of arrays, read without running anything. They can hold built-in containers, text, numbers and numpy arrays.

While a pickle is read, nothing of numpy is called. The records below stand for its arrays, types and scalars. They
become arrays afterwards.
"""

from __future__ import annotations

import pickle
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from haemsa.model.data.readers.unpickling.scan import RefusedError, scan

_TYPE: Final = re.compile(r"[<>|=]?(?:b1|[iuf][1248]|c8|c16|[SU][0-9]{1,6}|O8?|\?)")


def as_text(value: object) -> str:
    """A value as a message shows it: text and numbers, but only the type of other things, which could print forever."""
    short = isinstance(value, str | bytes | float | None) or (isinstance(value, int) and abs(value) < 10**18)
    if not short:
        return f"a value of type {type(value).__name__}"
    return repr(value[:40] if isinstance(value, str | bytes) else value)


class _Type:
    """Stands for a numpy dtype."""

    __slots__ = ("code",)

    def __init__(self, code: object, *_: object) -> None:
        if not isinstance(code, str) or not _TYPE.fullmatch(code):
            raise RefusedError(f"an array has the type {as_text(code)}, expected numbers or text")
        self.code = code

    def __setstate__(self, state: Any) -> None:
        order = state[1]
        if order not in ("<", ">", "|", "="):
            raise RefusedError(f"an array has the byte order {as_text(order)}, expected '<', '>', '=' or '|'")
        self.code = order + self.code.lstrip("<>|=")

    def view(self, raw: object, shape: object, order: str) -> NDArray[Any]:
        if not isinstance(shape, tuple) or not all(isinstance(size, int) and size >= 0 for size in shape):
            raise RefusedError(f"an array has the shape {as_text(shape)}, expected sizes")
        if self.code.lstrip("<>|=").startswith("O"):
            return _objects(raw, shape, order)
        if isinstance(raw, str):  # bytes, if Python 2 wrote them
            raw = raw.encode("latin1")
        if not isinstance(raw, bytes | bytearray):
            raise RefusedError(f"an array's content is {type(raw).__name__}, expected bytes")
        return np.frombuffer(raw, self.code).reshape(shape, order="F" if order == "F" else "C")


class _Array:
    """Stands for a numpy array, or its class while it is made. `axes` says how it is transposed after all else."""

    __slots__ = ("axes", "state")

    def __init__(self, *_: object) -> None:
        self.state: tuple[Any, ...] = ()
        self.axes: object = None

    def __setstate__(self, state: Any) -> None:
        _, shape, kind, fortran, raw = state
        self.state = (shape, kind, "F" if fortran else "C", raw)

    @property
    def is_scalar(self) -> bool:
        return self.state[:1] == ((),)

    def array(self) -> NDArray[Any]:
        if not self.state:
            raise RefusedError("an array has no content")
        shape, kind, order, raw = self.state
        array = _checked(kind).view(raw, shape, order)
        return array if self.axes is None else _transposed(array, self.axes)


def _transposed(array: NDArray[Any], axes: object) -> NDArray[Any]:
    if not isinstance(axes, tuple) or not all(isinstance(axis, int) for axis in axes):
        raise RefusedError(f"an array has the order of axes {as_text(axes)}, expected their numbers")
    return array.transpose(axes)


def _objects(raw: object, shape: tuple[int, ...], order: str) -> NDArray[Any]:
    """An object array. Arrays within it stay records, because unpacking arrays within arrays could go on forever."""
    if not isinstance(raw, list) or not shape:
        raise RefusedError(f"an array's content is {type(raw).__name__}, expected a list")
    array = np.empty(len(raw), dtype=object)
    array[:] = [plain(item) if isinstance(item, _Array) and item.is_scalar else item for item in raw]
    return array.reshape(shape, order="F" if order == "F" else "C")


class _Maker:
    """Stands for a function, as an object whose attributes no pickle can set."""

    __slots__ = ("_make",)

    def __init__(self, make: Callable[..., object]) -> None:
        self._make = make

    def __call__(self, *arguments: object) -> object:
        return self._make(*arguments)


def _from_buffer(raw: object, kind: object, shape: object, order: object, axes: object = None) -> _Array:
    """An array as protocol 5 keeps it. Order "K" (numpy 2.3 and later) gives rows of `shape`, to be transposed."""
    if order not in ("C", "F", "K") or (order == "K") != (axes is not None):
        raise RefusedError(f"an array has the order {as_text(order)}, expected 'C', 'F', or 'K' with an order of axes")
    array = _Array()
    array.state, array.axes = (shape, kind, order, raw), axes
    return array


def _scalar(kind: object, raw: object) -> _Array:
    return _from_buffer(raw, kind, (), "C")


def _latin1(text: object, encoding: object = "latin1") -> bytes:
    if not isinstance(text, str) or encoding != "latin1":
        raise RefusedError("a pickle encodes something other than latin1 text")
    return text.encode("latin1")


def _empty(*arguments: object) -> bytes:
    """Empty bytes, which old pickles write as `bytes()`. Arguments are refused: `bytes(10**12)` fills the memory."""
    if arguments:
        raise RefusedError("a pickle makes bytes by a call")
    return b""


def _defaults(_: object = None, *content: Any) -> dict[Any, Any]:
    """A plain dictionary in place of a `defaultdict`. Its maker of defaults is never called."""
    return dict(*content)


def _checked(kind: object) -> _Type:
    if not isinstance(kind, _Type):
        raise RefusedError(f"an array has the type {type(kind).__name__}, expected numbers or text")
    return kind


_CONTAINERS: Final = (list, dict, set)
_KNOWN: Final[dict[str, Callable[..., object]]] = {
    "numpy.ndarray": _Array,
    "numpy.dtype": _Type,
    "_codecs.encode": _latin1,
    "collections.OrderedDict": dict,
    "collections.defaultdict": _defaults,
    **dict.fromkeys(("builtins.bytes", "__builtin__.bytes"), _empty),
    **{f"numpy.{core}.multiarray._reconstruct": _Array for core in ("core", "_core")},
    **{f"numpy.{core}.multiarray.scalar": _scalar for core in ("core", "_core")},
    **{f"numpy.{core}.numeric._frombuffer": _from_buffer for core in ("core", "_core")},
    **{f"{module}.{kind.__name__}": kind for module in ("builtins", "__builtin__") for kind in _CONTAINERS},
}


class _Unpickler(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> Any:
        make = _KNOWN.get(f"{module}.{name}")
        if make is None:
            raise RefusedError(f"it asks for {module[:80]}.{name[:80]}; only arrays and plain containers are read")
        return _Maker(make)

    def persistent_load(self, _: Any) -> Any:
        raise RefusedError("it refers to objects outside itself; only arrays and plain containers are read")


def load(path: Path) -> object:
    """The content of the pickle at `path`. Call `plain` on what should be arrays.

    Raises:
        ValueError: The pickle asks for something other than arrays, containers, text and numbers (the message names the
            first such thing), or it is truncated, or no pickle. The message is one sentence.
    """
    try:
        with path.open("rb") as file:
            scan(file, path.stat().st_size)
        with path.open("rb") as file:
            return _Unpickler(file, encoding="latin1").load()
    except RefusedError as error:
        raise ValueError(f"{path} is refused and was not run: {' '.join(str(error).split())}") from None
    except OSError:
        raise
    except Exception as error:  # a broken pickle raises whatever its broken parts raise
        reason = " ".join(str(error).split())[:120] or type(error).__name__
        raise ValueError(f"{path} is no complete pickle of arrays: {reason}") from None


def plain(value: object) -> Any:
    """The array that a record stands for (a Python number or text for a scalar). Other values stay as they are."""
    if not isinstance(value, _Array):
        return value
    try:
        array = value.array()
    except (ValueError, TypeError, OverflowError, RecursionError, MemoryError) as error:
        raise ValueError(f"an array of the pickle is broken: {error}") from None
    return array.item() if array.ndim == 0 else array
