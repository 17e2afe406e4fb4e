"""Streams that only the model itself can make: the adapters of their encoder were trained together with its networks.

Features that the encoder made without these adapters are of no use to such a model, so it reads transcripts.
Axes: `N` samples, `T` steps, `D` features.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, TypeVar

import numpy as np

from haemsa.model.data.clips.clip import Clip
from haemsa.model.data.dataset import Dataset
from haemsa.model.data.modality import Modality
from haemsa.model.data.samples import Samples
from haemsa.model.encoders.encoder import Encoder, encode_all, padded
from haemsa.model.encoders.opening import ADAPTERS, open_recorded
from haemsa.model.predictor.clips import Recorded, recorded_of

Data = TypeVar("Data", Dataset, Samples)


class OwnFeatures:
    """Makes the streams that are a model's own. An encoder is loaded when it is first needed.

    Args:
        recorded: What made the streams of the model's training.
    """

    def __init__(self, recorded: Recorded) -> None:
        self._recorded = {stream: facts for stream, facts in recorded.items() if ADAPTERS in facts}
        self._opened = dict[str, Encoder]()

    @classmethod
    def of_model(cls, info: Mapping[str, Any]) -> OwnFeatures:
        """Those of a model, by the `info` that is saved with it."""
        return cls(recorded_of(info))

    @property
    def streams(self) -> tuple[str, ...]:
        """The names of the streams."""
        return tuple(self._recorded)

    def of(self, data: Data) -> Data:
        """The data with these streams made of its transcripts, as the model reads them.

        Where a sample lacks the stream, it still does. Streams that are made in this way already stay as they are.

        Raises:
            ValueError: The data has no transcripts, or the encoder or its adapters are not there. The message is one
                sentence.
        """
        for stream, facts in self._recorded.items():
            if _digest(data, stream) == facts[ADAPTERS]["digest"]:
                continue
            if data.transcripts:
                made = {**data.modalities, stream: self._modality(stream, data)}
                data = replace(data, modalities=made, encoders={**data.encoders, stream: facts})
            elif stream in data.modalities:
                raise ValueError(self._refusal(stream))
        return data

    def check(self, data: Dataset | Samples) -> None:
        """Raise ValueError if a stream of the data is not made as the model reads it."""
        for stream, facts in self._recorded.items():
            if stream in data.modalities and _digest(data, stream) != facts[ADAPTERS]["digest"]:
                raise ValueError(self._refusal(stream))

    def _refusal(self, stream: str) -> str:
        made = f"makes {stream!r} of text, by an encoder that was fine-tuned with it"
        return f"the model {made}, but this data has only features, expected transcripts"

    def _modality(self, stream: str, data: Dataset | Samples) -> Modality:
        if stream not in self._opened:
            self._opened[stream] = open_recorded(stream, self._recorded[stream])
        encoder, known = self._opened[stream], data.modalities.get(stream)
        absent = np.zeros(len(data), np.bool_) if known is None else known.lengths == 0
        clips = [Clip("" if lacks else text) for text, lacks in zip(data.transcripts, absent, strict=True)]
        least = 1 if known is None else max(1, known.features.shape[1])
        return Modality(*padded(encode_all(encoder, clips), encoder.width, least))


def _digest(data: Dataset | Samples, stream: str) -> str | None:
    """That of the adapters which made a stream of the data. None if none did."""
    digest: str | None = data.encoders.get(stream, {}).get(ADAPTERS, {}).get("digest")
    return digest
