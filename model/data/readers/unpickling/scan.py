"""A first pass over a pickle. It refuses what would reserve more memory than the file justifies, or nest too deep."""

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
"""Operations that add a number, text or an empty container to the stack. They are most of a long pickle, and safe."""
_NESTED: Final = 1000
"""How deep tuples and frozen sets can lie in each other. The hash of one that is 100,000 deep overflows the C stack."""
_MARK: Final = -1


class RefusedError(ValueError):
    """A pickle holds something other than arrays, containers, text and numbers."""


def scan(file: IO[bytes], size: int) -> None:
    """Read the operations of a pickle of `size` bytes, and do none of them.

    Raises:
        RefusedError: The pickle asks for what is not allowed.
        Exception: The pickle is broken.
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
    """A file. A read that asks for more bytes than are left is an error."""

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
    """Follows the stack of a pickle, and keeps the depth of each value: how many tuples lie in each other.

    A tuple is one deeper than its content. Any other value is as deep as its parts, because it can be one of them.
    """

    def __init__(self) -> None:
        self.stack: list[int] = []
        self._memory: dict[int, int] = {}

    def follow(self, code: pickletools.OpcodeInfo, argument: Any) -> None:
        """Follow one operation of a pickle. Raises RefusedError if tuples lie too deep in each other."""
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
        """Take the operands of an operation off the stack, and return the depth of the deepest."""
        deepest, single = 0, len(operands)
        if pickletools.markobject in operands:
            single = operands.index(pickletools.markobject)
            while (depth := self.stack.pop()) != _MARK:
                deepest = max(deepest, depth)
        return max([deepest, *(self.stack.pop() for _ in range(single))])
