"""Data by name or path."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Final

from model.data.dataset import Dataset
from model.data.reading import Reading

_STORES: Final = (".h5", ".hdf5")


def load(source: str, *, seed: int = 0, reading: Reading = Reading()) -> Dataset:  # noqa: B008 (frozen)
    """The data set called "planted" or "digits" (made with `seed`), or at a path (an HDF5 store or a pickle).

    Raises ValueError, one sentence, for anything else, and FileNotFoundError for a path that does not exist.
    """
    if source == "planted":
        from model.data.planted import planted

        return planted(seed)
    if source == "digits":
        from model.data.digits import digits

        return digits(seed)
    path = Path(source)
    if not path.exists():
        raise FileNotFoundError(f"data {source!r} does not exist, expected planted, digits, or a file or folder")
    if path.is_dir():
        raise ValueError(_folder(path))
    if path.suffix.lower() in _STORES:
        from model.data.store import read

        return _cleaned(read(path))
    if path.suffix.lower() in (".pkl", ".pickle"):
        from model.data.pickles import read as read_pickle

        return read_pickle(path, reading)
    raise ValueError(f"data {source!r} has an unknown form, expected {', '.join(_STORES)} or .pkl")


def _cleaned(dataset: Dataset) -> Dataset:
    """The data set without modalities that cannot say anything, and with notes on them, as every reader gives it."""
    from model.data.cleaning import RawModality, clean

    raw = {name: RawModality(item.features, item.lengths) for name, item in dataset.modalities.items()}
    modalities, notes = clean(raw, dataset.split("train"))
    return replace(dataset, modalities=modalities, notes=(*dataset.notes, *notes))


def _folder(path: Path) -> str:
    if any(path.glob("*.csd")):
        return f"data '{path}' is a folder of .csd files, which this version does not read yet"
    return f"data '{path}' is a folder without .csd files, expected a file: {', '.join(_STORES)} or .pkl"
