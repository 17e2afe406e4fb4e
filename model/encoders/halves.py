"""A text encoder in two halves. The lower layers never change, so what they make of a text is kept.

Lower layers of such encoders gain little by training (Lee et al. 2019, "What would Elsa do?"). Without them a training
step takes two thirds of the time. Axes: `n` texts, `T` steps, `D` features.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from typing import Any

import torch
from torch import Tensor
from torch.nn import Module, ModuleList

from haemsa.model.encoders.text import TextEncoder


class Halves:
    """Encodes as its encoder does. What the lower layers make of a text is found once.

    Args:
        encoder: The encoder. Only its upper half may change.

    Attributes:
        divided: Whether it can be divided. The layers of some encoders need more than the output of those below.
    """

    def __init__(self, encoder: TextEncoder) -> None:
        self._encoder, self._module = encoder, encoder.pretrained.module
        self._path, self._layers = layers_of(self._module)
        self._half, self._kept = len(self._layers) // 2, dict[str, Tensor]()
        self.divided = self._half > 0 and self._same(("a", "a a a a"))

    def steps(self, texts: Sequence[str]) -> list[Tensor]:
        """As `TextEncoder.steps`."""
        return self._upper_steps(texts) if self.divided else self._encoder.steps(texts)

    def _same(self, texts: Sequence[str]) -> bool:
        try:
            with torch.no_grad():
                pairs = zip(self._upper_steps(texts), self._encoder.steps(texts), strict=True)
            return all(torch.allclose(found, whole, rtol=1e-3, atol=1e-4) for found, whole in pairs)
        except Exception:  # models raise errors of many kinds
            return False

    def _upper_steps(self, texts: Sequence[str]) -> list[Tensor]:
        new = [text for text in dict.fromkeys(texts) if text not in self._kept]
        if new:
            with torch.no_grad():
                self._kept.update(zip(new, self._encoder.steps(new, self._lower), strict=True))
        return self._encoder.steps(texts, partial(self._upper, torch.cat([self._kept[text] for text in texts])))

    def _lower(self, tokens: Mapping[str, Tensor]) -> Tensor:
        """What the lower half gives, [n, T, D]."""
        found = list[Tensor]()

        def keep(_: Module, __: Any, output: Any) -> None:
            found.append(output[0] if isinstance(output, tuple) else output)

        with self._only(slice(self._half)), self._layers[self._half - 1].register_forward_hook(keep):
            self._encoder.pretrained.layers(tokens)
        return found[0]

    def _upper(self, lower: Tensor, tokens: Mapping[str, Tensor]) -> Tensor:
        """What the encoder gives, [n, T, D], if its lower half gave `lower` [real steps of all, D]."""
        real = tokens["attention_mask"].bool().to(lower.device)
        hidden = lower.new_zeros(*real.shape, lower.shape[1])
        hidden[real] = lower

        def insert(_: Module, given: tuple[Any, ...]) -> tuple[Any, ...]:
            return (hidden, *given[1:])

        with self._only(slice(self._half, None)), self._layers[self._half].register_forward_pre_hook(insert):
            return self._encoder.pretrained.layers(tokens)

    @contextmanager
    def _only(self, part: slice) -> Iterator[None]:
        """The encoder has only some of its layers."""
        above, _, name = self._path.rpartition(".")
        owner = self._module.get_submodule(above)
        setattr(owner, name, self._layers[part])
        try:
            yield
        finally:
            setattr(owner, name, self._layers)


def layers_of(module: Module) -> tuple[str, ModuleList]:
    """The layers of an encoder, its longest list of modules, and where it has them. There may be none."""
    lists = [(path, one) for path, one in module.named_modules() if isinstance(one, ModuleList)]
    return max(lists, key=lambda named: len(named[1]), default=("", ModuleList()))


def upper_linear(module: Module) -> list[str]:
    """The names of all linear layers in the upper half of an encoder."""
    from transformers.pytorch_utils import Conv1D

    path, layers = layers_of(module)
    upper = tuple(f"{path}.{number}." for number in range(len(layers) // 2, len(layers)))
    linear = [name for name, one in module.named_modules() if isinstance(one, (torch.nn.Linear, Conv1D))]
    return [name for name in linear if name.startswith(upper)]
