"""Data sets as HDF5 files. They hold numbers and text, no pickles, and nothing that points outside the file.

- /modalities/<name>/values float32 or float16 [S, D], the steps of all samples one after the other, without padding and
  not compressed; lengths int64 [N], how many of them each sample has; and columns, the names of the features, if they
  are known; with the attributes steps, which is T; digest; constant, which is uint8 [D], 1 where a column never changes
  in training; and encoder, JSON that tells which pretrained encoder made it, if one did
- /tasks/<name>/targets, with attributes kind, labels, bounds
- /splits/<train|valid|test> int64
- /ids and /notes text, /groups int64 [N], and /transcripts text [N], if a text encoder made one of the modalities

In version 1, a modality had features [N, T, D] with padding, compressed, in place of values. It is still read.
"""

from __future__ import annotations

import contextlib
import errno
import json
import os
import shutil
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import h5py
import numpy as np
from numpy.typing import NDArray

from haemsa.model.data.cleaning import constant_columns, useful
from haemsa.model.data.dataset import Dataset, Modality
from haemsa.model.data.samples import Samples
from haemsa.model.data.steps import blocks
from haemsa.model.data.store.content import StoreContent
from haemsa.model.data.store.float16 import Rounding
from haemsa.model.data.store.hdf5 import SafeGroup, one_sentence
from haemsa.model.data.streamed import rows_of

FORMAT: Final = "haemsa dataset"
VERSION: Final = 2
READ: Final = (1, VERSION)
Forms = Mapping[str, type[np.floating[Any]]]
"""Whether the features of each modality are kept as float16 or as float32."""
_OVERHEAD: Final = 2**16
"""Bytes of a store that are no content."""


def write(dataset: Dataset, path: Path, *, half: bool = False) -> None:
    """Write a data set to an HDF5 file.

    Args:
        dataset: What is written.
        path: The file. What is there is replaced only once all is written.
        half: Keep features as float16, in half the space. A modality that loses nothing by it is always kept so.

    Raises:
        ValueError: float16 cannot hold a feature, or cannot tell the values of a column apart.
        OSError: The disk has no room for it.

    Example:
        >>> import tempfile
        >>> from haemsa.model.data.builtin.planted import planted
        >>> data = planted(sizes=(20, 10, 10))
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     write(data, Path(folder) / "mine.h5")
        ...     copy = read(Path(folder) / "mine.h5")
        >>> copy.name, copy.fingerprint == data.fingerprint
        ('mine', True)
    """
    unfinished = path.with_name(path.name + ".part")
    forms = {name: np.float16 if half or _is_exact(item) else np.float32 for name, item in dataset.modalities.items()}
    _check_room(dataset, path, forms)
    try:
        with h5py.File(unfinished, "w", track_order=True) as file:
            _write(dataset, file, forms)
        attributes_of = {  # no stream stays, because it keeps the file open
            name: _attributes(stream, dataset) for name, stream in _read(unfinished, stream=True).modalities.items()
        }
        with h5py.File(unfinished, "r+") as file:
            for name, attributes in attributes_of.items():
                file[f"modalities/{name}"].attrs.update(attributes)
        unfinished.replace(path)
    finally:
        unfinished.unlink(missing_ok=True)


def read(path: Path, *, stream: bool | None = None, whole: bool = False) -> Dataset:
    """Read an HDF5 file that `write` wrote.

    A modality that is absent or constant in training is left out, with a note.

    Args:
        path: The file. The data has the name of its stem.
        stream: Whether features stay in the file until they are needed; None: if they would fill much of the memory.
        whole: Leave no modality out.

    Raises:
        FileNotFoundError: There is no such file.
        ValueError: The file is no store, is damaged, or is of another version. The message is one sentence.
    """
    dataset = _read(path, stream=stream)
    if whole or "train" not in dataset.splits:
        return dataset
    constant = {name: modality.__dict__.get("constant") for name, modality in dataset.modalities.items()}
    return useful(dataset, constant)


def read_samples(path: Path) -> Samples:
    """Read the features, ids and splits of a store. Features stay in the file until they are needed.

    Raises as `read`.
    """
    with _opened(path, stream=True) as reader:
        return reader.samples()


def _read(path: Path, *, stream: bool | None) -> Dataset:
    with _opened(path, stream=stream) as reader:
        return reader.dataset(path.stem)


@contextlib.contextmanager
def _opened(path: Path, *, stream: bool | None) -> Iterator[StoreContent]:
    if not path.exists():
        raise FileNotFoundError(f"data '{path}' does not exist")
    with one_sentence(f"{path} cannot be read: "), h5py.File(path, "r", track_order=True) as file:
        if file.attrs.get("format") != FORMAT:
            raise ValueError("it is not a haemsa data set")
        if file.attrs.get("version") not in READ:
            known = " and ".join(map(str, READ))
            raise ValueError(f"its format version is {file.attrs.get('version')}, this version reads {known}")
        yield StoreContent(SafeGroup(file, path.stat().st_size), path, stream=stream)


def _attributes(modality: Modality, dataset: Dataset) -> dict[str, Any]:
    """The attributes of a modality, which only a pass over all its features can tell."""
    train = dataset.splits.get("train", np.arange(len(dataset)))
    return {"digest": modality.digest, "constant": constant_columns(modality, train).astype(np.uint8)}


def _check_room(dataset: Dataset, path: Path, forms: Forms) -> None:
    """Raises OSError if the disk has no room. HDF5 does not do so: where a disk gets full, it ends the process."""
    features = sum(
        int(item.lengths.sum()) * item.width * np.dtype(forms[name]).itemsize
        for name, item in dataset.modalities.items()
    )
    others = sum(task.targets.nbytes for task in dataset.tasks.values()) + 8 * len(dataset) * len(dataset.modalities)
    text = sum(len(line.encode()) + 32 for line in (*dataset.ids, *dataset.notes, *dataset.transcripts))
    if shutil.disk_usage(path.parent).free < features + others + text + _OVERHEAD:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(path))


def _write(dataset: Dataset, file: Any, forms: Forms) -> None:
    file.attrs.update(format=FORMAT, version=VERSION)
    modalities = file.create_group("modalities", track_order=True)
    for name, modality in dataset.modalities.items():
        group = modalities.create_group(name)
        _write_features(name, modality, group, forms[name])
        group["lengths"] = modality.lengths
        if modality.columns:
            _write_text(group, "columns", modality.columns)
        if name in dataset.encoders:
            group.attrs["encoder"] = json.dumps(dataset.encoders[name], sort_keys=True)
    tasks = file.create_group("tasks", track_order=True)
    for name, task in dataset.tasks.items():
        group = tasks.create_group(name)
        group["targets"] = task.targets
        group.attrs["kind"] = task.kind
        group.attrs.create("labels", list(task.labels), dtype=h5py.string_dtype(), shape=(len(task.labels),))
        if task.bounds is not None:
            group.attrs["bounds"] = task.bounds
    splits = file.create_group("splits", track_order=True)
    for name, indices in dataset.splits.items():
        splits[name] = indices
    file["groups"] = dataset.groups
    _write_text(file, "ids", dataset.ids)
    _write_text(file, "notes", dataset.notes)
    if dataset.transcripts:
        _write_text(file, "transcripts", dataset.transcripts)


def _write_text(group: Any, name: str, lines: Sequence[str]) -> None:
    group.create_dataset(name, data=list(lines), dtype=h5py.string_dtype(), shape=(len(lines),))


def _write_features(name: str, modality: Modality, group: Any, form: type[np.floating[Any]]) -> None:
    shape, start = modality.features.shape, 0
    group.attrs["steps"] = shape[1]
    data = group.create_dataset("values", (int(modality.lengths.sum()), shape[2]), form)
    rounding = Rounding(name, shape[2], modality.columns)
    for values in _values(modality):
        if form is np.float16:
            rounding.check(values)
        data[start : start + len(values)] = values
        start += len(values)
    rounding.end()


def _is_exact(modality: Modality) -> bool:
    """Whether float16 holds all features exactly."""
    with np.errstate(over="ignore"):
        return all((values.astype(np.float16) == values).all() for values in _values(modality))


def _values(modality: Modality) -> Iterator[NDArray[np.float32]]:
    """The steps of all samples without padding, [S, D], block by block."""
    for block in blocks(modality.features.shape):
        yield rows_of(modality.features, modality.lengths, block)
