"""Signs that features know labels: one modality alone predicts a split far better than training promises.

Per modality and task, a ridge regression on features averaged over time is scored in three ways:

1. cross-validated within training (the promise);
2. fitted on training and scored on another split;
3. cross-validated within that other split, which finds what only the features of this split know.

Classes are regressed as indicators: one solve is enough for all of them, and no probabilities are needed. A score is a
correlation r. Two scores are compared by Fisher's z = atanh r, because a step from .97 to .983 is as hard as one from 0
to .3. Whether the difference could be chance is measured in standard errors of r.

Axes: `B` samples, `D` features, `C` outputs, `G` groups.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from haemsa.model.data.normalisation import is_constant
from haemsa.model.data.steps import LIMIT

GAP: Final = 0.3
"""A score is suspicious if it exceeds the promise by so much in Fisher's z (.54 for .3, .82 for .7) ..."""
ERRORS: Final = 4.0
"""... and also by so many standard errors. With few groups it takes more, so that chance is as unlikely."""
_FOLDS: Final = 5
_LEAST: Final = 10  # samples
_PERFECT: Final = 1 - 1e-6
Floats = NDArray[np.float64]
Indices = NDArray[np.int64]


@dataclass(frozen=True)
class Score:
    """A correlation of predictions with labels, and its standard error."""

    correlation: float
    error: float
    samples: int
    groups: int

    @property
    def fisher(self) -> float:
        """Fisher's z of the correlation."""
        return float(np.arctanh(np.clip(self.correlation, -_PERFECT, _PERFECT)))


@dataclass(frozen=True, eq=False)
class Part:
    """The samples of one split: features [B, D], targets [B, C], groups int64 [B]."""

    features: NDArray[np.float32]
    targets: Floats
    groups: Indices

    def first(self, count: int) -> Part:
        """The first samples only."""
        return Part(self.features[:count], self.targets[:count], self.groups[:count])


@dataclass(frozen=True)
class Skill:
    """How well one modality alone predicts one task. Scores are missing if samples are too few or constant.

    promised: cross-validated within training. fitted: per other split, the score of a fit to all of training. within:
    per other split, cross-validated within it.
    """

    promised: Score | None
    fitted: dict[str, Score]
    within: dict[str, Score]

    def reached(self) -> Iterator[tuple[str, bool, Score]]:
        """For each score: the split, whether it is cross-validated within it, and the score."""
        for within, scores in ((False, self.fitted), (True, self.within)):
            for split, reached in scores.items():
                yield split, within, reached

    def gains(self) -> dict[tuple[str, bool], float]:
        """How much more is reached than promised, by split and whether within it. A promise below 0 counts as 0."""
        if self.promised is None:
            return {}
        promised = max(self.promised.correlation, 0.0)
        return {(split, within): reached.correlation - promised for split, within, reached in self.reached()}


@dataclass(frozen=True)
class Sign:
    """A score of `modality` in `split` that training does not promise.

    within: whether it is cross-validated within the split. found: the score. errors: by how many standard errors it is
    above the promise. peers: the largest gain of another modality there.
    """

    modality: str
    split: str
    within: bool
    found: Score
    promised: Score
    errors: float
    peers: float | None


def skill_of(parts: Mapping[str, Part]) -> Skill:
    """The skill of one modality at one task. `parts`: per split, also "train", its samples in random order."""
    train = parts["train"]
    fitted, within = {}, {}
    for split, part in parts.items():
        if split != "train" and min(len(train.groups), len(part.groups)) >= _LEAST:
            predicted = _ridge(train.features, train.targets, part.features)
            fitted[split] = score(predicted, part.targets, part.groups)
            # more samples than training has would score better only because they are more
            within[split] = cross_validated(part.first(len(train.groups)))
    return Skill(cross_validated(train), _existing(fitted), _existing(within))


def signs(skills: Mapping[str, Skill]) -> list[Sign]:
    """What is suspicious in the skills of all modalities at one task. At most one sign per modality and split."""
    chosen: dict[tuple[str, str], Sign] = {}
    for name, skill in skills.items():
        for split, within, reached in skill.reached():
            if skill.promised is None or not _suspicious(reached, skill.promised):
                continue
            peers = [peer.gains().get((split, within), -1.0) for other, peer in skills.items() if other != name]
            errors = _errors(reached, skill.promised)
            sign = Sign(name, split, within, reached, skill.promised, errors, max(peers, default=None))
            if (name, split) not in chosen or reached.correlation > chosen[name, split].found.correlation:
                chosen[name, split] = sign
    return list(chosen.values())


def cross_validated(part: Part) -> Score | None:
    """The score of a ridge regression over folds that never split a group. None if groups are too few."""
    from sklearn.model_selection import GroupKFold

    if len(part.groups) < _LEAST or len(np.unique(part.groups)) < _FOLDS:
        return None
    predicted, folds = np.zeros(part.targets.shape), np.zeros(len(part.groups), dtype=np.int64)
    for number, (kept, held_out) in enumerate(GroupKFold(_FOLDS).split(part.features, groups=part.groups)):
        predicted[held_out] = _ridge(part.features[kept], part.targets[kept], part.features[held_out])
        folds[held_out] = number
    return score(predicted, part.targets, part.groups, folds)


def score(predicted: Floats, targets: Floats, groups: Indices, folds: Indices | None = None) -> Score | None:
    """The correlation of predictions and targets [B, C], pooled over outputs, each around its mean in its fold.

    Its standard error is that of the jackknife over groups. None if there is nothing to correlate.
    """
    predicted, targets = _standard(predicted, folds), _standard(targets, folds)
    names, members = np.unique(groups, return_inverse=True)
    pairs = ((predicted, targets), (predicted, predicted), (targets, targets))
    sums = np.stack([np.bincount(members, (left * right).sum(axis=1)) for left, right in pairs])
    total = sums.sum(axis=1, keepdims=True)
    if len(groups) < _LEAST or len(names) < 3 or total[1:].min() <= 1e-12:
        return None
    without = _correlation(total - sums)
    error = float(np.sqrt((len(names) - 1) * without.var()))
    return Score(float(_correlation(total)[0]), error, len(groups), len(names))


def _correlation(sums: Floats) -> Floats:
    """Correlations [...] from sums of products [3, ...]: of predictions with targets, and of each with itself."""
    across, *own = sums
    spread = np.sqrt(np.maximum(own[0] * own[1], 1e-24))
    return np.asarray(np.clip(across / spread, -1, 1))


def _standard(values: Floats, folds: Indices | None) -> Floats:
    """Values [B, C] minus their mean in each fold, as shares of their size; 0 where only rounding is left."""
    centred = _centred(values, folds)
    size = float(np.sqrt((centred**2).sum()))
    if size <= 1e-12 * np.sqrt(values.size) * float(np.abs(values).max(initial=0)):
        return np.zeros_like(centred)
    return centred / size


def _centred(values: Floats, folds: Indices | None) -> Floats:
    """Values [B, C] minus their mean in each fold. Folds differ in level, and that is not skill."""
    members = np.zeros(len(values), dtype=np.int64) if folds is None else folds
    counts = np.maximum(np.bincount(members), 1)
    means = np.stack([np.bincount(members, column) / counts for column in values.T], axis=1)
    return np.asarray(values - means[members])


def _ridge(features: NDArray[np.float32], targets: Floats, others: NDArray[np.float32]) -> Floats:
    """Predictions [B, C] for `others`. Features are standardised by the mean and deviation of `features`.

    The penalty is one per column. That is right if features explain half of the targets' variance.
    """
    from sklearn.linear_model import Ridge

    mean, std = features.mean(axis=0, dtype=np.float64), features.std(axis=0, dtype=np.float64)
    scale = np.where(is_constant(mean, std), np.inf, std)
    inputs, new = (np.clip((part - mean) / scale, -LIMIT, LIMIT).astype(np.float32) for part in (features, others))
    fitted = Ridge(alpha=features.shape[1]).fit(inputs, targets)
    return np.asarray(fitted.predict(new), dtype=np.float64).reshape(len(others), -1)


def _existing(scores: Mapping[str, Score | None]) -> dict[str, Score]:
    return {split: value for split, value in scores.items() if value is not None}


def _errors(reached: Score, promised: Score) -> float:
    """How far a score is above the promise, in standard errors. Its error is at least what the promise would have."""
    level = max(promised.correlation, 0.0)
    floor = (1 - level**2) / reached.samples**0.5
    return (reached.correlation - level) / float(np.hypot(max(reached.error, floor), promised.error))


def _suspicious(reached: Score, promised: Score) -> bool:
    if reached.fisher - max(promised.fisher, 0.0) <= GAP:
        return False
    return _errors(reached, promised) > _errors_needed(min(reached.groups, promised.groups) - 1)


def _errors_needed(freedom: int) -> float:
    """So many that Student's t exceeds them as rarely as a normal variable exceeds `ERRORS` (Wallace 1959)."""
    scaled = ERRORS * (8 * freedom + 3) / (8 * freedom + 1)
    return float(np.sqrt(freedom * np.expm1(scaled**2 / freedom)))
