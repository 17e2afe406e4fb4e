"""A forest that predicts the scores of genomes, with what its trees disagree on."""

from __future__ import annotations

from typing import Final

import numpy as np
from sklearn.ensemble import ExtraTreesRegressor

from haemsa.evo.nsga2 import Indices, Losses

TREES: Final = 64
FEWEST: Final = 2
"""Outcomes in a leaf."""


class ScoreForest:
    """Extremely randomised trees (Geurts, Ernst and Wehenkel, Machine Learning 2006), each on outcomes drawn anew.

    Args:
        genes: of the genome of each outcome `[N, D]`.
        rungs: where each outcome was measured `[N]`. So a forest learns what more training brings.
        losses: of each outcome `[N, M]`, for the M objectives that are learnt.
        seed: of the trees.
    """

    def __init__(self, genes: Losses, rungs: Indices, losses: Losses, seed: int) -> None:
        forest = ExtraTreesRegressor(
            TREES, min_samples_leaf=FEWEST, max_features=0.5, bootstrap=True, oob_score=True, random_state=seed
        )
        self._mean, self._scale = losses.mean(axis=0), np.maximum(losses.std(axis=0), 1e-12)
        scaled = (losses - self._mean) / self._scale
        forest.fit(_columns(genes, rungs), scaled if scaled.shape[1] > 1 else scaled[:, 0])
        self._trees = [tree.tree_ for tree in forest.estimators_]
        self.unseen: Losses = forest.oob_prediction_.reshape(losses.shape) * self._scale + self._mean
        """Of each outcome, what the trees predict that did not see it `[N, M]`."""

    def draws(self, genes: Losses, rung: int) -> Losses:
        """What each tree predicts on a rung `[TREES, N, M]`; their mean is the prediction."""
        columns = _columns(genes, np.full(len(genes), rung)).astype(np.float32)
        found = [tree.predict(columns).reshape(len(genes), len(self._mean)) for tree in self._trees]
        return np.asarray(np.array(found) * self._scale + self._mean)


def _columns(genes: Losses, rungs: Indices) -> Losses:
    return np.column_stack([genes, rungs])
