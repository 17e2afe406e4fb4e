"""A growing table of losses by candidate. Rungs and levels are ranked from it."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from haemsa.evo.nsga2 import Indices, Losses


class LossTable:
    """Losses `[n, k]` of candidates by id. It takes the same time to add or replace a row at any size."""

    def __init__(self, objectives: int) -> None:
        self._losses = np.empty((64, objectives))
        self._ids = np.empty(64, dtype=np.intp)
        self._place: dict[int, int] = {}

    def __len__(self) -> int:
        return len(self._place)

    def __contains__(self, number: int) -> bool:
        return number in self._place

    def put(self, number: int, losses: Losses) -> None:
        """Add the losses `[k]` of candidate `number`, or replace them."""
        place = self._place.setdefault(number, len(self._place))
        if place == len(self._ids):
            self._losses = np.concatenate([self._losses, np.empty_like(self._losses)])
            self._ids = np.concatenate([self._ids, np.empty_like(self._ids)])
        self._losses[place], self._ids[place] = losses, number

    def drop(self, number: int) -> None:
        """Forget a candidate, if it is here. The last row moves to its place."""
        place = self._place.pop(number, None)
        if place is None:
            return
        last = len(self._place)
        if place != last:
            self._losses[place], self._ids[place] = self._losses[last], self._ids[last]
            self._place[int(self._ids[place])] = place

    @property
    def ids(self) -> Indices:
        """Ids `[n]`, in the order of `losses`."""
        return self._ids[: len(self._place)]

    @property
    def losses(self) -> Losses:
        """Losses `[n, k]`."""
        return self._losses[: len(self._place)]

    def losses_of(self, number: int) -> Losses:
        """The losses `[k]` of one candidate."""
        row: Losses = self._losses[self._place[number]]
        return row

    def rows(self, numbers: Iterable[int]) -> Losses:
        """The losses `[n, k]` of these candidates."""
        rows: Losses = self._losses[[self._place[number] for number in numbers]]
        return rows
