"""Which children are worth training: more are bred than are wanted, and a model of scores chooses among them.

A child is judged by how much it is expected to add to the hypervolume of the front, where each tree of the model is one
opinion (the Monte Carlo form of Emmerich, Giannakoglou and Naujoks, "Single- and multiobjective evolutionary
optimization assisted by Gaussian random field metamodels", IEEE TEC 2006). Every other one is the best in the first
objective, as among the candidates that climb.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Final, Generic

import moocore
import numpy as np

from haemsa.evo.candidate import G
from haemsa.evo.learning.score_model import ScoreModel
from haemsa.evo.nsga2 import Losses
from haemsa.evo.objectives import beyond

OPINIONS: Final = 16
"""Trees that are asked for the gain."""
WIDE: Final = 10.0
"""An objective whose values differ by this factor is compared by its logarithm."""


@dataclass(frozen=True)
class Screening(Generic[G]):
    """Chooses children. `children`: how many are bred for each that is wanted."""

    model: ScoreModel[G]
    children: int

    def bred(self, wanted: int) -> int:
        """How many children to breed where so many are wanted, by what was learnt until now."""
        self.model.refresh()
        return wanted * self.children if self.model.ready else wanted

    def best(self, genomes: Sequence[G], count: int) -> list[int]:
        """The places of the `count` genomes to train: all, if no more were bred, as before anything is learnt."""
        if len(genomes) <= count:
            return list(range(len(genomes)))
        front = [record.genome for record in self.model.archive.front()]
        draws = self.model.draws([*front, *genomes])
        scaled = comparable(draws)
        gains = expected_gains(scaled.mean(axis=0)[: len(front)], scaled[:OPINIONS, len(front) :])
        by_gain = np.argsort(-gains, kind="stable").tolist()
        by_first = np.argsort(draws[:, len(front) :, 0].mean(axis=0), kind="stable").tolist()
        return list(dict.fromkeys(chain.from_iterable(zip(by_gain, by_first, strict=True))))[:count]


def comparable(losses: Losses) -> Losses:
    """Losses `[..., k]`; the logarithm of those that are positive and differ by a factor of `WIDE` or more."""
    flat = losses.reshape(-1, losses.shape[-1])
    least, most = flat.min(axis=0), flat.max(axis=0)
    wide = (least > 0) & (most >= WIDE * least)
    return np.asarray(np.where(wide, np.log(np.where(wide, losses, 1.0)), losses))


def expected_gains(front: Losses, draws: Losses) -> Losses:
    """What each of N points is expected to add to the hypervolume of a front.

    Args:
        front: `[F, k]`.
        draws: opinions on each point `[T, N, k]`.

    Returns:
        The mean gain of each point `[N]`.

    Example: the second point lies behind the front.
        >>> expected_gains(np.array([[1.0, 1.0]]), np.array([[[0.0, 2.0], [2.0, 2.0]]])).round(2).tolist()
        [0.1, 0.0]
    """
    reference = beyond(np.concatenate([front, draws.reshape(-1, draws.shape[-1])]))
    before = moocore.hypervolume(front, ref=reference)
    grown = np.empty((len(front) + 1, front.shape[1]))
    grown[:-1] = front
    gains = np.empty(draws.shape[:2])
    for tree, opinion in enumerate(draws):
        for place, point in enumerate(opinion):
            grown[-1] = point
            gains[tree, place] = moocore.hypervolume(grown, ref=reference) - before
    return np.asarray(gains.mean(axis=0))
