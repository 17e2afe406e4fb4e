"""Which modalities a network is shown: every subset of them, and random ones that anyone can draw again.

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
"""Shares of modalities that the field's protocols of random missing hide."""


def streams_of(names: Sequence[str]) -> dict[str, tuple[str, ...]]:
    """The feature streams of each modality: "text_bert" and "text_minilm" are text, and so is "text_before"."""
    found: dict[str, list[str]] = {}
    for name in names:
        head, _, rest = name.partition("_")
        owner = head if rest and head in _USUAL else name.removesuffix("_before")
        found.setdefault(owner, []).append(name)
    return {owner: tuple(streams) for owner, streams in found.items()}


def subsets(names: Sequence[str]) -> list[tuple[str, ...]]:
    """Every non-empty subset, the largest first."""
    return [subset for size in range(len(names), 0, -1) for subset in combinations(names, size)]


def random_presence(
    ids: Sequence[str], names: Sequence[str], present: NDArray[np.bool_], rate: float
) -> NDArray[np.bool_]:
    """Where modalities are shown, bool [N, M], at a rate of missing ones; each sample keeps one that it has.

    A modality is hidden where its draw is below the rate. The draw is the first 8 bytes of the SHA-256 of
    "ID/MODALITY" (UTF-8, big-endian) over 2^64: the same for all models, splits and orders of the samples, and what is
    hidden at a rate is hidden at every higher one. Where all would go, the present one with the highest draw stays.
    """
    draws = np.array([[_draw(f"{sample}/{name}") for name in names] for sample in ids]).reshape(present.shape)
    shown = present & (draws >= rate)
    rows = np.flatnonzero(present.any(axis=1) & ~shown.any(axis=1))
    shown[rows, np.where(present, draws, -1.0)[rows].argmax(axis=1)] = True
    return shown


def _draw(text: str) -> float:
    return float(int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big") / 2**64)
