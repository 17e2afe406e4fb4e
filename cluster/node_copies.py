"""Data that is streamed, on nodes that lack its file: one copy a node, fetched from the driver's node in blocks."""

from __future__ import annotations

import fcntl
import hashlib
import os
import tempfile
from collections.abc import Callable, Collection, Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any, Final

import ray
from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

from cluster.trial import Trial, TrialData
from model.data.dataset import Dataset
from model.data.stored import StoredFeatures

BLOCK: Final = 2**24
"""Bytes that are sent at a time."""
Read = Callable[[str, int], bytes]
"""A block of the file at a path, from an offset; empty at its end."""


class _Server:
    """The body of an actor on the driver's node: it reads files for others, those alone that it was made for."""

    def __init__(self, paths: Collection[str]) -> None:
        self._paths = paths

    def read(self, path: str, start: int) -> bytes:
        assert path in self._paths
        with Path(path).open("rb") as file:
            file.seek(start)
            return file.read(BLOCK)


def trial_maker(data: TrialData) -> Callable[[TrialData], Trial]:
    """What makes a trial in a worker: with streamed features, on a copy of their file where its node has none."""
    versions = {str(path): version_of(path) for path in stored_paths(data.pool)}
    if not versions:
        return Trial
    here = NodeAffinitySchedulingStrategy(ray.get_runtime_context().get_node_id(), soft=False)
    actor: Any = ray.remote(_Server)
    server = actor.options(num_cpus=0, scheduling_strategy=here).remote(list(versions))
    return partial(_make, server, versions)


def _make(server: Any, versions: Mapping[str, str], data: TrialData) -> Trial:
    def read(path: str, start: int) -> bytes:
        return bytes(ray.get(server.read.remote(path, start)))

    folder = Path(tempfile.gettempdir()) / f"haemsa-{os.getuid()}"
    return Trial(replace(data, pool=localised(data.pool, versions, folder, read)))


def stored_paths(dataset: Dataset) -> set[Path]:
    """The files that features are streamed from."""
    return {item.features.path for item in dataset.modalities.values() if isinstance(item.features, StoredFeatures)}


def localised(dataset: Dataset, versions: Mapping[str, str], folder: Path, read: Read) -> Dataset:
    """The data set, its files replaced by copies in `folder` where they are not here in the version asked for."""
    here = {Path(path): _local(Path(path), version, folder, read) for path, version in versions.items()}
    modalities = {
        name: item.moved(here[item.features.path]) if isinstance(item.features, StoredFeatures) else item
        for name, item in dataset.modalities.items()
    }
    return replace(dataset, modalities=modalities)


def _local(path: Path, version: str, folder: Path, read: Read) -> Path:
    if path.exists() and version_of(path) == version:
        return path
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    if folder.stat().st_uid != os.getuid():
        raise ValueError(f"folder {folder} belongs to another user, expected to keep a copy of {path} there")
    copy = folder / f"{version}{path.suffix}"
    with (folder / f"{version}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # the first worker of a node copies, the others wait
        if not copy.exists():
            _copy(str(path), copy, read)
    return copy


def _copy(path: str, copy: Path, read: Read) -> None:
    unfinished, size = copy.with_suffix(".part"), 0
    with unfinished.open("wb") as file:
        while block := read(path, size):
            size += file.write(block)
    unfinished.replace(copy)


def version_of(path: Path) -> str:
    """Tells a file from others, and from what it was before it changed."""
    found = path.stat()
    return hashlib.sha256(f"{path} {found.st_size} {found.st_mtime_ns}".encode()).hexdigest()[:16]
