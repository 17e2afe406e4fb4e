"""Clips before they are encoded: what was said, and the files that show it."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from haemsa.model.data.cleaning import RawModality
from haemsa.model.data.dataset import Dataset


@dataclass(frozen=True)
class Clip:
    """One sample.

    Attributes:
        text: Its transcript; "" if it has none.
        media: The file with its sound and pictures; None if it has none.
        start: The second of the file at which the sample begins.
        end: The second of the file at which it ends.
    """

    text: str = ""
    media: Path | None = None
    start: float = 0.0
    end: float = math.inf


@dataclass(frozen=True)
class Clips:
    """What a source says of its clips.

    Attributes:
        ids: One name for each of the N clips.
        clips: The N clips.
        dataset: Makes the data of the source: its labels and splits, the features that it has already, and further
            streams of N samples. Notes about these come last.
        streams: The names of the features that it has already.
    """

    ids: Sequence[str]
    clips: Sequence[Clip]
    dataset: Callable[[Mapping[str, RawModality], Sequence[str]], Dataset]
    streams: tuple[str, ...] = ()
