"""Sound becomes streams: a step is the mean of the frames in 1 / rate seconds. Axes: `T` steps, `D` features."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from haemsa.model.encoders.choice import Choice
from haemsa.model.encoders.encoder import Encoded
from haemsa.model.encoders.media import sound
from haemsa.model.encoders.media_encoder import MediaEncoder
from haemsa.model.encoders.model_folder import ModelFolder
from haemsa.model.encoders.pretrained import Pretrained, processor

_WINDOW: Final = 30
"""Seconds that are encoded at a time. Whisper takes exactly so many."""
_LEAST: Final = 0.1
"""Seconds up to which shorter sound is filled with silence, because encoders cannot take less."""


class AudioEncoder(MediaEncoder):
    """Encodes sound.

    Args:
        folder: The files of the model.
        choice: How it encodes.

    Raises:
        ValueError: The model cannot be used. The message is one sentence.
    """

    def __init__(self, folder: ModelFolder, choice: Choice) -> None:
        from transformers import AutoFeatureExtractor

        self._pretrained = Pretrained(folder, choice)
        self._extractor = processor(AutoFeatureExtractor, folder, "preprocessor_config.json")
        self._rate, self._most = choice.rate, choice.steps
        with self._pretrained.tried():
            self._input: str = self._extractor.model_input_names[0]
            self._sampling = int(self._extractor.sampling_rate)
            self._padded_to = getattr(self._extractor, "chunk_length", None)
            self._window = int(self._padded_to or _WINDOW)
            self.width = self._steps(np.zeros(self._sampling, np.float32)).shape[1]
        self.facts: Mapping[str, Any] = {**self._pretrained.facts, "rate": choice.rate, "sampling_rate": self._sampling}

    def _encode_media(self, media: Path | bytes, start: float, end: float) -> Encoded:
        enough = start + (self._most + 1) / self._rate
        steps = self._steps(sound(media, self._sampling, start, min(end, enough)))
        return Encoded(steps[: self._most], cut=len(steps) > self._most)

    def _steps(self, samples: NDArray[np.float32]) -> NDArray[np.float32]:
        """The features of sound, [T, D]. Steps in which the encoder has no frame are left out."""
        size, hidden, times = self._window * self._sampling, list[NDArray[np.float32]](), list[NDArray[np.float64]]()
        for start in range(0, len(samples), size):
            frames, seconds = self._frames(samples[start : start + size])
            hidden.append(frames)
            times.append(seconds + start / self._sampling)
        step = np.floor(np.concatenate(times) * self._rate).astype(np.int64)
        return _means(np.concatenate(hidden), step)

    def _frames(self, samples: NDArray[np.float32]) -> tuple[NDArray[np.float32], NDArray[np.float64]]:
        """The frames of at most one window, and the second in the middle of each."""
        lasts = len(samples) / self._sampling
        filled = np.pad(samples, (0, max(0, round(_LEAST * self._sampling) - len(samples))))
        inputs = self._extractor(filled, sampling_rate=self._sampling, return_tensors="pt")
        hidden = self._pretrained.hidden({self._input: inputs[self._input]})[0].numpy()
        covered = float(self._padded_to or len(filled) / self._sampling)
        seconds = (np.arange(len(hidden)) + 0.5) * covered / len(hidden)
        count = max(1, int((seconds < lasts).sum()))
        return hidden[:count], seconds[:count]


def _means(frames: NDArray[np.float32], step: NDArray[np.int64]) -> NDArray[np.float32]:
    """The mean of the frames of each step; `step` rises."""
    starts = np.flatnonzero(np.diff(step, prepend=-1))
    counts = np.diff(starts, append=len(step)).astype(np.float32)
    return np.asarray(np.add.reduceat(frames, starts, axis=0) / counts[:, None], dtype=np.float32)
