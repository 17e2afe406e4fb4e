"""Which streams are worth it: how well each predicts a task alone, and what it adds to the best one.

All scores are of linear models of features averaged over time, on training and validation samples that they were not
trained on. The test split is not read. Axes: `B` samples, `D` features.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from haemsa.cluster.shared.bootstrap import Difference, gain
from haemsa.model.baselines.held_out import (
    can_be_scored,
    constant_held_out,
    group_folds,
    linear_held_out,
    standard_means,
)
from haemsa.model.data.task import Task
from haemsa.model.metrics import direction, primary, task_metrics


@dataclass(frozen=True)
class StreamWorth:
    """The score of one stream alone, and how much better the best stream gets with it. None: it is the best one."""

    alone: float
    adds: Difference | None


@dataclass(frozen=True)
class Worth:
    """What streams are worth for one task.

    metric: its main metric. samples: with a label. constant: the score of the best constant. best: the best stream.
    skill: how much better it is than the constant. streams: all of them.
    """

    metric: str
    samples: int
    constant: float
    best: str
    skill: Difference
    streams: dict[str, StreamWorth]

    def words(self, stream: str) -> str:
        """What the figures of a stream say, in a sentence."""
        adds = self.streams[stream].adds
        if adds is None:
            poor = "" if self.skill.wins(minimise=False) else ", but hardly better than a constant"
            return f"{stream} is the best alone{poor}"
        wins = adds.wins(minimise=False)
        if wins is None:
            return f"{stream} adds nothing that can be measured"
        return f"{stream} adds to {self.best}" if wins else f"{stream} adds nothing: the score gets worse with it"


def streams_of(
    means: Mapping[str, NDArray[np.float32]], presence: Mapping[str, NDArray[np.bool_]]
) -> dict[str, NDArray[np.float32]]:
    """What linear models read of each stream, from its means over time [B, D] and where it is present [B]."""
    return {name: standard_means(values, presence[name]) for name, values in means.items()}


def worth_of(features: Mapping[str, NDArray[np.float32]], task: Task, groups: NDArray[np.int64]) -> Worth | None:
    """What each stream is worth for a task. None if there are too few labels or groups to say.

    Args:
        features: What `streams_of` gives.
        task: The labels of the same samples.
        groups: The group of each sample. None of them is in two folds.
    """
    known = np.flatnonzero(task.labelled)
    features, task, groups = {name: x[known] for name, x in features.items()}, task.take(known), groups[known]
    held_out, metric = group_folds(groups), primary(task)
    if not can_be_scored(task, held_out):
        return None
    outputs = {name: linear_held_out(features, [name], task, held_out) for name in features}
    alone = {name: task_metrics(task, task.targets, answers)[metric] for name, answers in outputs.items()}
    best = (min if direction(metric) == "min" else max)(alone, key=lambda name: alone[name])
    rng, constant = np.random.default_rng(0), constant_held_out(task, held_out)

    def adds(name: str) -> Difference | None:
        if name == best:
            return None
        together = linear_held_out(features, [best, name], task, held_out)
        return gain(task, groups, together, outputs[best], rng)

    return Worth(
        metric=metric,
        samples=len(known),
        constant=task_metrics(task, task.targets, constant)[metric],
        best=best,
        skill=gain(task, groups, outputs[best], constant, rng),
        streams={name: StreamWorth(alone[name], adds(name)) for name in features},
    )
