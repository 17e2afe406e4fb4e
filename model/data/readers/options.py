"""How data is read: what a person asks of a reader (`Reading`), and samples that are damaged (`Damage`)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Final, Literal

from haemsa.model.data.cleaning import FeatureMeans

Collapse = Literal["mean", "last", "none"]
Grouping = Literal["dialogue", "session", "speaker"]


@dataclass(frozen=True)
class Reading:
    """What a person asks of a reader.

    Args:
        align: The `.csd` sequence whose intervals become time steps; None keeps rows as they are.
        collapse: What the rows within one such interval become: their mean, the last one, or all of them.
        folds: A file with the ids of each split, in place of folds.json next to the data.
        steps: The most time steps of a sample; longer ones lose their end. None keeps all steps.
        skip_damaged: Leave damaged samples out and count them in a note. Otherwise the first one is an error.
        group_by: Which utterances of dialogues belong together: those of a dialogue, of a session (its name begins as
            IEMOCAP's "Ses01"), or of a speaker.
        classes: 4 reads IEMOCAP's six emotions as four: without frustration, and excitement as happiness.
        means: Gives the means of a model that scores the data. They fill missing cells, and no modality that some
            sample has is dropped. It concerns all data.

    Example:
        >>> Reading(steps=20, skip_damaged=True).check("a store")
        Traceback (most recent call last):
            ...
        ValueError: --steps is given, but does not concern a store
    """

    align: str | None = None
    collapse: Collapse = "mean"
    folds: Path | None = None
    steps: int | None = None
    skip_damaged: bool = False
    group_by: Grouping = "dialogue"
    classes: Literal[4] | None = None
    means: FeatureMeans | None = None

    def check(self, what: str, *known: str) -> None:
        """Raise ValueError if another option than the `known` ones is used: only these concern such data."""
        for field in fields(self):
            if field.name not in (*known, "means") and getattr(self, field.name) != field.default:
                option = "--" + field.name.replace("_", "-")
                raise ValueError(f"{option} is given, but does not concern {what}")


_NAMED: Final = 4
"""How many damaged samples are named besides the first."""
AS_IT_IS: Final = Reading()
"""Nothing is asked of the reader."""


@contextmanager
def within(place: str) -> Iterator[None]:
    """A ValueError that is raised within begins with its `place`."""
    try:
        yield
    except ValueError as error:
        raise ValueError(f"{place}: {error}") from None


class Damage:
    """Counts the damaged samples of a source, or refuses the first one. `command` is the one that can skip them."""

    def __init__(self, *, skip: bool, command: str = "haemsa data import") -> None:
        self._skip, self._command = skip, command
        self._first, self._places = "", list[str]()

    def report(self, place: str, problem: str, others: Sequence[str] = ()) -> None:
        """Count a damaged sample.

        Args:
            place: Where it is.
            problem: What is wrong.
            others: The names of further samples with such a problem, which are reported later.

        Raises:
            ValueError: Damaged samples are not skipped. The message names this one, and some of the others.
        """
        if not self._skip:
            also = f" (and {len(others)} more: {_some(others)})" if others else ""
            raise ValueError(f"{place}: {problem}{also}; {self._command} --skip-damaged leaves such samples out")
        self._first = self._first or f"{place}: {problem}"
        self._places.append(place.rpartition(": ")[2])

    def notes(self) -> list[str]:
        """One line, if there were damaged samples."""
        if not self._places:
            return []
        _, *others = dict.fromkeys(self._places)
        more = f"; then {_some(others)}" if others else ""
        return [f"{len(self._places)} damaged samples left out; the first: {self._first}{more}"]


def _some(names: Sequence[str]) -> str:
    return ", ".join(names[:_NAMED]) + (", ..." if len(names) > _NAMED else "")
