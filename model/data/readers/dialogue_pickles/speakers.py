"""The session and the speaker of an utterance, which tell what belongs together."""

from __future__ import annotations

import re
from typing import Final

import numpy as np
from numpy.typing import NDArray

from haemsa.model.data.readers.unpickling.values import names

_SESSION: Final = re.compile(r"Ses\d\d")
"""The beginning of IEMOCAP's names of dialogues."""


def session_of(dialogue: str | int) -> str | None:
    """The session that the name of a dialogue tells, as IEMOCAP's names do, or None.

    Example:
        >>> session_of("Ses01F_impro01"), session_of("dialogue 7")
        ('Ses01', None)
    """
    match = _SESSION.search(str(dialogue))
    return match[0] if match else None


def speaker_of(dialogue: str | int, named: object) -> str:
    """What the file calls a speaker, or "". IEMOCAP's "M" and "F", who change with the session, become "Ses01M"."""
    speakers = names([named], 1)
    if not speakers:
        return ""
    session = session_of(dialogue) if speakers[0] in ("M", "F") else None
    return f"{session or ''}{speakers[0]}"


def marked(rows: NDArray[np.float32]) -> list[str]:
    """The place of the 1 in each one-hot row [N, D], as text; "" for other rows."""
    one_hot = ((rows == 0) | (rows == 1)).all(axis=1) & (rows.sum(axis=1) == 1)
    return [str(place) if marks_one else "" for place, marks_one in zip(rows.argmax(axis=1), one_hot, strict=True)]
