"""A small data set, and a store of it in the first layout, with padding and compressed."""

from __future__ import annotations

from pathlib import Path

import h5py
import numpy as np

from haemsa.model.data.dataset import Dataset, Modality, Task

F32 = np.float32


def small() -> Dataset:
    """Five samples. One lacks both modalities, and one has no label of one task."""
    text = np.random.default_rng(0).normal(size=(5, 3, 2)).astype(F32)
    text[1, 2:] = 0
    text[2] = 0
    return Dataset(
        "small",
        {"text": Modality(text, np.array([3, 2, 0, 3, 3])), "audio": Modality(text[:, :1], np.array([1, 1, 0, 1, 1]))},
        {
            "mood": Task("regression", np.array([0.1, 1, np.nan, 2, 3], F32), bounds=(-3.0, 3.0)),
            "kind": Task("classes", np.array([0, 1, -1, 1, 0]), ("été", "b/c")),
            "tags": Task("multilabel", np.array([[0, 1], [1, np.nan], [0, 0], [1, 1], [0, 1]], F32), ("x", "y")),
        },
        {"train": np.array([4, 0]), "valid": np.array([1]), "test": np.array([3])},
        ("a", "b", "ç", "d", ""),
        np.array([0, 0, 1, 2, 2]),
        ("a note",),
    )


def to_first_layout(path: Path) -> None:
    """Change a store, so that it is as version 1 of the format was written."""
    with h5py.File(path, "r+") as file:
        file.attrs["version"] = 1
        for group in file["modalities"].values():
            values, lengths, steps = group["values"][()], group["lengths"][()], group.attrs["steps"]
            features = np.zeros((len(lengths), steps, values.shape[1]), values.dtype)
            features[np.arange(steps) < lengths[:, None]] = values
            chunks = (min(2, len(lengths)), *features.shape[1:])
            group.create_dataset("features", data=features, chunks=chunks, compression="gzip", compression_opts=1)
            del group["values"], group.attrs["steps"]
