"""Which utterances of dialogues belong together: those of a session, or of a speaker."""

from __future__ import annotations

import re
from typing import Final

import numpy as np
from numpy.typing import NDArray

from haemsa.model.data.readers.unpickling.values import names

_SESSION: Final = re.compile(r"Ses\d\d")
"""What IEMOCAP's names of dialogues begin with."""


def session_of(dialogue: str | int) -> str | None:
    """The session that the name of a dialogue tells, as IEMOCAP's do; else None."""
    found = _SESSION.search(str(dialogue))
    return found[0] if found else None


def speaker_of(dialogue: str | int, given: object) -> str:
    """A speaker as the file names it, or nothing; IEMOCAP's "M" and "F", others in each session, become "Ses01M"."""
    found = names([given], 1)
    if not found:
        return ""
    session = session_of(dialogue) if found[0] in ("M", "F") else None
    return f"{session or ''}{found[0]}"


def marked(rows: NDArray[np.float32]) -> list[str]:
    """Where the 1 of each one-hot row [N, D] is, as text; nothing for other rows."""
    one_hot = ((rows == 0) | (rows == 1)).all(axis=1) & (rows.sum(axis=1) == 1)
    return [str(place) if found else "" for place, found in zip(rows.argmax(axis=1), one_hot, strict=True)]
