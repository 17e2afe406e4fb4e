"""Data by name or path."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Final

from model.data.dataset import Dataset
from model.data.reading import Reading

_STORES: Final = (".h5", ".hdf5")
_DESCRIPTIONS: Final = (".yaml", ".yml")
_DESCRIBED: Final = (".npz", ".csv", ".parquet")
_AS_IT_IS: Final = Reading()


def load(source: str, *, seed: int = 0, reading: Reading = _AS_IT_IS) -> Dataset:
    """The data set called "planted" or "digits" (made with `seed`), or at a path, read as `reading` asks for.

    A path leads to an HDF5 store, an MMSA pickle, or a YAML file that describes arrays or a table beside it.

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
        from model.data.mmsa import read as read_mmsa

        return read_mmsa(path)
    if path.suffix.lower() in _DESCRIPTIONS:
        from model.data.described import read as read_described

        return read_described(path, reading)
    if path.suffix.lower() in _DESCRIBED:
        raise ValueError(_undescribed(path))
    raise ValueError(f"data {source!r} has an unknown form, expected {', '.join(_STORES)}, .pkl or .yaml")


def _cleaned(dataset: Dataset) -> Dataset:
    """The data set without modalities that cannot say anything, and with notes on them, as every reader gives it."""
    from model.data.cleaning import RawModality, clean

    raw = {name: RawModality(item.features, item.lengths) for name, item in dataset.modalities.items()}
    modalities, notes = clean(raw, dataset.split("train"))
    return replace(dataset, modalities=modalities, notes=(*dataset.notes, *notes))


def _undescribed(path: Path) -> str:
    smallest = f"{{source: {path.name}, modalities: {{NAME: ARRAY}}, tasks: {{NAME: ARRAY}}}}"
    if path.suffix.lower() != ".npz":
        smallest = smallest.replace("ARRAY", "COLUMN")
    return f"data '{path}' needs a YAML file beside it, to be read in its place, that says at least {smallest}"


def _folder(path: Path) -> str:
    if any(path.glob("*.csd")):
        return f"data '{path}' is a folder of .csd files, which this version does not read yet"
    return f"data '{path}' is a folder without .csd files, expected a file: {', '.join(_STORES)} or .pkl"
