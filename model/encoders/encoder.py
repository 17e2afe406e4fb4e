"""An encoder of any modality: clips in, features out. Axes: `T` steps, `D` features."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Protocol

import numpy as np
from numpy.typing import NDArray

from haemsa.model.data.clips.clip import Clip

_NAMED: Final = 20
"""How many clips a note names."""


@dataclass(frozen=True, eq=False)
class Encoded:
    """What became of one clip.

    Attributes:
        features: float32 [T, D]. T is 0 if the clip lacks the modality.
        problem: Why it lacks the modality, if its file is the reason.
        cut: Whether it was longer than the most steps.
    """

    features: NDArray[np.float32]
    problem: str = ""
    cut: bool = False


def notes_of(stream: str, steps: int, cut: int, problems: Sequence[str]) -> list[str]:
    """What a person must know of a stream.

    Args:
        stream: Its name.
        steps: The most steps of a clip.
        cut: How many clips were longer.
        problems: The clips that do not give it, each with the reason.
    """
    notes = [f"{stream}: clips cut to {steps} steps: {cut}"] if cut else []
    if problems:
        more = f", and {len(problems) - _NAMED} more" if len(problems) > _NAMED else ""
        notes.append(f"{stream}: clips that do not give it ({len(problems)}): {', '.join(problems[:_NAMED])}{more}")
    return notes


class Encoder(Protocol):
    """Encodes one modality.

    Attributes:
        facts: What made its features, as plain JSON values: the model, digests of it, layers, rate, steps, versions.
        width: D.
        batch: How many clips it encodes at a time. What comes out depends on no other clips than these.
    """

    facts: Mapping[str, Any]
    width: int
    batch: int

    def encode(self, clips: Sequence[Clip]) -> list[Encoded]:
        """Encode at most `batch` clips."""
