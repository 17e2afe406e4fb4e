"""MMSA pickles with something wrong in them."""

from __future__ import annotations

import os
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

SIZES = {"train": 24, "valid": 8, "test": 8}
Content = dict[str, dict[str, Any]]


def content() -> Content:
    """Good data: text and audio, sentiment labels, five utterances a video."""
    rng = np.random.default_rng(0)
    return {
        split: {
            "text": rng.normal(size=(size, 4, 6)).astype(np.float32),
            "audio": rng.normal(size=(size, 3, 2)).astype(np.float32),
            "regression_labels": rng.uniform(-3, 3, size).astype(np.float32),
            "id": [f"{split}{number // 5}$_${number}" for number in range(size)],
        }
        for split, size in SIZES.items()
    }


def pickled(folder: Path, change: Callable[[Content], Any] | None = None, name: str = "odd") -> Path:
    """The good data with something changed, in a file."""
    found = content()
    if change is not None:
        change(found)
    path = folder / f"{name}.pkl"
    path.write_bytes(pickle.dumps(found))
    return path


class Hostile:
    """Makes a folder when it is unpickled by `pickle.load`."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def __reduce__(self) -> Any:
        return os.mkdir, (str(self.folder),)


def hostile(folder: Path) -> Path:
    """A pickle that would make `folder`/ran."""
    path = folder / "hostile.pkl"
    path.write_bytes(pickle.dumps({**content(), "more": Hostile(folder / "ran")}))
    return path


def plain(folder: Path) -> Path:
    """A pickle of plain values that is not MMSA's."""
    path = folder / "plain.pkl"
    path.write_bytes(pickle.dumps({"weights": [1, 2, 3]}))
    return path


def fewer_audio(found: Content) -> None:
    found["train"]["audio"] = found["train"]["audio"][:20]


def empty_split(found: Content) -> None:
    found["valid"] = {name: values[:0] for name, values in found["valid"].items()}


def no_label(found: Content) -> None:
    found["valid"]["regression_labels"][:] = np.nan


def some_labels_missing(found: Content) -> None:
    found["train"]["regression_labels"][:3] = np.nan


def constant_audio(found: Content) -> None:
    for part in found.values():
        part["audio"][:] = 1.5


def everything_constant(found: Content) -> None:
    constant_audio(found)
    for part in found.values():
        part["text"][:] = np.nan


def some_cells_odd(found: Content) -> None:
    found["train"]["text"][0, 0, 0] = np.nan
    found["valid"]["text"][1, 2, 3] = np.inf
