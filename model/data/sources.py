"""Data by name or path."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from typing import Final

from haemsa.model.data.dataset import Dataset
from haemsa.model.data.readers.context import with_context
from haemsa.model.data.readers.options import Reading
from haemsa.model.data.store.file import write

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
        from haemsa.model.data.store.file import read

        reading.check("a store")
        return read(path, stream=stream)
    if suffix in PICKLES:
        from haemsa.model.data.readers.pickles import read as read_pickle

        return read_pickle(path, reading)
    if suffix in DESCRIPTIONS:
        from haemsa.model.data.readers.described.read import read as read_described

        reading.check("a description", "steps", "skip_damaged")
        return read_described(path, reading)
    if suffix in _DESCRIBED:
        raise ValueError(_undescribed(path))
    raise ValueError(f"data {source!r} has an unknown form, expected {_FORMS}")


def _made(name: str, seed: int) -> Dataset:
    if name == "planted":
        from haemsa.model.data.builtin.planted import planted

        return planted(seed)
    from haemsa.model.data.builtin.digits import digits

    return digits(seed)


def _folder(path: Path, reading: Reading) -> Dataset:
    if not any(path.glob("*.csd")):
        raise ValueError(f"data '{path}' is a folder without .csd files, expected {_FORMS}")
    from haemsa.model.data.readers.csd.folder import read

    reading.check("a folder of .csd files", "align", "collapse", "folds", "steps", "skip_damaged")
    return read(path, reading)


def _undescribed(path: Path) -> str:
    smallest = f"{{source: {path.name}, modalities: {{NAME: ARRAY}}, tasks: {{NAME: ARRAY}}}}"
    if path.suffix.lower() != ".npz":
        smallest = smallest.replace("ARRAY", "COLUMN")
    return f"data '{path}' needs a YAML file beside it, to be read in its place, that says at least {smallest}"


def import_data(
    source: str, out: Path, reading: Reading = _AS_IT_IS, *, half: bool = False, context: int = 0
) -> Dataset:
    """Read `source`, write it to `out`, and return what can be read there. `context`: see readers/context.py.

    Raises ValueError, one sentence, for a file that is no store by its name, or for data that cannot be read; then
    nothing is left behind, and what was at `out` stays.
    """
    if out.suffix.lower() not in STORES:
        raise ValueError(f"--out is '{out}', expected a file that ends in {' or '.join(STORES)}")
    dataset = load(source, reading=reading)
    if context:
        dataset = with_context(dataset, context)
    created = [folder for folder in out.parents if not folder.exists()]
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        write(dataset, out, half=half)
    except BaseException:
        for folder in created:
            with suppress(OSError):  # it may not have come so far
                folder.rmdir()
        raise
    return load(str(out))
