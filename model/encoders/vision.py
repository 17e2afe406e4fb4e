"""Pictures become streams: a step is one of `rate` pictures a second. Axes: `T` steps, `D` features."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from haemsa.model.encoders.choice import Choice
from haemsa.model.encoders.encoder import Encoded
from haemsa.model.encoders.media import frames
from haemsa.model.encoders.media_encoder import MediaEncoder
from haemsa.model.encoders.model_folder import ModelFolder
from haemsa.model.encoders.pretrained import Pretrained, processor

_AT_ONCE: Final = 16
"""Pictures that are encoded at a time."""
_CLASS_TOKENS: Final = ("cls_token", "class_embedding")
"""How transformers calls the token that stands for a whole picture."""


class VisionEncoder(MediaEncoder):
    """Encodes pictures. A picture is the token that stands for it, or the mean of its parts if there is none.

    Args:
        folder: The files of the model.
        choice: How it encodes.

    Raises:
        ValueError: The model cannot be used. The message is one sentence.
    """

    def __init__(self, folder: ModelFolder, choice: Choice) -> None:
        from transformers import AutoImageProcessor

        self._pretrained = Pretrained(folder, choice)
        self._processor = processor(AutoImageProcessor, folder, "preprocessor_config.json")
        self._rate, self._most = choice.rate, choice.steps
        names = [name for name, _ in self._pretrained.module.named_parameters()]
        self._has_class_token = any(name.endswith(_CLASS_TOKENS) for name in names)
        with self._pretrained.tried():
            self._input: str = self._processor.model_input_names[0]
            self.width = self._encoded([np.full((64, 64, 3), 127, np.uint8)]).shape[1]
        pooling = "class token" if self._has_class_token else "mean"
        self.facts: Mapping[str, Any] = {**self._pretrained.facts, "rate": choice.rate, "pooling": pooling}

    def _encode_media(self, media: Path | bytes, start: float, end: float) -> Encoded:
        pictures = frames(media, self._rate, start, end)
        made, left = list[NDArray[np.float32]](), self._most
        while some := list(islice(pictures, min(left, _AT_ONCE))):
            made.append(self._encoded(some))
            left -= len(some)
        return Encoded(np.concatenate(made), cut=next(pictures, None) is not None)

    def _encoded(self, pictures: Sequence[NDArray[np.uint8]]) -> NDArray[np.float32]:
        """The features of pictures, [T, D]."""
        inputs: Any = self._processor(images=list(pictures), return_tensors="pt", input_data_format="channels_last")
        hidden = self._pretrained.hidden({self._input: inputs[self._input]})
        return np.asarray((hidden[:, 0] if self._has_class_token else hidden.mean(dim=1)).numpy())
