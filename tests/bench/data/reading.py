"""Reading batches from a store, next to torch's DataLoader over memory-mapped .npy files of the same features."""

from __future__ import annotations

import os
import resource
import subprocess
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from statistics import median
from typing import Any, Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch.utils.data import DataLoader

from haemsa.model.data.normalisation import Normalisation
from haemsa.model.data.store.file import read
from haemsa.model.training.pool import Pool
from tests.bench.data.large import SHAPES
from tests.bench.data.npy_loader import NpySamples, Scaling, padded, scaling, unpack

BATCH: Final = 16
MOST: Final = 4000
ROUNDS: Final = 5
_USERS: Final = (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
_BLOCK: Final = 512
"""Bytes of the blocks in which the system counts what a process reads from a disk."""
Batches = Sequence[NDArray[np.int64]]


@dataclass(frozen=True)
class Reading:
    """Samples read per second, microseconds of processor per sample, and MiB that came from the disk.

    Threads, and worker processes that have ended, are counted too.
    """

    rate: float
    processor: float
    disk: float


def compare_reading(folder: Path, samples: int) -> dict[str, list[Reading]]:
    """How each side reads the same batches, `ROUNDS` times in turn: from the disk, and then again from memory.

    Torch has one thread: several would wait for each other wherever a machine does other work too.
    """
    torch.set_num_threads(1)
    unpack(folder / "made.npz", folder, "train")
    train = int(0.71 * samples)
    chosen = np.random.default_rng(0).permutation(train)[: min(train, MOST)]
    order, scales = np.array_split(chosen, max(1, len(chosen) // BATCH)), scaling(folder)
    ours = StoreBatches(folder / "made.h5", order)
    sides: dict[str, Callable[[], Iterable[Any]]] = {
        "haemsa": lambda: ours,
        "DataLoader": partial(npy_batches, folder, scales, order, 0),
        "DataLoader, 2 workers": partial(npy_batches, folder, scales, order, 2),
    }
    found: dict[str, list[Reading]] = {f"{name}, from {place}": [] for place in ("disk", "memory") for name in sides}
    for _ in range(ROUNDS):
        for name, opened in sides.items():
            batches = opened()
            forget(folder)
            for place in ("disk", "memory"):
                found[f"{name}, from {place}"].append(measured(batches, len(chosen)))
            del batches  # the system keeps mapped pages, so the next side would find them in memory
    return found


class StoreBatches:
    """Batches as training reads them: float32, normalised, cropped to their longest sample."""

    def __init__(self, store: Path, order: Batches) -> None:
        data = read(store, stream=True)
        self._pool, self._order = Pool.of(Normalisation.fit(data).apply(data)), order

    def __iter__(self) -> Iterator[Any]:
        return self._pool.read(self._order, torch.float32, list(SHAPES))


def npy_batches(folder: Path, scales: Scaling, order: Batches, workers: int) -> DataLoader[Any]:
    """The same samples by torch's DataLoader: float32, normalised, padded to the longest of a batch."""
    batches = [part.tolist() for part in order]
    return DataLoader(NpySamples(folder, scales), batch_sampler=batches, num_workers=workers, collate_fn=padded)


def measured(batches: Iterable[Any], samples: int) -> Reading:
    """Read all batches once. Nothing is trained."""
    (processor, disk), start = _used(), time.perf_counter()
    for _ in batches:
        pass
    seconds, (processor_after, disk_after) = time.perf_counter() - start, _used()
    return Reading(samples / seconds, (processor_after - processor) / samples * 1e6, (disk_after - disk) / 2**20)


def _used() -> tuple[float, int]:
    """Seconds of processor, and bytes from the disk, until now."""
    usages = [resource.getrusage(user) for user in _USERS]
    return sum(item.ru_utime + item.ru_stime for item in usages), sum(item.ru_inblock for item in usages) * _BLOCK


def forget(folder: Path) -> None:
    """Take all files of the folder out of the system's cache. Raises RuntimeError if one stays, as mapped pages do."""
    paths = [path for path in folder.iterdir() if path.is_file()]
    for path in paths:
        with path.open("rb") as file:
            os.fsync(file.fileno())
            os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
    asked = ["fincore", "--bytes", "--noheadings", "--output", "RES", *map(str, paths)]
    left = subprocess.run(asked, check=True, capture_output=True, text=True).stdout.split()
    kept = [path.name for path, size in zip(paths, left, strict=True) if int(size)]
    if kept:
        raise RuntimeError(f"{', '.join(kept)} stayed in memory, so nothing can be read from the disk")


def told(case: str, rounds: Sequence[Reading]) -> str:
    """A line of what was measured: medians, and the range of the rates."""
    rates = [item.rate for item in rounds]
    processor, disk = (median(values) for values in zip(*((item.processor, item.disk) for item in rounds), strict=True))
    return (
        f"{case:34s} {median(rates):7,.0f} samples/s ({min(rates):,.0f} to {max(rates):,.0f})"
        f"  {processor:5.0f} us of processor each  {disk:6,.0f} MiB from the disk"
    )
