"""Data by name or path: which reader reads what."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from typing import Final

from haemsa.model.data.dataset import Dataset
from haemsa.model.data.readers.context import with_context
from haemsa.model.data.readers.options import AS_IT_IS, Reading
from haemsa.model.data.store.file import write

STORES: Final = (".h5", ".hdf5")
PICKLES: Final = (".pkl", ".pickle")
DESCRIPTIONS: Final = (".yaml", ".yml")
BUILT_IN: Final = ("planted", "digits")
"""Names of data that comes with haemsa."""
_DESCRIBED: Final = (".npz", ".csv", ".parquet")
_FORMS: Final = ".h5, .hdf5, .pkl, .yaml or a folder of .csd files"


def load(source: str, *, seed: int = 0, reading: Reading = AS_IT_IS, stream: bool | None = None) -> Dataset:
    """Load a data set by its name or path.

    Args:
        source: "planted" or "digits", which come with haemsa, or a path: an HDF5 store, a pickle of one of the field's
            layouts, a folder of `.csd` files, or a YAML file that describes arrays or a table next to it.
        seed: Makes the data "planted", or the splits of "digits".
        reading: What is asked of the reader.
        stream: Whether the features of a store stay in their file until they are needed; None: if they are large.

    Returns:
        The data, cleaned and split, with notes on what the reader found.

    Raises:
        FileNotFoundError: There is nothing at the path.
        ValueError: The data cannot be read, or `reading` asks for what does not concern it. The message is one
            sentence.

    Example:
        >>> data = load("digits")
        >>> len(data), list(data.modalities), list(data.tasks)
        (1797, ['pixels', 'fourier', 'profiles', 'components', 'gradients'], ['digit'])
    """
    if stream and Path(source).suffix.lower() not in STORES:
        raise ValueError(f"data {source!r} cannot be streamed, expected a store, as haemsa data import makes it")
    if source in BUILT_IN:
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
        return read(path, stream=stream, whole=reading.means is not None)
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


def is_on_disk(source: str) -> bool:
    """Whether the source is a path, and something is there. A folder with the name of built-in data changes nothing."""
    return source not in BUILT_IN and Path(source).exists()


def load_again(source: str, stream: bool | None) -> Dataset:
    """Data that a search read, streamed as then. It may lie at another place now, where it is no store.

    Raises as `load`.
    """
    return load(source, stream=stream if Path(source).suffix.lower() in STORES else None)


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
    return f"data '{path}' needs a YAML file next to it, which is read in its place and says at least {smallest}"


def import_data(
    source: str,
    out: Path,
    reading: Reading = AS_IT_IS,
    *,
    half: bool = False,
    context: int = 0,
    stream: bool | None = None,
) -> Dataset:
    """Make an HDF5 store of any data, as `haemsa data import` does.

    Args:
        source: A name or path, as in `load`.
        out: The store, a file that ends in .h5 or .hdf5. What is there is replaced.
        reading: What is asked of the reader.
        half: Keep features as float16, in half the space.
        context: Add, for each modality, a stream of up to this many previous utterances (readers/context.py).
        stream: Whether features of the data that is returned stay in the store, as in `load`.

    Returns:
        The data as it can be read from the store.

    Raises:
        ValueError: The name of `out` is not one of a store, or the data cannot be read or written. Then nothing new
            is left behind, and what was at `out` stays.
        FileNotFoundError: There is nothing at the path `source`.

    Example:
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     data = import_data("digits", Path(folder) / "copy.h5")
        >>> data.name, len(data)
        ('copy', 1797)
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
            with suppress(OSError):  # it may not have been made
                folder.rmdir()
        raise
    del dataset  # the memory may not hold it twice
    return load(str(out), stream=stream)
