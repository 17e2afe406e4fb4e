"""New samples by name or path: which reader reads what."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Final

from haemsa.model.data.dataset import Dataset
from haemsa.model.data.readers.options import AS_IT_IS, Damage, Reading
from haemsa.model.data.samples import Samples
from haemsa.model.data.sources import DESCRIPTIONS, PICKLES, STORES, load
from haemsa.model.predictor.clips import ClipEncoders, Recorded
from haemsa.model.predictor.new_samples.new_samples import NewSamples
from haemsa.model.schema import Schema

_TABLES: Final = (".csv", ".parquet")
_ARRAYS: Final = ".npz"
_COMMAND: Final = "haemsa predict"


def read_samples(
    source: str,
    schema: Schema,
    reading: Reading = AS_IT_IS,
    recorded: Recorded | None = None,
) -> NewSamples:
    """Read new samples for a model. Labels, splits and groups are not needed, and labels are not read.

    Modalities and columns are found by their names: further ones are left out, and columns can have any order. A whole
    modality can be absent. Missing cells stay missing, and the model takes its own mean for them.

    Args:
        source: A name or path, as in `load`. A YAML file needs no tasks. A table needs no YAML file if the model knows
            the names of its columns, and neither do arrays that are called as the model's modalities.
        schema: The modalities of the model.
        reading: What is asked of the reader. Its `means` fill missing cells only where splits are made.
        recorded: What made the streams of the model's training. Clips are encoded by it, and a table of clips without
            a YAML file is read by the columns that it names.

    Returns:
        The samples, which are read some at a time.

    Raises:
        FileNotFoundError: There is nothing at the path.
        ValueError: The data cannot be read, or `reading` asks for what does not concern it. The message is one
            sentence.

    Example:
        >>> from haemsa.model.schema import TaskInfo
        >>> model = Schema({"pixels": (1, 64)}, {"digit": TaskInfo("classes", tuple("0123456789"))})
        >>> new = read_samples("digits", model)
        >>> new.count, [list(block.modalities) for block in new.blocks()]
        (1797, [['pixels']])
    """
    path = Path(source)
    if source in ("planted", "digits"):
        reading.check(f"{source} data")
        return NewSamples.of(source, schema, Samples.of(load(source)))
    if not path.exists():
        raise FileNotFoundError(f"data {source!r} does not exist, expected planted, digits, or a file or folder")
    suffix = path.suffix.lower()
    if suffix in (*_TABLES, *DESCRIPTIONS, _ARRAYS) and not path.is_dir():
        return _described(path, schema, reading, recorded or {})
    name = path.resolve().name if path.is_dir() else path.stem
    if path.is_dir() and (path / "label.csv").is_file():
        from haemsa.model.data.clips.mmsa_folder import read_new_folder
        from haemsa.model.predictor.new_samples.clips import Encoding, new_clips

        reading.check("a folder of clips", "skip_damaged")
        damage = Damage(skip=reading.skip_damaged, command=_COMMAND)
        encoding = Encoding(read_new_folder(path, damage), ClipEncoders(schema, recorded or {}))
        return new_clips(name, encoding, schema, [path / "label.csv"], damage.notes())
    return NewSamples.of(name, schema, _whole(path, suffix, schema, reading), _training(path, reading), [path])


def _described(path: Path, schema: Schema, reading: Reading, recorded: Recorded) -> NewSamples:
    from haemsa.model.data.clips.described import read_new
    from haemsa.model.data.readers.described.description import read_description
    from haemsa.model.data.readers.described.read import source_path
    from haemsa.model.data.readers.options import within
    from haemsa.model.predictor.new_samples.arrays import new_arrays
    from haemsa.model.predictor.new_samples.clips import Encoding, as_in_training, new_clips
    from haemsa.model.predictor.new_samples.tables import new_rows

    reading.check("a description", "skip_damaged")
    description, file = None, path
    if path.suffix.lower() in DESCRIPTIONS:
        description = read_description(path)
        with within(str(path)):
            file = source_path(path.parent, description)
    if description is None:
        of_clips, features = as_in_training(path, schema, recorded)
    else:
        of_clips, features = description, bool(set(description.modalities) & set(schema.modalities))
    encoding = None
    if of_clips is not None and of_clips.has_clips and (set(schema.modalities) & set(recorded) or not features):
        damage = Damage(skip=reading.skip_damaged, command=_COMMAND)
        encoding = Encoding(read_new(path, of_clips, damage), ClipEncoders(schema, recorded))
        if not features:
            return new_clips(path.stem, encoding, schema, [path, file], damage.notes())
        reading.check("a table of features and clips")
    if file.suffix.lower() == _ARRAYS:
        samples = new_arrays(file, schema, description, skip=reading.skip_damaged)
        return NewSamples.of(path.stem, schema, samples, _training(path, reading), [file])
    trained = _training(path, reading) if encoding is None else None
    return new_rows(file, path.stem, schema, description, trained, skip=reading.skip_damaged, encoding=encoding)


def _training(path: Path, reading: Reading) -> Callable[[], Dataset]:
    """Reads the data as training does."""
    return lambda: load(str(path), reading=reading)


def _whole(path: Path, suffix: str, schema: Schema, reading: Reading) -> Samples:
    """The samples of a source that is not read block by block."""
    if path.is_dir():
        from haemsa.model.data.readers.csd.segments import read_samples as of_folder

        reading.check("a folder of .csd files", "align", "collapse", "folds", "skip_damaged")
        return of_folder(path, reading, tuple(schema.modalities))
    if suffix in STORES:
        from haemsa.model.data.store.file import read_samples as of_store

        reading.check("a store")
        return of_store(path)
    if suffix in PICKLES:
        from haemsa.model.data.readers.pickles import read_samples as of_pickle

        return of_pickle(path, reading)
    raise ValueError(f"data '{path}' has an unknown form, expected .yaml, .csv, .parquet, .npz, .h5, .pkl or a folder")
