"""Scores are noisy: what a mean over few replicates is worth beside one over many.

Every score is replaced by its posterior mean in a normal model (empirical Bayes; Efron and Morris, "Data analysis using
Stein's estimator and its generalizations", JASA 1975): drawn towards the mean of all by as much as its error outweighs
the real spread. A lucky candidate with few replicates falls behind one that has proved as good over many; among equally
replicated ones the order is that of the means. Selection, elitism and the front's membership all go by it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
LEAST: Final = 1e-6
"""Of the errors' mean square, what is left to the prior where they explain all of the spread."""


def replicate_variance(values: Sequence[Sequence[float]]) -> float:
    """Variance of one replicate, pooled over candidates `values[i][r]`; 0.0 where none has two.

    Replicate r means the same fold for all, so what a fold adds to everyone is no noise: it is taken out (two-way
    analysis of variance without interaction).
    """
    several = [row for row in values if len(row) > 1]
    if not several:
        return 0.0
    most = max(map(len, several))
    residuals = np.full((len(several), most), np.nan)
    for place, row in enumerate(several):
        residuals[place, : len(row)] = row
    residuals -= np.nanmean(residuals, axis=1, keepdims=True)
    if len(several) > 1:
        residuals -= np.nanmean(residuals, axis=0)
    freedom = int(np.isfinite(residuals).sum()) - len(several) - (most - 1 if len(several) > 1 else 0)
    return float(np.nansum(residuals**2)) / max(freedom, 1)


def shrink(means: Floats, variances: Floats) -> Floats:
    """Posterior means `[n]` of `means` `[n]` whose squared standard errors are `variances` `[n]`.

    The prior's mean weighs every score by its precision; its variance is the spread that errors do not explain. Where
    they explain all, a trace of it keeps the order: were all scores equal, the cheapest would dominate every other.
    """
    if len(means) < 3 or not variances.any():
        return means
    noise = float(variances.mean())
    prior = max(LEAST * noise, float(means.var(ddof=1)) - noise)
    precision = 1 / (prior + variances)
    centre = float((precision * means).sum() / precision.sum())
    shrunk: Floats = centre + prior * precision * (means - centre)
    return shrunk
