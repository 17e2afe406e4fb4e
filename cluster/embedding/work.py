"""What a worker does: it holds the encoders, and encodes some clips with one of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from socket import gethostname
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from haemsa.model.data.clips.clip import Clip
from haemsa.model.encoders.choice import Choice

if TYPE_CHECKING:
    from haemsa.model.encoders.encoder import Encoder

Arrays = Mapping[str, NDArray[Any]]
"""The features of some clips [steps of all, D], and for each clip its steps, its problem, and whether it was cut."""


@dataclass(frozen=True)
class Portion:
    """Clips that are encoded at once, by the encoder of one stream."""

    stream: str
    clips: tuple[Clip, ...]


@dataclass(frozen=True)
class Chosen:
    """An encoder, and the digest of the weights that it must have on each node."""

    choice: Choice
    weights: str


class EncodingWork:
    """Encodes portions.

    Args:
        chosen: The encoder of each stream. A worker loads it when it is first needed.
        opened: Encoders that this process has loaded already.
    """

    def __init__(self, chosen: Mapping[str, Chosen], opened: Mapping[str, Encoder] | None = None) -> None:
        self._chosen, self._opened = chosen, dict(opened or {})

    def __call__(self, portion: Portion) -> Arrays:
        """The features of a portion, float32.

        Raises:
            ValueError: The model cannot be loaded here, or has other weights than where the command runs.
        """
        if portion.stream not in self._opened:
            self._opened[portion.stream] = _loaded(self._chosen[portion.stream])
        return _arrays(self._opened[portion.stream].encode(portion.clips))


def _loaded(chosen: Chosen) -> Encoder:
    from haemsa.model.encoders.opening import open_encoder

    encoder = open_encoder(chosen.choice)
    if encoder.facts["weights"] != chosen.weights:
        model = chosen.choice.model
        raise ValueError(f"model '{model}' has other weights on {gethostname()} than here, expected the same")
    return encoder


def _arrays(encoded: Sequence[Any]) -> Arrays:
    return {
        "features": np.concatenate([one.features for one in encoded]),
        "lengths": np.array([len(one.features) for one in encoded], np.int64),
        "problems": np.array([one.problem for one in encoded], np.str_),
        "cut": np.array([one.cut for one in encoded], np.bool_),
    }
