"""Data by name or path."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from model.data.dataset import Dataset
from model.data.reading import Reading

STORES: Final = (".h5", ".hdf5")
PICKLES: Final = (".pkl", ".pickle")
DESCRIPTIONS: Final = (".yaml", ".yml")
_DESCRIBED: Final = (".npz", ".csv", ".parquet")
_FORMS: Final = ".h5, .hdf5, .pkl, .yaml or a folder of .csd files"
_AS_IT_IS: Final = Reading()


def load_again(source: str, stream: bool | None) -> Dataset:
    """Data as a search read it, streamed or not; by now it may be elsewhere and no store. Raises as `load`."""
    return load(source, stream=stream if Path(source).suffix.lower() in STORES else None)


def load(source: str, *, seed: int = 0, reading: Reading = _AS_IT_IS, stream: bool | None = None) -> Dataset:
    """The data set called "planted" or "digits" (made with `seed`), or at a path, read as `reading` asks for.

    A path leads to an HDF5 store, a pickle of one of the field's layouts, a folder of `.csd` files, or a YAML file
    that describes arrays or a table beside it. `stream`: leave the features of a store in their file; None: if they
    are large. Raises ValueError, one sentence, for anything else, and FileNotFoundError for a path that does not exist.
    """
    if stream and Path(source).suffix.lower() not in STORES:
        raise ValueError(f"data {source!r} cannot be streamed, expected a store, as haemsa data import makes it")
    if source in ("planted", "digits"):
        reading.check(f"{source} data")
        return _made(source, seed)
    path = Path(source)
    if not path.exists():
        raise FileNotFoundError(f"data {source!r} does not exist, expected planted, digits, or a file or folder")
    suffix = path.suffix.lower()
    if path.is_dir():
        return _folder(path, reading)
    if suffix in STORES:
        from model.data.store import read

        reading.check("a store")
        return read(path, stream=stream)
    if suffix in PICKLES:
        from model.data.pickles import read as read_pickle

        return read_pickle(path, reading)
    if suffix in DESCRIPTIONS:
        from model.data.described import read as read_described

        reading.check("a description", "steps", "skip_damaged")
        return read_described(path, reading)
    if suffix in _DESCRIBED:
        raise ValueError(_undescribed(path))
    raise ValueError(f"data {source!r} has an unknown form, expected {_FORMS}")


def _made(name: str, seed: int) -> Dataset:
    if name == "planted":
        from model.data.planted import planted

        return planted(seed)
    from model.data.digits import digits

    return digits(seed)


def _folder(path: Path, reading: Reading) -> Dataset:
    if not any(path.glob("*.csd")):
        raise ValueError(f"data '{path}' is a folder without .csd files, expected {_FORMS}")
    from model.data.csd_folder import read

    reading.check("a folder of .csd files", "align", "collapse", "folds", "steps", "skip_damaged")
    return read(path, reading)


def _undescribed(path: Path) -> str:
    smallest = f"{{source: {path.name}, modalities: {{NAME: ARRAY}}, tasks: {{NAME: ARRAY}}}}"
    if path.suffix.lower() != ".npz":
        smallest = smallest.replace("ARRAY", "COLUMN")
    return f"data '{path}' needs a YAML file beside it, to be read in its place, that says at least {smallest}"
