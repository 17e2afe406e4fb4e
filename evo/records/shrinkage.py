"""Scores are noisy. This file says how much to trust a mean over few replicates, compared with a mean over many.

Every score is replaced by its posterior mean in a normal model (empirical Bayes; Efron and Morris, "Data analysis using
Stein's estimator and its generalizations", JASA 1975). A score moves towards the mean of all scores. It moves further
if its error is large compared with the real spread. So a lucky candidate with few replicates falls behind one that was
as good over many. Among candidates with equally many replicates, the order stays that of the means. Selection and
the front use these scores.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
LEAST_SPREAD: Final = 1e-6
"""The least real spread, as a share of the mean squared error. It counts where errors explain all of the spread."""


def replicate_variance(values: Sequence[Sequence[float]]) -> float:
    """Variance of one replicate, pooled over candidates `values[i][r]`; 0.0 where no candidate has two replicates.

    Replicate r is the same fold for all candidates. So the part that a fold adds to every candidate is no noise, and it
    is taken out (two-way analysis of variance without interaction).
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
    """Posterior means `[n]` of `means` `[n]` with squared standard errors `variances` `[n]`.

    The mean of the prior weighs every score by its precision. The variance of the prior is the spread that errors do
    not explain. If errors explain all of the spread, a trace of it stays to keep the order: if all scores were
    equal, the cheapest candidate would dominate all others.

    Example:
        >>> shrink(np.array([1.0, 2.0, 3.0]), np.full(3, 0.25)).tolist()
        [1.25, 2.0, 2.75]
    """
    if len(means) < 3 or not variances.any():
        return means
    noise = float(variances.mean())
    prior = max(LEAST_SPREAD * noise, float(means.var(ddof=1)) - noise)
    precision = 1 / (prior + variances)
    centre = float((precision * means).sum() / precision.sum())
    shrunk: Floats = centre + prior * precision * (means - centre)
    return shrunk
