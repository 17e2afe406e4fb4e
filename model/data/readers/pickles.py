"""Pickles: which of the field's layouts a pickle has. Its content tells."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from haemsa.model.data.dataset import SPLITS, Dataset
from haemsa.model.data.readers.dialogue_pickles import read as dialogues
from haemsa.model.data.readers.memory import MemoryBudget
from haemsa.model.data.readers.options import AS_IT_IS, Reading
from haemsa.model.data.readers.split_pickles import misa, mmsa, mult, unlabelled
from haemsa.model.data.readers.unpickling.unpickle import load, plain
from haemsa.model.data.readers.unpickling.values import form_of, names
from haemsa.model.data.samples import Samples

_LAYOUTS: Final = (
    "expected train, valid and test with 'regression_labels' or 'classification_labels' (MMSA), with 'labels' (MulT) "
    "or as lists of segments (MISA), or a tuple of dictionaries by dialogue (DialogueRNN)"
)
_TEXT: Final = "raw_text"
_VALID: Final = ("valid", "dev", "val", "validation")


def read(path: Path, reading: Reading) -> Dataset:
    """Read a pickle without running anything in it.

    The data is called as the file (without its ending), or as the folder for MISA's three files.

    Raises:
        ValueError: The pickle is broken or of another layout. The message is one sentence that names the file.
    """
    content = load(path)
    with _one_sentence(path):
        return _read(content, path, reading)


def read_samples(path: Path, reading: Reading) -> Samples:
    """Read the samples of a pickle of any of these layouts, with or without labels and splits.

    A single dictionary of features is read too: that of one sample, as MMSA-FET writes it, or of several.

    Raises:
        ValueError: The pickle is broken or of another layout. The message is one sentence that names the file.
    """
    content = load(path)
    with _one_sentence(path):
        return _samples(content, path, reading)


def read_with_transcripts(path: Path) -> tuple[Dataset, list[str]]:
    """Read a pickle with transcripts (`raw_text`), as MMSA writes it.

    Returns:
        The data, and the transcript of each of its samples.

    Raises:
        ValueError: The pickle is broken, of another layout, or has no transcripts. The message is one sentence.
    """
    content = load(path)
    with _one_sentence(path):
        dataset = _read(content, path, AS_IT_IS)
        by_split = (
            {("valid" if key in _VALID else key): part for key, part in dict(content).items()}
            if isinstance(content, dict)
            else {}
        )
        given = [by_split[split].get(_TEXT) for split in SPLITS if isinstance(by_split.get(split), dict)]
        if not given or any(part is None for part in given):
            raise ValueError(f"it has no {_TEXT!r} in each split, expected transcripts as MMSA has them")
        texts = [text for part in given for text in names(part, len(plain(part))) or ()]
        if len(texts) != len(dataset):
            raise ValueError(f"{_TEXT!r} has {len(texts)} transcripts, expected {len(dataset)}, one for each sample")
        return dataset, texts


@contextmanager
def _one_sentence(path: Path) -> Iterator[None]:
    """A ValueError that is raised within names the file, in one line: names in a pickle can have several."""
    try:
        yield
    except ValueError as error:
        raise ValueError(f"{path}: {' '.join(str(error).split())}") from None


def _samples(content: object, path: Path, reading: Reading) -> Samples:
    reading.check("a pickle", "skip_damaged")
    budget, name = MemoryBudget(path), path.stem
    if isinstance(content, list | tuple) and any(isinstance(item, dict) for item in content[:3]):
        return dialogues.read_samples(content, reading, budget)
    if isinstance(content, list | tuple) and _is_segments(content):
        files = _files(path)
        lists = {"": content} if files is None else _lists(path, content, files)
        return misa.read_samples(lists, name, reading, MemoryBudget(*(files or {"": path}).values()))
    if not isinstance(content, dict):
        raise ValueError(f"it holds {form_of(content)}, expected features such as text, audio and vision")
    parts = {("valid" if key in _VALID else key): part for key, part in content.items() if key in (*SPLITS, *_VALID)}
    if parts and all(_is_segments(part) for part in parts.values()):
        return misa.read_samples(parts, name, reading, budget)
    by_split = {split: part for split, part in parts.items() if isinstance(part, dict)}
    return unlabelled.read_samples(by_split or {"": content}, name, reading, budget)


def _read(content: object, path: Path, reading: Reading) -> Dataset:
    budget, name = MemoryBudget(path), path.stem
    if isinstance(content, list | tuple) and any(isinstance(item, dict) for item in content[:3]):
        reading.check("dialogues", "skip_damaged", "group_by", "classes")
        return dialogues.read(content, name, reading, budget)
    reading.check("a pickle that holds no dialogues", "skip_damaged", "steps")
    if _is_segments(content):
        return _read_files(path, content, reading)
    if not isinstance(content, dict):
        raise ValueError(f"it holds {form_of(content)}, {_LAYOUTS}")
    valid = next((split for split in _VALID if split in content), "valid")
    parts = {("valid" if key == valid else key): part for key, part in content.items() if isinstance(key, str)}
    keys = sorted({key for part in parts.values() if isinstance(part, dict) for key in part if isinstance(key, str)})
    if any(key.startswith((mmsa.REGRESSION, mmsa.CLASSES)) for key in keys):
        return mmsa.read(parts, name, reading, budget)
    if mult.LABELS in keys:
        return mult.read(parts, name, reading, budget)
    splits = [split for split in SPLITS if split in parts or split != "valid"]
    if all(_is_segments(parts.get(split)) for split in splits):
        return misa.read({split: parts[split] for split in splits}, name, reading, budget)
    within = f", with {_few(keys)} within" if keys else ""
    raise ValueError(f"it holds a dictionary of {_few(list(parts))}{within}, {_LAYOUTS}")


def _read_files(path: Path, content: object, reading: Reading) -> Dataset:
    """MISA's train.pkl, dev.pkl and test.pkl, each with the segments of its split. `path` is one of them."""
    files = _files(path)
    if files is None:
        raise ValueError(f"it holds the segments of one split, expected train, {_valid_of(path)}, test side by side")
    lists = _lists(path, content, files)
    return misa.read(lists, path.absolute().parent.name, reading, MemoryBudget(*files.values()))


def _valid_of(path: Path) -> str:
    return next((stem for stem in _VALID if path.with_name(stem + path.suffix).exists()), "dev")


def _files(path: Path) -> dict[str, Path] | None:
    """The file of each split, if `path` is one of them and all are there."""
    stems = dict(zip(SPLITS, ("train", _valid_of(path), "test"), strict=True))
    files = {split: path.with_name(stem + path.suffix) for split, stem in stems.items()}
    return files if path in files.values() and all(file.exists() for file in files.values()) else None


def _lists(path: Path, content: object, files: Mapping[str, Path]) -> dict[str, Any]:
    """The segments of each split. `content` is that of `path`."""
    lists: dict[str, Any] = {split: content if file == path else load(file) for split, file in files.items()}
    for split, file in files.items():
        if not _is_segments(lists[split]):
            raise ValueError(f"{file.name} next to it holds {form_of(lists[split])}, expected a list of segments")
    return lists


def _is_segments(value: object) -> bool:
    return isinstance(value, list | tuple) and any(misa.is_segment(item) for item in value[:8])


def _few(keys: list[str]) -> str:
    return ", ".join(key[:40] for key in keys[:8]) or "nothing"
