"""Which samples of the pool score a genome: the official split, grouped folds, none. Axes: `F` folds, `N` samples."""

from __future__ import annotations

import logging
import re
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from haemsa.model.data.dataset import Dataset

log = logging.getLogger(__name__)
SCORING_SEEDS: Final = 2
"""Networks that score a genome on a held-out split: on small splits one lucky seed outweighs a better genome."""
MOST_GROUPS: Final = 50
"""Groups that may be left out one at a time: every genome is trained as often."""


@dataclass(frozen=True, eq=False)
class Folds:
    """held_out: bool [F, N], the samples that score each fold, in the pool's order. kind: "holdout", "folds:5", ..."""

    held_out: NDArray[np.bool_]
    kind: str

    def __len__(self) -> int:
        return len(self.held_out)

    @property
    def trained(self) -> NDArray[np.int64]:
        """Samples that at least one fold trains on; they fix the batches."""
        return np.flatnonzero(~self.held_out.all(axis=0)).astype(np.int64)


def holdout(pool: Dataset, seeds: int = 1) -> Folds:
    """`seeds` equal folds that hold out the validation split: each is trained with its own seed."""
    held_out = np.zeros((seeds, len(pool)), dtype=bool)
    held_out[:, pool.split("valid")] = True
    return Folds(held_out, "holdout")


def final(pool: Dataset) -> Folds:
    """One fold that holds out nothing: training for good."""
    return Folds(np.zeros((1, len(pool)), dtype=bool), "final")


def grouped(pool: Dataset, k: int, seed: int) -> Folds:
    """`k` folds that hold out each sample once and never part a group.

    Groups go, those with the most uneven classes first, where they keep folds most alike in size, or in classes if
    there is a classes task (greedy, as scikit-learn's StratifiedGroupKFold). Raises ValueError for fewer groups than
    folds, or a fold that cannot score or train a task.
    """
    if k < 2:
        raise ValueError(f"folds:{k} was asked for, expected at least 2 folds")
    names, member = np.unique(pool.groups, return_inverse=True)
    if len(names) < k:
        raise ValueError(f"data {pool.name!r} has {len(names)} groups, expected at least {k} for {k} folds")
    classes = [task.targets + 1 for task in pool.tasks.values() if task.kind == "classes"]
    strata = classes[0] if classes else np.zeros(len(pool), dtype=np.int64)
    counts = np.zeros((len(names), int(strata.max()) + 1))
    np.add.at(counts, (member, strata), 1)
    fold = _assign(counts, k, np.random.default_rng(seed))[member]
    folds = Folds(fold[None, :] == np.arange(k)[:, None], f"folds:{k}")
    _check_labels(pool, folds)
    return folds


def leave_one_group_out(pool: Dataset) -> Folds:
    """One fold per group of the pool, which holds out that group.

    Raises ValueError for a single group, more than `MOST_GROUPS`, or a fold that cannot score or train a task.
    """
    names, member = np.unique(pool.groups, return_inverse=True)
    if not 2 <= len(names) <= MOST_GROUPS:
        advice = "; folds:K keeps groups together too" if len(names) > 2 else ""
        expected = f"2 to {MOST_GROUPS} to leave out one at a time"
        raise ValueError(f"data {pool.name!r} has {len(names)} groups, expected {expected}{advice}")
    folds = Folds(member[None, :] == np.arange(len(names))[:, None], "groups")
    _check_labels(pool, folds)
    return folds


def parse_validation(validation: str, pool: Dataset, seed: int) -> Folds:
    """The folds that "holdout" (`SCORING_SEEDS` seeds), "holdout:S", "folds:K" or "groups" asks for.

    Raises ValueError for another protocol, or data that it does not suit.
    """
    if validation == "groups":
        return leave_one_group_out(pool)
    match = re.fullmatch(
        r"(holdout|folds):(\d{1,4})", f"{validation}:{SCORING_SEEDS}" if validation == "holdout" else validation
    )
    if not match or match[2] == "0":
        raise ValueError(
            f"validation is {validation!r}, expected holdout, holdout:SEEDS, folds:K (such as folds:5), or groups"
        )
    return holdout(pool, int(match[2])) if match[1] == "holdout" else grouped(pool, int(match[2]), seed)


def _assign(counts: NDArray[np.float64], k: int, rng: np.random.Generator) -> NDArray[np.int64]:
    """The fold of each group, int64 [G], from its class counts [G, C]."""
    shares = counts[:, counts.any(axis=0)]
    shares = shares / shares.sum(axis=0)
    order = rng.permutation(len(counts))
    spread = counts.std(axis=1) if counts.shape[1] > 1 else counts[:, 0]
    order = order[np.argsort(-spread[order], kind="stable")]
    folds, filled = np.empty(len(counts), dtype=np.int64), np.zeros((k, shares.shape[1]))
    sizes = np.zeros(k)
    for done, group in enumerate(order):
        trial = filled[None] + np.eye(k)[:, :, None] * shares[group]
        uneven = trial.std(axis=1).mean(axis=1).round(9)
        uneven[sizes > 0] += k * (len(order) - done <= (sizes == 0).sum())  # no fold stays empty
        folds[group] = choice = np.lexsort((sizes, uneven))[0]
        filled[choice] += shares[group]
        sizes[choice] += counts[group].sum()
    return folds


def _check_labels(pool: Dataset, folds: Folds) -> None:
    for number, held_out in enumerate(folds.held_out):
        for name, task in pool.tasks.items():
            labelled = task.labelled
            if not labelled[held_out].any() or not labelled[~held_out].any():
                where = "to train on" if labelled[held_out].any() else "to score with"
                other = "folds:K" if folds.kind == "groups" else "fewer folds"
                raise ValueError(f"fold {number} of {folds.kind} has no label of {name!r} {where}; use {other}")


SMALL_SPLIT = 2000
"""Validation samples from which on the official split scores a genome by default."""
AUTO_FOLDS = 5
LEAST_FOLDS = 3
"""With fewer groups than these, the validation split scores in any case."""


def choose_folds(validation: str, pool: Dataset, seed: int) -> Folds:
    """The folds of a protocol; "auto" is five folds, or one a group of fewer, where the validation split is small.

    On MOSI and MOSEI-922, whose splits are small, five-fold scores of good genomes follow fresh test runs far closer
    than scores on the validation split do (see tests/bench/README.md).
    """
    if validation != "auto":
        return parse_validation(validation, pool, seed)
    count = min(AUTO_FOLDS, len(np.unique(pool.groups)))
    if len(pool.split("valid")) < SMALL_SPLIT and count >= LEAST_FOLDS:
        try:
            return parse_validation(f"folds:{count}", pool, seed)
        except ValueError as error:
            log.info("the validation split scores, as folds cannot: %s", error)
    return parse_validation("holdout", pool, seed)


def describe_validation(folds: Folds, pool: Dataset, asked: str) -> str:
    """One line that says what scores a genome, and why if that was chosen for the user."""
    held_out = int(folds.held_out.sum(1).mean())
    valid = len(pool.split("valid"))
    if folds.kind == "groups":
        return f"scored by leaving out one of {len(folds)} groups at a time, about {held_out} samples each"
    if folds.kind == "holdout":
        line = f"scored on the validation split ({held_out} samples), the mean of {len(folds)} seeds"
        large = f"a split of {SMALL_SPLIT} or more tells good genomes apart"
        why = large if valid >= SMALL_SPLIT else "the data has too few groups or labels for folds"
    else:
        groups = len(np.unique(pool.groups))
        line = f"scored by cross-validation over {len(folds)} folds of about {held_out} samples ({groups} groups)"
        why = f"the validation split alone, {valid} samples, is too small to tell good genomes apart"
    return f"{line}: {why}" if asked == "auto" else line
