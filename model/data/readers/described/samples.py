"""The samples of a source while it is read: what each is called, and which are left out as damaged."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from haemsa.model.data.readers.options import Damage


class Samples:
    """N samples. place: where they are, such as "data.csv: row"; names: what each is called there."""

    def __init__(self, place: str, names: Sequence[str], damage: Damage) -> None:
        self.names = names
        self._place, self._damage = place, damage
        self._sound = np.ones(len(names), dtype=bool)

    def __len__(self) -> int:
        return len(self.names)

    @property
    def sound(self) -> NDArray[np.int64]:
        """The samples without damage so far."""
        return np.flatnonzero(self._sound).astype(np.int64)

    def damaged(self, where: NDArray[np.bool_], problem: Callable[[int], str]) -> None:
        """Leave out the samples where `where`, bool [N]; `problem` says what is wrong with one of them.

        Raises ValueError unless damaged samples are to be skipped.
        """
        for sample in np.flatnonzero(where & self._sound).tolist():
            self._sound[sample] = False
            self._damage.found(f"{self._place} {self.names[sample]}", problem(sample))
