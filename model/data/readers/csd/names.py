"""Names of modalities and tasks, from the names of files and columns."""

from __future__ import annotations

import re
import string
from collections import Counter
from collections.abc import Collection, Sequence
from itertools import pairwise
from typing import Final

_DATASETS: Final = r"\A(CMU[-_])?(MOSI|MOSEI|MOSEAS|POM|IEMOCAP|SOCIAL[-_]IQ|ICT[-_]MMMO|MMMO)[-_]"
_USUAL: Final = ("text", "audio", "vision")
_MODALITIES: Final = {
    **{name: name for name in (*_USUAL, "video")}, "language": "text", "acoustic": "audio", "visual": "vision",
}  # fmt: skip
_FEATURES: Final = {
    "bert": "text",
    "roberta": "text",
    "glove": "text",
    "wordvectors": "text",
    "covarep": "audio",
    "opensmile": "audio",
    "hubert": "audio",
    "wav2vec": "audio",
    "wavlm": "audio",
    "facet": "vision",
    "openface": "vision",
}
"""Kinds of features that the names of files tell, and the modality that each belongs to."""


def modality_names(stems: Sequence[str], known: Collection[str] = ()) -> dict[str, str]:
    """The name of each file's modality, by the file's stem: text, audio and vision first, then the others in order.

    "audio_covarep" and "CMU_MOSI_COVAREP" are "audio" if no other file is. If several are, each keeps its own name,
    without the data set's. A file whose own name is `known` keeps it in any case.

    Raises:
        ValueError: Two files would have the same name.

    Example:
        >>> modality_names(["CMU_MOSI_COVAREP", "CMU_MOSI_TimestampedWordVectors"])
        {'CMU_MOSI_TimestampedWordVectors': 'text', 'CMU_MOSI_COVAREP': 'audio'}
    """
    short = {stem: re.sub(_DATASETS, "", stem, flags=re.IGNORECASE) for stem in stems}
    kinds = {stem: _kind(name) for stem, name in short.items()}
    files = Counter(kinds.values())
    names: dict[str, str] = {}
    for stem in sorted(stems, key=lambda stem: _rank(kinds[stem])):
        kind = kinds[stem]
        own = valid_name(short[stem])
        name = kind if kind and files[kind] == 1 and own not in known else own
        if name in names.values():
            raise ValueError(f"{stem!r} is the second file of a modality {name!r}, expected names that differ")
        names[stem] = name
    return names


def valid_name(text: str) -> str:
    """`text` with "_" for characters that no name can have, or "" if nothing remains."""
    return re.sub(r"[^A-Za-z0-9_.+-]+", "_", text).lstrip(".+-")


def _kind(name: str) -> str | None:
    """The modality that the first word names, or the first kind of features. "OpenFace" counts as one word too."""
    words = re.split(r"[^a-z0-9]+", re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower())
    if words[0] in _MODALITIES:
        return _MODALITIES[words[0]]
    pairs = [first + second for first, second in pairwise(words)]
    candidates = [word.rstrip(string.digits) for word in (*pairs, *words)]  # pairs first: "HuBERT" is no "BERT"
    return next((_FEATURES[word] for word in candidates if word in _FEATURES), None)


def _rank(kind: str | None) -> int:
    return _USUAL.index(kind) if kind in _USUAL else len(_USUAL)
