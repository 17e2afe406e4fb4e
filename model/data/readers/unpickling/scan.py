"""A first pass over a pickle: what it would make the machine reserve, beyond the file's size, or nest too deep."""

from __future__ import annotations

import pickletools
from typing import IO, Any, Final

_PUTS: Final = frozenset({"PUT", "BINPUT", "LONG_BINPUT"})
_GETS: Final = frozenset({"GET", "BINGET", "LONG_BINGET"})
_TUPLES: Final = frozenset({"TUPLE", "TUPLE1", "TUPLE2", "TUPLE3", "FROZENSET"})
_PLAIN: Final = frozenset(
    code.name
    for code in pickletools.opcodes
    if not code.stack_before and len(code.stack_after) == 1
    if code.name not in _GETS and not code.name.startswith(("MARK", "EXT"))
)
"""What adds a number, text or an empty container to the stack: most of a long pickle, so no more is asked of it."""
_NESTED: Final = 1000
"""How deep tuples and frozen sets may lie in one another: hashing one 100,000 deep overflows the C stack."""
_MARK: Final = -1


class RefusedError(ValueError):
    """A pickle that holds anything but arrays, containers, text and numbers."""


def scan(file: IO[bytes], size: int) -> None:
    """Read the operations of a pickle of `size` bytes without doing any of them.

    Raises RefusedError, or another exception where the pickle is broken.
    """
    nesting = _Nesting()
    bounded = _Bounded(file, size)
    for step, (code, argument, _) in enumerate(pickletools.genops(bounded)):  # type: ignore[arg-type]
        if code.name in _PLAIN:
            nesting.stack.append(0)
            continue
        if code.name in _PUTS and argument is not None and argument > step:
            raise RefusedError(f"it asks for memory place {argument} in step {step}")
        if code.name == "FRAME" and argument is not None and argument > size:
            raise ValueError("it is truncated")
        if code.name.startswith("EXT"):
            raise RefusedError("it refers to a registry of extensions; only arrays and plain containers are read")
        try:
            nesting.follow(code, argument)
        except IndexError:
            raise ValueError(f"its operation {code.name} in step {step} lacks what it works on") from None


class _Bounded:
    """A file whose reads never ask for more than is left of it."""

    def __init__(self, file: IO[bytes], size: int) -> None:
        self._file, self.left = file, size

    def read(self, count: int) -> bytes:
        if not 0 <= count <= self.left:
            raise ValueError("it is truncated")
        self.left -= count
        return self._file.read(count)

    def readline(self) -> bytes:
        line = self._file.readline()
        self.left -= len(line)
        return line


class _Nesting:
    """Follows the `stack` of a pickle by the depth of its values: how many tuples lie in one another.

    A tuple is one deeper than what it holds; anything else as deep as what it is made of, for it may be that itself.
    """

    def __init__(self) -> None:
        self.stack: list[int] = []
        self._memory: dict[int, int] = {}

    def follow(self, code: pickletools.OpcodeInfo, argument: Any) -> None:
        """Take note of one operation of a pickle."""
        if code.name in _GETS:
            self.stack.append(self._memory.get(argument, 0))
        elif code.name in _PUTS or code.name == "MEMOIZE":
            self._memory[len(self._memory) if argument is None else argument] = self.stack[-1]
        elif code.name == "MARK":
            self.stack.append(_MARK)
        else:
            depth = self._take(code.stack_before) + (code.name in _TUPLES)
            if depth > _NESTED:
                raise RefusedError(f"it holds tuples in one another, more than {_NESTED} deep")
            self.stack += [depth] * len(code.stack_after)

    def _take(self, operands: list[pickletools.StackObject]) -> int:
        """The depth of the deepest value that an operation takes off the stack."""
        deepest, single = 0, len(operands)
        if pickletools.markobject in operands:
            single = operands.index(pickletools.markobject)
            while (depth := self.stack.pop()) != _MARK:
                deepest = max(deepest, depth)
        return max([deepest, *(self.stack.pop() for _ in range(single))])
