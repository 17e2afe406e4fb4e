"""Streamed data on nodes that lack its file: each node gets one copy, in blocks, from the node of the driver."""

from __future__ import annotations

import fcntl
import hashlib
import os
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any, Final, TypeVar

import ray
from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

from haemsa.cluster.workers.cohort_trainer import CohortTrainer, WorkerData
from haemsa.model.data.dataset import Dataset
from haemsa.model.data.streamed import StoredFeatures, Version, version_of

BLOCK: Final = 2**24
"""Bytes that are sent at a time."""
Data = TypeVar("Data")
Made = TypeVar("Made")
Read = Callable[[str, int], bytes]
"""Reads a block of the file at a path, from an offset on."""


class _Server:
    """The body of an actor on the driver's node. It reads files for other nodes, but only those it was made for."""

    def __init__(self, versions: Mapping[str, Version]) -> None:
        self._files = {path: os.open(path, os.O_RDONLY) for path in versions}
        for path, version in versions.items():
            if version_of(Path(path)) != version:
                raise ValueError(f"{path} has changed since it was read, expected it to stay while it is in use")

    def ready(self) -> None:
        """Raises the error, if the actor could not be made."""

    def read(self, path: str, start: int) -> bytes:
        return os.pread(self._files[path], BLOCK, start)


def trainer_maker(data: WorkerData) -> Callable[[WorkerData], CohortTrainer]:
    """What makes a trainer in a worker."""
    return maker_on_nodes(CohortTrainer, data)


def maker_on_nodes(make: Callable[[Data], Made], data: Data) -> Callable[[Data], Made]:
    """`make` for workers. Streamed features of `data.pool` come from a copy of their file if the node lacks it."""
    pool = getattr(data, "pool", None)
    versions = versions_of(pool) if isinstance(pool, Dataset) else {}
    if not versions:
        return make
    here = NodeAffinitySchedulingStrategy(ray.get_runtime_context().get_node_id(), soft=False)
    actor: Any = ray.remote(_Server)
    server = actor.options(num_cpus=0, scheduling_strategy=here).remote(versions)
    ray.get(server.ready.remote())  # from now on it has the files open, so their paths may go
    return partial(_make, server, make)


def _make(server: Any, make: Callable[[Any], Made], data: Any) -> Made:
    def read(path: str, start: int) -> bytes:
        return bytes(ray.get(server.read.remote(path, start)))

    folder = Path(tempfile.gettempdir()) / f"haemsa-{os.getuid()}"
    return make(replace(data, pool=localised(data.pool, folder, read)))


def versions_of(dataset: Dataset) -> dict[str, Version]:
    """The files that features are streamed from, and their versions."""
    stored = [item.features for item in dataset.modalities.values()]
    return {str(item.path): item.version for item in stored if isinstance(item, StoredFeatures)}


def localised(dataset: Dataset, folder: Path, read: Read) -> Dataset:
    """The dataset on this node. A file that is not here in the right version is replaced by a copy in `folder`."""
    here = {path: _local(Path(path), version, folder, read) for path, version in versions_of(dataset).items()}
    modalities = {
        name: item.moved(here[str(item.features.path)]) if isinstance(item.features, StoredFeatures) else item
        for name, item in dataset.modalities.items()
    }
    return replace(dataset, modalities=modalities)


def _local(path: Path, version: Version, folder: Path, read: Read) -> Path:
    if _is_here(path, version):
        return path
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    if folder.stat().st_uid != os.getuid():
        raise ValueError(f"folder {folder} belongs to another user, expected to keep a copy of {path} there")
    name = hashlib.sha256(f"{path} {version}".encode()).hexdigest()[:16]
    copy = folder / f"{name}{path.suffix}"
    with (folder / f"{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # the first worker of a node copies, the others wait
        if not copy.exists():
            _copy(str(path), copy, version[0], read)
    return copy


def _is_here(path: Path, version: Version) -> bool:
    try:
        with path.open("rb"):
            return version_of(path) == version
    except OSError:
        return False


def _copy(path: str, copy: Path, size: int, read: Read) -> None:
    unfinished = copy.with_suffix(".part")
    try:
        with unfinished.open("wb") as file:
            os.posix_fallocate(file.fileno(), 0, size)
            while file.tell() < size:
                file.write(read(path, file.tell()))
        unfinished.replace(copy)
    finally:
        unfinished.unlink(missing_ok=True)
