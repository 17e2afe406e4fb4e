"""Data by name or path."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Final

from model.data.dataset import Dataset
from model.data.reading import Reading

STORES: Final = (".h5", ".hdf5")
_AS_IT_IS: Final = Reading()


def load(source: str, *, seed: int = 0, reading: Reading = _AS_IT_IS) -> Dataset:
    """The data set called "planted" or "digits" (made with `seed`), or at a path, read as `reading` asks for.

    A path leads to an HDF5 store, a pickle of the field's layouts, or a folder of `.csd` files.

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
        return _folder(path, reading)
    if path.suffix.lower() in STORES:
        from model.data.store import read

        return _cleaned(read(path))
    if path.suffix.lower() in (".pkl", ".pickle"):
        from model.data.pickles import read as read_pickle

        return read_pickle(path, reading)
    raise ValueError(f"data {source!r} has an unknown form, expected {', '.join(STORES)} or .pkl")


def _cleaned(dataset: Dataset) -> Dataset:
    """The data set without modalities that cannot say anything, and with notes on them, as every reader gives it.

    What is streamed is left as it was written.
    """
    from model.data.cleaning import RawModality, clean
    from model.data.stored import StoredFeatures

    raw = {}
    for name, item in dataset.modalities.items():
        if isinstance(item.features, StoredFeatures):
            return dataset
        raw[name] = RawModality(item.features, item.lengths)
    modalities, notes = clean(raw, dataset.split("train"))
    return replace(dataset, modalities=modalities, notes=(*dataset.notes, *notes))


def _folder(path: Path, reading: Reading) -> Dataset:
    if not any(path.glob("*.csd")):
        raise ValueError(f"data '{path}' is a folder without .csd files, expected a file: {', '.join(STORES)} or .pkl")
    from model.data.csd_folder import read

    return read(path, reading)
