"""Which samples of the pool score a genome: the validation split, each fold in turn, or none.

The pool is `Dataset.pool()`: training and validation samples. Read `Folds`, then `choose_folds`. Axes: `F` folds,
`N` samples of the pool, `G` groups, `C` classes.
"""

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
"""Networks that score a genome on the validation split. On small splits, one lucky seed outweighs a better genome."""
MOST_GROUPS: Final = 50
"""The most groups that are left out one at a time, because each genome is trained once for each of them."""
SMALL_SPLIT: Final = 2000
"""With fewer validation samples than this, "auto" scores by folds."""
AUTO_FOLDS: Final = 5
LEAST_FOLDS: Final = 3
"""With fewer groups than this, "auto" scores on the validation split in any case."""


@dataclass(frozen=True, eq=False)
class Folds:
    """Which samples of the pool each fold holds out. A network is trained on the others, and scored on these.

    Attributes:
        held_out: bool [F, N], in the order of the pool.
        kind: How the folds were made: "holdout", "folds:5", "groups" or "final".
    """

    held_out: NDArray[np.bool_]
    kind: str

    def __len__(self) -> int:
        return len(self.held_out)

    @property
    def trained(self) -> NDArray[np.int64]:
        """The samples that at least one fold trains on. They determine the batches."""
        return np.flatnonzero(~self.held_out.all(axis=0)).astype(np.int64)


def choose_folds(validation: str, pool: Dataset, seed: int) -> Folds:
    """The folds of a validation protocol.

    With "auto", a small validation split is replaced by five folds, or by one fold for each group if there are fewer.
    On MOSI and MOSEI-922, whose splits are small, five-fold scores of good genomes predict fresh test runs far better
    than scores on the validation split (see tests/bench/README.md).

    Args:
        validation: "auto", or what `parse_validation` reads.
        pool: Training and validation samples, as `Dataset.pool()` gives them.
        seed: Draws the folds.

    Raises:
        ValueError: The protocol is unknown, or the data does not suit it.

    Example:
        >>> from haemsa.model.data.builtin.planted import planted
        >>> pool = planted(sizes=(80, 20, 10)).pool()
        >>> folds = choose_folds("folds:3", pool, seed=0)
        >>> len(folds), folds.held_out.shape, folds.held_out.sum(axis=0).tolist() == [1] * 100
        (3, (3, 100), True)
    """
    if validation != "auto":
        return parse_validation(validation, pool, seed)
    count = min(AUTO_FOLDS, len(np.unique(pool.groups)))
    if len(pool.split("valid")) < SMALL_SPLIT and count >= LEAST_FOLDS:
        try:
            return parse_validation(f"folds:{count}", pool, seed)
        except ValueError as error:
            log.info("the validation split scores, because folds cannot: %s", error)
    return parse_validation("holdout", pool, seed)


def parse_validation(validation: str, pool: Dataset, seed: int) -> Folds:
    """The folds of "holdout" (with `SCORING_SEEDS` seeds), "holdout:SEEDS", "folds:K" or "groups".

    Raises:
        ValueError: The protocol is another one, or the data does not suit it.

    Example:
        >>> from haemsa.model.data.builtin.planted import planted
        >>> parse_validation("holdout:3", planted(sizes=(20, 10, 10)).pool(), seed=0).held_out.sum(axis=1).tolist()
        [10, 10, 10]
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


def holdout(pool: Dataset, seeds: int = 1) -> Folds:
    """`seeds` equal folds that hold out the validation split. Each is trained with a seed of its own."""
    held_out = np.zeros((seeds, len(pool)), dtype=bool)
    held_out[:, pool.split("valid")] = True
    return Folds(held_out, "holdout")


def grouped(pool: Dataset, k: int, seed: int) -> Folds:
    """`k` folds that hold out each sample once, and never divide a group.

    Groups are assigned one by one, those with the most uneven classes first. Each goes to the fold where it keeps the
    folds most equal in their classes, or in their size if there is no task of classes (as scikit-learn's
    StratifiedGroupKFold).

    Raises:
        ValueError: There are fewer groups than folds, or a fold cannot score or train a task.

    Example:
        >>> from haemsa.model.data.builtin.planted import planted
        >>> pool = planted(sizes=(100, 30, 10)).pool()
        >>> folds = grouped(pool, 2, seed=0)
        >>> set(pool.groups[folds.held_out[0]]) & set(pool.groups[folds.held_out[1]])
        set()
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
    fold = _fold_of_groups(counts, k, np.random.default_rng(seed))[member]
    folds = Folds(fold[None, :] == np.arange(k)[:, None], f"folds:{k}")
    _check_labels(pool, folds)
    return folds


def leave_one_group_out(pool: Dataset) -> Folds:
    """One fold for each group of the pool, which holds out that group.

    Raises:
        ValueError: There is one group, there are more than `MOST_GROUPS`, or a fold cannot score or train a task.
    """
    names, member = np.unique(pool.groups, return_inverse=True)
    if not 2 <= len(names) <= MOST_GROUPS:
        advice = "; folds:K keeps groups together too" if len(names) > 2 else ""
        expected = f"2 to {MOST_GROUPS} to leave out one at a time"
        raise ValueError(f"data {pool.name!r} has {len(names)} groups, expected {expected}{advice}")
    folds = Folds(member[None, :] == np.arange(len(names))[:, None], "groups")
    _check_labels(pool, folds)
    return folds


def final(pool: Dataset) -> Folds:
    """One fold that holds out nothing, for the training of a final model."""
    return Folds(np.zeros((1, len(pool)), dtype=bool), "final")


def describe_validation(folds: Folds, pool: Dataset, asked: str) -> str:
    """One line that says what scores a genome. If `asked` is "auto", it also says why."""
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
        why = f"the validation split, {valid} samples, is too small to tell good genomes apart"
    return f"{line}: {why}" if asked == "auto" else line


def _fold_of_groups(counts: NDArray[np.float64], k: int, rng: np.random.Generator) -> NDArray[np.int64]:
    """The fold of each group, int64 [G], from its class counts [G, C]."""
    shares = counts[:, counts.any(axis=0)]
    shares = shares / shares.sum(axis=0)
    order = rng.permutation(len(counts))
    spread = counts.std(axis=1) if counts.shape[1] > 1 else counts[:, 0]
    order = order[np.argsort(-spread[order], kind="stable")]
    folds, filled = np.empty(len(counts), dtype=np.int64), np.zeros((k, shares.shape[1]))
    sizes = np.zeros(k)
    for done, group in enumerate(order):
        filled_if_here = filled[None] + np.eye(k)[:, :, None] * shares[group]
        uneven = filled_if_here.std(axis=1).mean(axis=1).round(9)
        uneven[sizes > 0] += k * (len(order) - done <= (sizes == 0).sum())  # no fold stays empty
        folds[group] = choice = np.lexsort((sizes, uneven))[0]
        filled[choice] += shares[group]
        sizes[choice] += counts[group].sum()
    return folds


def _check_labels(pool: Dataset, folds: Folds) -> None:
    """Raise ValueError if a fold has no label of a task to train on or to score with."""
    for number, held_out in enumerate(folds.held_out):
        for name, task in pool.tasks.items():
            labelled = task.labelled
            if not labelled[held_out].any() or not labelled[~held_out].any():
                where = "to train on" if labelled[held_out].any() else "to score with"
                other = "folds:K" if folds.kind == "groups" else "fewer folds"
                raise ValueError(f"fold {number} of {folds.kind} has no label of {name!r} {where}; use {other}")
