"""Trained weights on disk: one safetensors file for each candidate and rung. A file is never half written."""

from __future__ import annotations

import logging
import zlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from haemsa.cluster.shared.files import replacing
from haemsa.cluster.workers.row_state import RowState
from haemsa.model.predictor.model_files import as_safetensors

log = logging.getLogger(__name__)
_CHECKSUM: Final = "crc32"


class WeightStore:
    """The folder states/ of a run directory: ID-RUNG.safetensors."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def save(self, number: int, rung: int, states: Mapping[int, RowState]) -> Path:
        """Keep the states that a candidate's replicates reached on a rung.

        Args:
            number: the candidate's id.
            rung: the rung.
            states: the state of each replicate, by its number.

        Raises:
            OSError: the disk is full or read-only.
        """
        arrays = {f"{replicate}/{state.epochs}": state.content for replicate, state in sorted(states.items())}
        path = self._path(number, rung)
        with replacing(path) as temporary:
            try:
                temporary.write_bytes(as_safetensors(arrays, {_CHECKSUM: _checksum(arrays)}))
            except OSError as error:
                raise OSError(f"the weights {path} cannot be written: {error}") from None
        return path

    def load(self, number: int, rung: int) -> dict[int, RowState]:
        """The states that a candidate's replicates reached on a rung, by the number of the replicate.

        Empty if they were not kept. Empty, with a warning, if the file is damaged or of another version: training then
        starts from scratch.

        Raises:
            OSError: the file may not be read.
        """
        path = self._path(number, rung)
        return _read(path) if path.exists() else {}

    def drop(self, number: int, rung: int) -> None:
        """Remove what was kept of a candidate on a rung, if there is something."""
        self._path(number, rung).unlink(missing_ok=True)

    def kept(self) -> set[tuple[int, int]]:
        """(candidate, rung) of everything that is kept."""
        return set(self._kept())

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


def _read(path: Path) -> dict[int, RowState]:
    """The states in a file. If it is damaged, or of another version, there are none, and a warning says so."""
    from safetensors import SafetensorError, safe_open

    try:
        path.open("rb").close()  # safetensors says of a file that may not be read that there is none
        with safe_open(path, framework="numpy") as file:
            arrays = {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118 - it is no mapping
            if (file.metadata() or {}).get(_CHECKSUM) == _checksum(arrays):
                found = ((*map(int, key.split("/")), content) for key, content in arrays.items())
                return {replicate: RowState(epochs, content) for replicate, epochs, content in found}
            reason = "they are damaged (their checksum is another)"
    except ValueError:
        reason = "another version wrote them"
    except PermissionError as error:
        raise OSError(f"the weights {path} cannot be read: {error.strerror}") from None
    except (SafetensorError, OSError) as error:
        reason = f"they are damaged ({error})"
    log.warning("the weights in %s are left out: %s", path, reason)
    path.unlink(missing_ok=True)
    return {}


def _checksum(arrays: Mapping[str, NDArray[np.uint8]]) -> str:
    value = 0
    for key in sorted(arrays):
        value = zlib.crc32(arrays[key].data, zlib.crc32(key.encode(), value))
    return f"{value:08x}"
