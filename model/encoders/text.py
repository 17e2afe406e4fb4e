"""Transcripts become streams: a step is a token. Axes: `n` transcripts, `T` steps, `D` features."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

import numpy as np
import torch
from torch import Tensor

from haemsa.model.data.clips.clip import Clip
from haemsa.model.encoders.choice import Choice
from haemsa.model.encoders.encoder import Encoded
from haemsa.model.encoders.model_folder import ModelFolder
from haemsa.model.encoders.pretrained import Pretrained, processor

_AT_ONCE: Final = 8
"""Transcripts that are encoded at a time."""
_SPECIAL: Final = 2
"""Positions that some models keep for themselves."""


class TextEncoder:
    """Encodes transcripts. Special tokens, such as those for the beginning and the end, are steps too.

    Args:
        folder: The files of the model.
        choice: How it encodes.

    Raises:
        ValueError: The model cannot be used. The message is one sentence.
    """

    batch = 32

    def __init__(self, folder: ModelFolder, choice: Choice) -> None:
        from transformers import AutoTokenizer

        self.pretrained = Pretrained(folder, choice)
        self._tokenizer = processor(AutoTokenizer, folder, "tokenizer")
        self.most = min(choice.steps, self._tokenizer.model_max_length, _positions(self.pretrained.module.config))
        if self._tokenizer.pad_token is None:
            self._tokenizer.pad_token = self._tokenizer.eos_token
        self.facts = self.pretrained.facts
        with self.pretrained.tried():
            self.width = self._hidden(["a"])[0].features.shape[1]

    def encode(self, clips: Sequence[Clip]) -> list[Encoded]:
        """Encode at most `batch` clips."""
        texts = [clip.text for clip in clips if clip.text.strip()]
        made = iter(self._hidden(texts) if texts else ())
        absent = Encoded(np.zeros((0, self.width), np.float32))
        return [next(made) if clip.text.strip() else absent for clip in clips]

    def steps(
        self, texts: Sequence[str], layers: Callable[[Mapping[str, Tensor]], Tensor] | None = None
    ) -> list[Tensor]:
        """The features [T, D] of each transcript, on the device of the model. None of them is empty.

        Gradients reach the weights that are trained. `layers` makes [n, T, D] of tokens, in place of the whole model.
        """
        tokens = self._tokens(texts)
        hidden, masks = (layers or self.pretrained.layers)(tokens), tokens["attention_mask"].bool()
        return [steps[mask] for steps, mask in zip(hidden, masks.to(hidden.device), strict=True)]

    def sizes(self, texts: Sequence[str]) -> list[int]:
        """How many tokens each transcript has, also those that are cut."""
        return [len(tokens) for tokens in self._tokenizer(list(texts), verbose=False)["input_ids"]]

    def _hidden(self, texts: Sequence[str]) -> list[Encoded]:
        sizes = self.sizes(texts)
        order = sorted(range(len(texts)), key=sizes.__getitem__)  # texts of like lengths need little padding
        made = dict[int, Encoded]()
        for start in range(0, len(order), _AT_ONCE):
            places = order[start : start + _AT_ONCE]
            with torch.inference_mode():
                hidden = self.steps([texts[place] for place in places])
            for place, steps in zip(places, hidden, strict=True):
                made[place] = Encoded(steps.cpu().numpy(), cut=sizes[place] > self.most)
        return [made[place] for place in range(len(texts))]

    def _tokens(self, texts: Sequence[str]) -> Any:
        return self._tokenizer(
            list(texts), truncation=True, max_length=self.most, padding=True, return_tensors="pt", verbose=False
        )


def _positions(config: Any) -> int:
    """How many tokens a model can take."""
    most = getattr(config, "max_position_embeddings", None)
    return int(most) - _SPECIAL if most and most > _SPECIAL else 2**31
