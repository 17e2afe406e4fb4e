"""Which candidates lie on the front as far as the model knows, whatever rung they reached.

A search trains few candidates in full. Most of a front's ends never climb that far, and scores of different rungs
cannot be compared. What the model expects after all training can be. A score that was measured in full counts as well:
it is weighed against the expectation by the variances of both (Fay and Herriot, "Estimates of income for small places",
JASA 1979).
"""

from __future__ import annotations

import numpy as np

from haemsa.evo.candidate import Evaluated, G
from haemsa.evo.learning.score_model import ScoreModel
from haemsa.evo.nsga2 import Losses, non_dominated_ranks
from haemsa.evo.records.shrinkage import replicate_variance


def expected_front(model: ScoreModel[G]) -> list[tuple[Evaluated[G], Losses]]:
    """The candidates that no other one is expected to dominate, each with its expected losses `[k]`.

    An empty list if too little was learnt.
    """
    fitted = model.fitted_now()
    if fitted is None:
        return []
    told, forest = fitted
    archive = model.archive
    records = list(archive.evaluated.values())
    losses = model.draws([record.genome for record in records], forest).mean(axis=0)
    full = archive.ladder.full
    unseen = {number: row for (number, rung), row in zip(told, forest.unseen, strict=True) if rung >= full}
    final = [place for place, record in enumerate(records) if record.id in unseen]
    if len(final) > 1:
        scores = np.array([archive.objectives.means(records[place].scores) for place in final])
        for column, place in enumerate(model.learnt):
            guesses = np.array([unseen[records[row].id][column] for row in final])
            noise = _noise([records[row] for row in final], archive.objectives.names[place])
            losses[final, place] = _weighed(scores[:, place], noise, guesses)
    front = np.flatnonzero(non_dominated_ranks(losses) == 0)
    return [(records[place], losses[place]) for place in front]


def _noise(records: list[Evaluated[G]], name: str) -> Losses:
    """The squared standard error of each score."""
    scores = [record.scores[name] for record in records]
    pooled = replicate_variance([score.values for score in scores])
    return np.array([pooled / score.replicates if score.values else score.error**2 for score in scores])


def _weighed(scores: Losses, noise: Losses, guesses: Losses) -> Losses:
    """Scores drawn towards guesses, by the variance of each."""
    wrong = max(float(((scores - guesses) ** 2).mean() - noise.mean()), 1e-6 * max(float(noise.mean()), 1e-12))
    return np.asarray((scores * wrong + guesses * noise) / (wrong + noise))
