"""How a source is read: what the user asked for, and samples that are too damaged to read."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Literal

Collapse = Literal["mean", "last", "none"]
Grouping = Literal["dialogue", "session", "speaker"]


@dataclass(frozen=True)
class Reading:
    """What a reader is asked for.

    align: the `.csd` sequence whose intervals become time steps; None keeps rows as they are. collapse: what the rows
    within one such interval become. folds: a file with the ids of each split, in place of folds.json beside the data.
    steps: of longer samples only the first so many time steps; None: all. skip_damaged: leave damaged samples out,
    counted in the notes; else the first one is an error. group_by: which utterances of dialogues belong together: those
    of a dialogue, of a session that its name tells (IEMOCAP's "Ses01"), or of a speaker. classes: 4 reads IEMOCAP's six
    emotions without frustration, and excitement as happiness.
    """

    align: str | None = None
    collapse: Collapse = "mean"
    folds: Path | None = None
    steps: int | None = None
    skip_damaged: bool = False
    group_by: Grouping = "dialogue"
    classes: Literal[4] | None = None

    def check(self, what: str, *known: str) -> None:
        """Raise ValueError if the user asked for more than these options, which are all that concern such data."""
        for field in fields(self):
            if field.name not in known and getattr(self, field.name) != field.default:
                option = "--" + field.name.replace("_", "-")
                raise ValueError(f"{option} is given, but does not concern {what}")


@contextmanager
def within(place: str) -> Iterator[None]:
    """A ValueError raised within says where it was found."""
    try:
        yield
    except ValueError as error:
        raise ValueError(f"{place}: {error}") from None


class Damage:
    """The damaged samples of a source."""

    def __init__(self, *, skip: bool) -> None:
        self._skip, self._count, self._first = skip, 0, ""

    def found(self, place: str, problem: str) -> None:
        """Count a damaged sample. Raises ValueError, naming place and problem, unless they are to be skipped."""
        if not self._skip:
            raise ValueError(f"{place}: {problem}; haemsa data import --skip-damaged leaves such samples out")
        self._count += 1
        self._first = self._first or f"{place}: {problem}"

    def notes(self) -> list[str]:
        """One line, if there were any."""
        return [f"{self._count} damaged samples left out; the first: {self._first}"] if self._count else []
