"""What encoders of media have in common: a clip without a readable file lacks the modality. Axes: `D` features."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from haemsa.model.data.clips.clip import Clip
from haemsa.model.encoders.decoding import UnreadableClipError
from haemsa.model.encoders.encoder import Encoded


class MediaEncoder(ABC):
    """Encodes the media of clips, one clip at a time: some encoders give other features for input that is padded."""

    width: int
    batch = 1

    def encode(self, clips: Sequence[Clip]) -> list[Encoded]:
        """Encode at most `batch` clips."""
        return [self._encode(clip) for clip in clips]

    def _encode(self, clip: Clip) -> Encoded:
        absent = np.zeros((0, self.width), np.float32)
        if clip.media is None:
            return Encoded(absent)
        try:
            return self._encode_media(clip.media, clip.start, clip.end)
        except UnreadableClipError as problem:
            return Encoded(absent, str(problem))

    @abstractmethod
    def _encode_media(self, media: Path | bytes, start: float, end: float) -> Encoded:
        """Encode the part of a file, or of its content. It may raise `UnreadableClipError`."""
