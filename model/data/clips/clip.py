"""Clips before they are encoded: what was said, and the files that show it."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from haemsa.model.data.cleaning import RawModality
from haemsa.model.data.dataset import Dataset


@dataclass(frozen=True)
class Clip:
    """One sample.

    Attributes:
        text: Its transcript; "" if it has none.
        media: The file with its sound and pictures, or the content of such a file; None if it has none.
        start: The second of the file at which the sample begins.
        end: The second of the file at which it ends.
    """

    text: str = ""
    media: Path | bytes | None = None
    start: float = 0.0
    end: float = math.inf


@dataclass(frozen=True)
class Clips:
    """The N clips of a source, and one name for each of them."""

    ids: Sequence[str]
    clips: Sequence[Clip]


@dataclass(frozen=True)
class LabelledClips(Clips):
    """Clips with all that their source says besides.

    Attributes:
        dataset: Makes the data of the source: its labels and splits, the features that it has already, and further
            streams of N samples. Notes about these come last.
        streams: The names of the features that it has already.
        columns: Of a table, the names of its columns for "transcript", "media", "start", "end" and "ids".
    """

    dataset: Callable[[Mapping[str, RawModality], Sequence[str]], Dataset]
    streams: tuple[str, ...] = ()
    columns: Mapping[str, str] = field(default_factory=dict)
