"""HDF5 files of others: nothing that points outside the file is followed, nothing larger than it can hold is read."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import h5py

from haemsa.model.data.memory import DEFLATED


@contextmanager
def one_sentence(opening: str = "") -> Iterator[None]:
    """Whatever a damaged file makes h5py raise within becomes a ValueError that starts with `opening`."""
    try:
        yield
    except (OSError, RuntimeError, KeyError, TypeError, ValueError, MemoryError) as error:
        reason = str(error.args[0]) if isinstance(error, KeyError) else str(error)  # a KeyError quotes its text
        raise ValueError(f"{opening}{' '.join(reason.split())[:200]}") from None


class SafeGroup:
    """The items of a group in a file of `size` bytes, reached by hard links only. An open file is a group too."""

    def __init__(self, group: Any, size: int) -> None:
        self._group, self._size = group, size

    @property
    def capacity(self) -> int:
        """Bytes that the file can hold at most."""
        return self._size * DEFLATED

    def names(self) -> tuple[str, ...]:
        """What the group holds, in its order. Raises ValueError for a name that is not UTF-8."""
        names = tuple(self._group)
        odd = [name for name in names if not isinstance(name, str)]
        if odd:
            raise ValueError(f"an item is called {odd[0]!r}, expected UTF-8")
        return names

    @property
    def attributes(self) -> Any:
        """The group's own `h5py` attributes."""
        return self._group.attrs

    def array(self, path: str) -> Any:
        """The `h5py.Dataset` at `path`, not read yet. Raises ValueError if there is none, or none that is safe."""
        found = self._item(path)
        if not isinstance(found, h5py.Dataset):
            raise ValueError(f"{path!r} is a group, expected an array")
        if found.is_virtual or found.external:
            raise ValueError(f"{path!r} keeps its content in another file, expected all in one")
        if found.size is None or found.size * found.dtype.itemsize > self.capacity:
            raise ValueError(f"{path!r} claims the shape {found.shape}, more than the file can hold")
        return found

    def group(self, path: str) -> SafeGroup:
        """The group at `path`. Raises ValueError if there is none."""
        found = self._item(path)
        if not isinstance(found, h5py.Group):
            raise ValueError(f"{path!r} is not a group, expected one")
        return SafeGroup(found, self._size)

    def _item(self, path: str) -> Any:
        found: Any = self._group
        for part in path.split("/"):
            link = found.get(part, getlink=True) if isinstance(found, h5py.Group) else None
            if link is None:
                raise ValueError(f"{path!r} is missing")
            if not isinstance(link, h5py.HardLink):
                raise ValueError(f"{path!r} links to another place, expected all in one file")
            found = found[part]
        return found
