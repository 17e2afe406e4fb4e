"""Which modalities a network sees: each subset of them, and random ones that anyone can draw again.

Axes: `N` samples, `M` modalities.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from itertools import combinations
from typing import Final

import numpy as np
from numpy.typing import NDArray

_USUAL: Final = ("text", "audio", "vision")
RATES: Final = (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7)
"""The shares of modalities that are hidden at random, as in the protocols of the field."""


def streams_of(names: Sequence[str]) -> dict[str, tuple[str, ...]]:
    """The feature streams of each modality: "text_bert" and "text_minilm" are text, and so is "text_before".

    Example:
        >>> streams_of(["text_bert", "text_minilm", "audio", "audio_before"])
        {'text': ('text_bert', 'text_minilm'), 'audio': ('audio', 'audio_before')}
    """
    streams: dict[str, list[str]] = {}
    for name in names:
        head, _, rest = name.partition("_")
        modality = head if rest and head in _USUAL else name.removesuffix("_before")
        streams.setdefault(modality, []).append(name)
    return {modality: tuple(of_modality) for modality, of_modality in streams.items()}


def subsets(names: Sequence[str]) -> list[tuple[str, ...]]:
    """All non-empty subsets, the largest first.

    Example:
        >>> subsets(["text", "audio"])
        [('text', 'audio'), ('text',), ('audio',)]
    """
    return [subset for size in range(len(names), 0, -1) for subset in combinations(names, size)]


def random_presence(
    ids: Sequence[str], names: Sequence[str], present: NDArray[np.bool_], rate: float
) -> NDArray[np.bool_]:
    """Which modalities of which samples stay, when others are hidden at random.

    A modality of a sample is hidden if its draw is below the rate. The draw is the first 8 bytes of the SHA-256 of
    "ID/MODALITY" (UTF-8, big-endian), divided by 2^64. So it is the same for all models, splits and orders of samples,
    and what is hidden at one rate is hidden at each higher rate. If a sample would lose all, the present modality with
    the highest draw stays.

    Args:
        ids: The names of N samples.
        names: The names of M modalities.
        present: bool [N, M], which modalities the samples have.
        rate: The share of modalities to hide, from 0 to 1.

    Returns:
        bool [N, M], which modalities stay.

    Example:
        >>> present = np.array([[True, True], [True, False]])
        >>> random_presence(["a", "b"], ["text", "audio"], present, rate=1.0).sum(axis=1).tolist()
        [1, 1]
    """
    draws = np.array([[_draw(f"{sample}/{name}") for name in names] for sample in ids]).reshape(present.shape)
    shown = present & (draws >= rate)
    rows = np.flatnonzero(present.any(axis=1) & ~shown.any(axis=1))
    shown[rows, np.where(present, draws, -1.0)[rows].argmax(axis=1)] = True
    return shown


def _draw(text: str) -> float:
    return float(int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big") / 2**64)
