"""Data of a search that a caller gives as a `Dataset`, in place of a name or a path that is read."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from haemsa.model.data.dataset import Dataset
from haemsa.model.data.sources import load_again

FROM_PYTHON: Final = "given from Python"
"""What a record has as the source of such data."""


def check_one(source: str | None, dataset: Dataset | None) -> None:
    """Raise ValueError if a caller gives both."""
    if source is not None and dataset is not None:
        raise ValueError(f"data is {source!r} and a dataset is given too, expected only one of them")


def data_again(source: str | None, dataset: Dataset | None, stream: bool | None, searched: Path | str) -> Dataset:
    """The data of a search, for something that comes after it.

    Args:
        source: The name or path that is known. None: the data was given from Python.
        dataset: The data, which is then not read.
        stream: Whether the search streamed it.
        searched: What messages call the search.

    Raises:
        ValueError: There is neither a source nor a dataset, or the source cannot be read.
    """
    if dataset is not None:
        return dataset
    check_known(source, searched)
    assert source is not None
    return load_again(source, stream)


def check_known(source: str | None, searched: Path | str) -> None:
    """Raise ValueError if only Python has the data of a search."""
    if source is None:
        raise ValueError(f"the data of {searched} was {FROM_PYTHON}, expected dataset=... or --data FILE")
