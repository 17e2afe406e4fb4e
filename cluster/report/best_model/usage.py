"""How much a network uses its experts and tokens, by groups of samples. Axes as in model/predictor/insight.py."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

import numpy as np
from numpy.typing import NDArray

from haemsa.cluster.report.best_model.held_out import ObservedModel
from haemsa.model.data.task import Task
from haemsa.model.metrics import SENTIMENT_BOUNDS
from haemsa.model.spec.network import ExpertSpec

_SENTIMENT: Final = (-1.5, -0.5, 0.5, 1.5)
_BANDS: Final = 4
_MOST_GROUPS: Final = 11
SAME: Final = 0.005
"""Weights that differ by less are the same when they are shown."""


@dataclass(frozen=True)
class Usage:
    """A table of mean weights [rows, columns]. Rows: tokens or experts. Columns: groups of samples."""

    title: str
    rows: tuple[str, ...]
    columns: tuple[str, ...]
    weights: NDArray[np.float64]


def usage_of(observed: ObservedModel, task: str) -> list[Usage]:
    """What the task's head takes of each token, then per level how much all tokens together take of each expert."""
    groups, insight = groups_of(observed.held.data.tasks[task]), observed.insight
    shares = observed.held.mean(insight.shares[task])
    tables = [_table("what the head reads: tokens", insight.tokens, shares, groups)]
    for number, (level, gates) in enumerate(zip(insight.genome.network.levels, insight.gates, strict=True), start=1):
        names = [_expert(place, expert) for place, expert in enumerate(level.experts, start=1)]
        weights = observed.held.mean(gates[..., : len(names)].mean(2))
        tables.append(_table(f"level {number}: experts", names, weights, groups))
    return tables


def _expert(place: int, expert: ExpertSpec) -> str:
    """An expert with its place in its level, because several may be alike."""
    return f"{place}: {expert.kind.replace('_', ' ')} of {' + '.join(expert.sees)}, {expert.depth} x {expert.width}"


def groups_of(task: Task) -> dict[str, NDArray[np.bool_]]:
    """All labelled samples, then those of each label or band of values, bool [N]. Empty groups are left out.

    The bands of sentiment are strong and weak on both sides, and neutral. Those of other values are quarters.
    """
    groups = {"all": task.labelled}
    if task.kind == "regression":
        groups |= _bands(task)
    else:
        hot = task.targets[:, None] == np.arange(len(task.labels)) if task.kind == "classes" else task.targets == 1
        groups |= {label: hot[:, number] for number, label in enumerate(task.labels)}
    return {name: members for name, members in list(groups.items())[:_MOST_GROUPS] if members.any()}


def _bands(task: Task) -> dict[str, NDArray[np.bool_]]:
    values = task.targets[task.labelled]
    quarters = np.quantile(values, np.arange(1, _BANDS) / _BANDS)
    inner = _SENTIMENT if task.bounds == SENTIMENT_BOUNDS else tuple(np.unique(quarters).tolist())
    band = np.where(task.labelled, np.digitize(np.nan_to_num(task.targets), inner), -1)
    edges = [float(values.min()), *inner, float(values.max())]
    return {f"{low:.3g} to {high:.3g}": band == n for n, (low, high) in enumerate(pairwise(edges))}


def _table(
    title: str, rows: Iterable[str], values: NDArray[np.float32], groups: Mapping[str, NDArray[np.bool_]]
) -> Usage:
    weights = np.array([values[members].mean(axis=0) for members in groups.values()], dtype=np.float64).T
    if np.ptp(weights, axis=1).max() < SAME:
        return Usage(f"{title} (the same in every group)", tuple(rows), ("all",), weights[:, :1])
    return Usage(title, tuple(rows), tuple(groups), weights)
