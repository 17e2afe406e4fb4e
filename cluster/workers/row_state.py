"""Where the training of a replicate stopped, packed by the worker: who passes it on need not look inside."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal, cast, get_args

import numpy as np
from numpy.typing import NDArray

from haemsa.model.predictor.model_files import as_safetensors

Part = Literal["weights", "raw", "first", "second"]
PARTS: Final[tuple[Part, ...]] = get_args(Part)
Arrays = Mapping[str, np.ndarray[Any, Any]]
"""Arrays by name: the weights of a network, or its outputs by task."""


@dataclass(frozen=True, eq=False)
class RowState:
    """A replicate after so many `epochs`.

    `content`: its arrays, as the bytes `[N]` of a safetensors file. The driver only stores them and sends them on. So
    a state costs it the same, however many arrays a network has.
    """

    epochs: int
    content: NDArray[np.uint8]

    @classmethod
    def of(
        cls, epochs: int, weights: Arrays, raw: Arrays | None = None, first: Arrays | None = None,
        second: Arrays | None = None,
    ) -> RowState:  # fmt: skip
        """Pack a state.

        Args:
            epochs: epochs that are done.
            weights: the averaged weights, by which the replicate is scored.
            raw: the weights as they were after the last epoch. None: all epochs of the genome are done.
            first: AdamW's first moments; None as above.
            second: AdamW's second moments; None as above.
        """
        parts = {"weights": weights, "raw": raw, "first": first, "second": second}
        named = {
            f"{part}/{name}": np.ascontiguousarray(array)
            for part, arrays in parts.items()
            for name, array in (arrays or {}).items()
        }
        return cls(epochs, np.frombuffer(as_safetensors(named), np.uint8))

    def read(self, part: Part) -> dict[str, np.ndarray[Any, Any]]:
        """The arrays of one part, by name. Empty if the replicate has no such part."""
        return self.parts()[part]

    def parts(self) -> dict[Part, dict[str, np.ndarray[Any, Any]]]:
        """The arrays of all parts, by name. Those that the replicate does not have are empty."""
        from safetensors.numpy import load

        found: dict[Part, dict[str, np.ndarray[Any, Any]]] = {part: {} for part in PARTS}
        for key, array in load(self.content.tobytes()).items():
            part, _, name = key.partition("/")
            found[cast(Part, part)][name] = array
        return found
