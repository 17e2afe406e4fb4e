"""Trained weights on disk: one safetensors file for each candidate and rung. A file is never half written."""

from __future__ import annotations

import logging
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import fields
from pathlib import Path
from typing import Any, Final

import numpy as np
from cachetools import LRUCache

from haemsa.cluster.shared.files import replacing
from haemsa.cluster.workers.job import RowState
from haemsa.model.predictor.model_files import as_safetensors

log = logging.getLogger(__name__)
_CHECKSUM: Final = "crc32"
MEMORY: Final = 64 * 2**20
"""How many bytes of recently used states also stay in memory, because many children have the same few parents."""
_PARTS = tuple(field.name for field in fields(RowState) if field.name != "epochs")


class WeightStore:
    """The folder states/ of a run directory: ID-RUNG.safetensors."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._recent: LRUCache[tuple[int, int], dict[int, RowState]] = LRUCache(MEMORY, _size)

    def save(self, number: int, rung: int, states: Mapping[int, RowState]) -> Path:
        """Keep the states that a candidate's replicates reached on a rung.

        Args:
            number: the candidate's id.
            rung: the rung.
            states: the state of each replicate, by its number.

        Raises:
            OSError: the disk is full or read-only.
        """
        arrays: dict[str, Any] = {}
        for replicate, state in states.items():
            arrays[f"{replicate}/epochs"] = np.array([state.epochs], np.int64)
            for part in _PARTS:
                named = getattr(state, part).items()
                arrays |= {f"{replicate}/{part}/{name}": np.ascontiguousarray(array) for name, array in named}
        path = self._path(number, rung)
        with replacing(path) as temporary:
            try:
                temporary.write_bytes(as_safetensors(arrays, {_CHECKSUM: _checksum(arrays)}))
            except OSError as error:
                raise OSError(f"the weights {path} cannot be written: {error}") from None
        self._remember(number, rung, dict(sorted(states.items())))
        return path

    def load(self, number: int, rung: int) -> dict[int, RowState]:
        """The states that a candidate's replicates reached on a rung, by the number of the replicate.

        Empty if they were not kept. Empty, with a warning, if the file is damaged: training then starts from scratch.

        Raises:
            OSError: the file may not be read.
        """
        if (number, rung) in self._recent:
            return dict(self._recent[number, rung])
        path = self._path(number, rung)
        if not path.exists():
            return {}
        parts: dict[int, dict[str, dict[str, Any]]] = {}
        epochs: dict[int, int] = {}
        for key, array in _read(path).items():
            replicate, part, *name = key.split("/", 2)
            if part == "epochs":
                epochs[int(replicate)] = int(array[0])
            else:
                parts.setdefault(int(replicate), {}).setdefault(part, {})[name[0]] = array
        states = {replicate: RowState(count, **parts[replicate]) for replicate, count in sorted(epochs.items())}
        self._remember(number, rung, states)
        return dict(states)

    def drop(self, number: int, rung: int) -> None:
        """Remove what was kept of a candidate on a rung, if there is something."""
        self._path(number, rung).unlink(missing_ok=True)
        self._recent.pop((number, rung), None)

    def kept(self) -> set[tuple[int, int]]:
        """(candidate, rung) of everything that is kept."""
        return set(self._kept())

    def _remember(self, number: int, rung: int, states: dict[int, RowState]) -> None:
        """Keep states in memory, unless they alone take too much room."""
        self._recent.pop((number, rung), None)
        if _size(states) <= MEMORY:
            self._recent[number, rung] = states

    def _kept(self) -> Iterator[tuple[int, int]]:
        for path in self.folder.glob("*-*.safetensors"):
            number, _, rung = path.stem.partition("-")
            if number.isdecimal() and rung.isdecimal():
                yield int(number), int(rung)

    def _path(self, number: int, rung: int) -> Path:
        for value in (number, rung):
            if isinstance(value, bool) or not isinstance(value, int) or value < 0:
                raise ValueError(f"candidate id or rung is {value!r}, expected a whole number of 0 or more")
        return self.folder / f"{number}-{rung}.safetensors"


def _size(states: Mapping[int, RowState]) -> int:
    """The bytes of all arrays."""
    return sum(array.nbytes for state in states.values() for part in _PARTS for array in getattr(state, part).values())


def _read(path: Path) -> dict[str, Any]:
    """The arrays in a file. If the file is damaged there are none, and a warning says so."""
    from safetensors import SafetensorError, safe_open

    try:
        path.open("rb").close()  # safetensors says of a file that may not be read that there is none
        with safe_open(path, framework="numpy") as file:
            arrays = {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118 - it is no mapping
            if (file.metadata() or {}).get(_CHECKSUM) == _checksum(arrays):
                return arrays
            reason = "its checksum is another"
    except PermissionError as error:
        raise OSError(f"the weights {path} cannot be read: {error.strerror}") from None
    except (SafetensorError, OSError) as error:
        reason = str(error)
    log.warning("the weights in %s are damaged and left out: %s", path, reason)
    path.unlink(missing_ok=True)
    return {}


def _checksum(arrays: Mapping[str, Any]) -> str:
    value = 0
    for key in sorted(arrays):
        value = zlib.crc32(np.ascontiguousarray(arrays[key]).data, zlib.crc32(key.encode(), value))
    return f"{value:08x}"
