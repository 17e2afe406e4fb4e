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


def encode_all(encoder: Encoder, clips: Sequence[Clip]) -> list[Encoded]:
    """Encode any number of clips, a batch at a time."""
    parts = (clips[start : start + encoder.batch] for start in range(0, len(clips), encoder.batch))
    return [made for part in parts for made in encoder.encode(part)]


def padded(made: Sequence[Encoded], width: int, least: int = 1) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """Features [n, T, D] with zeros after the steps of each clip, and how many steps each has [n].

    Args:
        made: The clips.
        width: D.
        least: What T is at least.

    Example:
        >>> features, lengths = padded([Encoded(np.ones((2, 1), np.float32)), Encoded(np.ones((0, 1), np.float32))], 1)
        >>> features[:, :, 0].tolist(), lengths.tolist()
        ([[1.0, 1.0], [0.0, 0.0]], [2, 0])
    """
    lengths = np.array([len(one.features) for one in made], np.int64)
    features = np.zeros((len(made), max(least, int(lengths.max(initial=0))), width), np.float32)
    for place, one in enumerate(made):
        features[place, : len(one.features)] = one.features
    return features, lengths
