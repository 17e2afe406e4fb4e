"""HDF5 files of strangers. Links to other files are not followed, and arrays that the file cannot hold are not read."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

import h5py

DEFLATED: Final = 1100
"""No file can be compressed by more than 1,032 to 1. A file that claims more would only fill the memory."""


@contextmanager
def one_sentence(opening: str = "") -> Iterator[None]:
    """Turn what h5py raises about a damaged file into a ValueError of one sentence that starts with `opening`."""
    try:
        yield
    except (OSError, RuntimeError, KeyError, TypeError, ValueError, MemoryError) as error:
        reason = str(error.args[0]) if isinstance(error, KeyError) else str(error)  # a KeyError quotes its text
        raise ValueError(f"{opening}{' '.join(reason.split())[:200]}") from None


class SafeGroup:
    """A group in a file of `size` bytes, whose items are reached by hard links only. An open file is a group too."""

    def __init__(self, group: Any, size: int) -> None:
        self._group, self._size = group, size

    @property
    def capacity(self) -> int:
        """The most bytes that the file can hold."""
        return self._size * DEFLATED

    def names(self) -> tuple[str, ...]:
        """The names of the group's items, in its order. Raises ValueError for a name that is not UTF-8."""
        names = tuple(self._group)
        undecoded = [name for name in names if not isinstance(name, str)]
        if undecoded:
            raise ValueError(f"an item is called {undecoded[0]!r}, expected UTF-8")
        return names

    @property
    def attributes(self) -> Any:
        """The group's own `h5py` attributes."""
        return self._group.attrs

    def array(self, path: str) -> Any:
        """The `h5py.Dataset` at `path`, not read yet. Raises ValueError if there is none, or if it is not safe."""
        array = self._item(path)
        if not isinstance(array, h5py.Dataset):
            raise ValueError(f"{path!r} is a group, expected an array")
        if array.is_virtual or array.external:
            raise ValueError(f"{path!r} keeps its content in another file, expected all in one")
        if array.size is None or array.size * array.dtype.itemsize > self.capacity:
            raise ValueError(f"{path!r} claims the shape {array.shape}, more than the file can hold")
        return array

    def offset(self, path: str) -> int:
        """The byte of the file where the numbers of the array at `path` begin. They are in one piece, as they are.

        Raises ValueError if they are not.
        """
        array = self.array(path)
        start = array.id.get_offset() if array.nbytes else 0
        if start is None or start + array.nbytes > self._size:
            raise ValueError(f"{path!r} is compressed or incomplete, expected its numbers in one piece")
        return int(start)

    def group(self, path: str) -> SafeGroup:
        """The group at `path`. Raises ValueError if there is none."""
        group = self._item(path)
        if not isinstance(group, h5py.Group):
            raise ValueError(f"{path!r} is not a group, expected one")
        return SafeGroup(group, self._size)

    def _item(self, path: str) -> Any:
        item: Any = self._group
        for part in path.split("/"):
            link = item.get(part, getlink=True) if isinstance(item, h5py.Group) else None
            if link is None:
                raise ValueError(f"{path!r} is missing")
            if not isinstance(link, h5py.HardLink):
                raise ValueError(f"{path!r} links to another place, expected all in one file")
            item = item[part]
        return item
