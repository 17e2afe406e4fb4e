"""A stream that is encoded anew for each batch, because its encoder changes. Axes: `T` steps, `D` features."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from typing import Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn.utils.rnn import pad_sequence
from torch.utils.checkpoint import checkpoint

from haemsa.model.data.steps import LIMIT
from haemsa.model.encoders.halves import Halves
from haemsa.model.encoders.text import TextEncoder
from haemsa.model.network.batch import Batch, Steps

TOKENS: Final = 2048
"""So many tokens, with padding, are encoded at a time. A large encoder keeps about 1.5 GB to find their gradients."""
_ALIKE: Final = 1.5
"""On a CPU, a text is encoded beside texts of at most so many times its tokens. Others would cost it much padding."""


class TextStream:
    """Transcripts as networks read them: encoded, then normalised as the data of their training was.

    Args:
        name: The stream.
        encoder: Its encoder, with or without adapters.
        texts: The transcripts of all samples, "" where a sample lacks the stream.
        mean: What is taken from each feature [D].
        scale: By what it is divided then [D].
        tokens: So many are encoded at a time.
    """

    def __init__(
        self,
        name: str,
        encoder: TextEncoder,
        texts: Sequence[str],
        mean: NDArray[np.float32],
        scale: NDArray[np.float32],
        tokens: int = TOKENS,
    ) -> None:
        self.name, self._encoder, self._texts, self._tokens = name, Halves(encoder), tuple(texts), tokens
        self._mean, self._scale = (torch.from_numpy(one).to(encoder.pretrained.device) for one in (mean, scale))
        said = [place for place, text in enumerate(texts) if text.strip()]
        sizes = encoder.sizes([texts[place] for place in said]) if said else []
        self._sizes = {place: min(size, encoder.most) for place, size in zip(said, sizes, strict=True)}

    def into(self, batch: Batch, indices: NDArray[np.int64]) -> Batch:
        """A batch of the samples at `indices`, with this stream as its encoder makes it now."""
        made = self._encoded([place for place in indices.tolist() if place in self._sizes])
        nothing = self._mean.new_zeros(1, len(self._mean))
        features = pad_sequence([made.get(place, nothing) for place in indices.tolist()], batch_first=True)
        lengths = torch.tensor([len(made.get(place, ())) for place in indices.tolist()], device=features.device)
        places = torch.arange(features.shape[1], device=features.device)
        real = (places < lengths.unsqueeze(1)).unsqueeze(2)
        features = torch.where(real, ((features - self._mean) / self._scale).clamp(-LIMIT, LIMIT), 0.0)
        means = features.sum(1) / lengths.clamp(min=1).unsqueeze(1)
        return replace(
            batch,
            steps={**batch.steps, self.name: Steps.padded(features, lengths.clamp(min=1))},
            means={**batch.means, self.name: means},
        )

    def _encoded(self, places: Sequence[int]) -> dict[int, Tensor]:
        """The features [T, D] of some samples. Of many tokens, only one part is kept at a time to find gradients."""
        parts = self._parts(places)
        padded = sum(len(part) * self._sizes[part[-1]] for part in parts)
        again = torch.is_grad_enabled() and padded > self._tokens
        made = dict[int, Tensor]()
        for part in parts:
            encode = partial(self._encoder.steps, [self._texts[place] for place in part])
            steps = checkpoint(encode, use_reentrant=False, preserve_rng_state=False) if again else encode()
            made.update(zip(part, steps, strict=True))
        return made

    def _parts(self, places: Sequence[int]) -> list[list[int]]:
        """Samples in parts with at most so many tokens, and of like lengths on a CPU. The longest of a part is last."""
        parts, alike = list[list[int]](), _ALIKE if self._mean.device.type == "cpu" else float("inf")
        for place in sorted(places, key=self._sizes.__getitem__):
            size, part = self._sizes[place], parts[-1] if parts else []
            if part and (len(part) + 1) * size <= self._tokens and size <= alike * self._sizes[part[0]]:
                parts[-1].append(place)
            else:
                parts.append([place])
        return parts
