"""The samples of a source while it is read: their names, and which of them are damaged and left out."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from haemsa.model.data.readers.options import Damage


class SoundSamples:
    """N samples.

    Args:
        place: Where they are, such as "data.csv: row".
        names: The name of each sample in that place.
        damage: Counts the damaged ones.
        shown: The names in messages, if these are others.
    """

    def __init__(self, place: str, names: Sequence[str], damage: Damage, shown: Sequence[str] | None = None) -> None:
        self.names = names
        self._place, self._damage, self._shown = place, damage, names if shown is None else shown
        self._sound = np.ones(len(names), dtype=bool)

    def __len__(self) -> int:
        return len(self.names)

    @property
    def sound(self) -> NDArray[np.int64]:
        """The samples without damage so far."""
        return np.flatnonzero(self._sound).astype(np.int64)

    def mark_damaged(self, where: NDArray[np.bool_], problem: Callable[[int], str]) -> None:
        """Leave samples out.

        Args:
            where: bool [N], which samples are damaged.
            problem: Says what is wrong with a sample.

        Raises:
            ValueError: There is a damaged sample, and damaged samples are not skipped.
        """
        damaged = np.flatnonzero(where & self._sound).tolist()
        self._sound[damaged] = False
        others = [self._shown[sample] for sample in damaged[1:]]
        for sample in damaged:
            self._damage.report(f"{self._place} {self._shown[sample]}", problem(sample), others)
