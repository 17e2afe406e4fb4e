"""A forest that predicts the scores of genomes, with what its trees disagree on."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from haemsa.evo.nsga2 import Indices, Losses

TREES: Final = 64
FEWEST: Final = 2
"""Outcomes in a leaf."""


class ScoreForest:
    """Extremely randomised trees (Geurts, Ernst and Wehenkel, Machine Learning 2006), each on outcomes drawn anew.

    The trees are scikit-learn's. Its own forest starts them through joblib, which changes the process's filters of
    warnings. That must not be done in a thread.

    Args:
        genes: of the genome of each outcome `[N, D]`.
        rungs: where each outcome was measured `[N]`. So a forest learns what more training brings.
        losses: of each outcome `[N, M]`, for the M objectives that are learnt.
        seed: of the trees.
    """

    def __init__(self, genes: Losses, rungs: Indices, losses: Losses, seed: int) -> None:
        from sklearn.tree import ExtraTreeRegressor

        rng = np.random.default_rng(seed)
        self._mean, self._scale = losses.mean(axis=0), np.maximum(losses.std(axis=0), 1e-12)
        columns, scaled = _columns(genes, rungs), (losses - self._mean) / self._scale
        drawn = rng.integers(len(losses), size=(TREES, len(losses)))
        seeds = rng.integers(2**31, size=TREES).tolist()
        self._trees = [
            ExtraTreeRegressor(min_samples_leaf=FEWEST, max_features=0.5, random_state=own).fit(
                columns[row], scaled[row]
            )
            for own, row in zip(seeds, drawn, strict=True)
        ]

    def draws(self, genes: Losses, rung: int) -> Losses:
        """What each tree predicts on a rung `[TREES, N, M]`; their mean is the prediction."""
        columns = _columns(genes, np.full(len(genes), rung))
        shape = len(columns), len(self._mean)
        # the check of the input takes longer than the prediction
        found = [tree.predict(columns, check_input=False).reshape(shape) for tree in self._trees]
        return np.asarray(np.array(found) * self._scale + self._mean)


def _columns(genes: Losses, rungs: Indices) -> NDArray[np.float32]:
    """`[N, D + 1]`, of the type that trees work with."""
    return np.column_stack([genes, rungs]).astype(np.float32)
