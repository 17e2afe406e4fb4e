"""What is lost without each stream: by the best network, and by a linear model that is trained without it.

A network that never met a missing stream in training guesses badly without one. Then it loses more than a network that
was trained without the stream would, and the linear model says more.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from haemsa.cluster.report.best_model.held_out import ObservedModel
from haemsa.cluster.shared.bootstrap import Difference, gain
from haemsa.model.baselines.held_out import can_be_scored, group_folds, linear_held_out, standard_means
from haemsa.model.data.dataset import Dataset
from haemsa.model.data.task import Task
from haemsa.model.metrics import primary, task_metrics
from haemsa.model.predictor.scores import as_scores

MOST: Final = 2000
"""Linear models are trained and scored on at most so many samples, drawn at random, because they are trained often."""
Outputs = NDArray[np.float32]


@dataclass(frozen=True)
class StreamLosses:
    """How much worse the main metric of a task gets without each stream, on held-out samples. Above 0 is worse.

    score: that of the network with all streams. read, unread: the streams of the data that it reads, and those that it
    does not read. hidden: by stream, what the network loses if the stream is hidden. Nothing is hidden if it reads only
    one. retrained: what a linear model loses that is trained without the stream, where the network never met its
    absence; NaN if there are too few labels or groups.
    """

    metric: str
    score: float
    read: Sequence[str]
    unread: Sequence[str]
    hidden: Mapping[str, Difference]
    retrained: Mapping[str, Difference]

    def words(self, stream: str) -> str:
        """Whether the stream can be dropped, to be read after its name."""
        if stream in self.unread:
            return "can be dropped: the network does not read it"
        if stream not in self.hidden:
            return "the network reads nothing else"
        if not self.hidden[stream].wins(minimise=False):
            return "can be dropped: nothing is lost that can be measured"
        if stream not in self.retrained:
            return "is worth it"
        if self.retrained[stream].wins(minimise=False):
            return "is worth it: a linear model loses too"
        return "can perhaps be dropped: a linear model loses nothing"


def stream_losses(observed: ObservedModel) -> dict[str, StreamLosses]:
    """By task, what is lost without each stream."""
    data, network = observed.held.data, observed.insight.genome.network
    read = [name for name in data.modalities if name in network.modalities]
    unread = [name for name in data.modalities if name not in read]
    hidden = {name: _without(observed, name) for name in read} if len(read) > 1 else {}
    unmet = [name for name in hidden if not _met(observed, name)]
    features = {name: standard_means(data.modalities[name].moments[0], data.modalities[name].presence) for name in read}
    losses = {}
    for name in observed.insight.outputs:
        task, rng = data.tasks[name], np.random.default_rng(0)
        whole = as_scores(task, observed.outputs[name])
        losses[name] = StreamLosses(
            metric=primary(task),
            score=task_metrics(task, task.targets, whole)[primary(task)],
            read=read,
            unread=unread,
            hidden={
                stream: gain(task, data.groups, whole, as_scores(task, outputs[name]), rng)
                for stream, outputs in hidden.items()
            },
            retrained=_retrained(features, data, task, unmet, rng),
        )
    return losses


def _without(observed: ObservedModel, stream: str) -> dict[str, Outputs]:
    """The held-out predictions by task if a stream is hidden."""
    data = observed.held.data
    inputs = observed.predictor.inputs(data.hiding([stream], np.zeros((len(data), 1), dtype=bool)))
    return {task: observed.held.mean(values) for task, values in observed.predictor.predict_members(inputs).items()}


def _met(observed: ObservedModel, stream: str) -> bool:
    """Whether the network met samples without the stream in training."""
    training = observed.insight.genome.training
    hides = training.modality_dropout > 0 or training.distillation > 0
    return hides or not observed.held.data.modalities[stream].presence.all()


def _retrained(
    features: Mapping[str, Outputs], data: Dataset, task: Task, without: Sequence[str], rng: np.random.Generator
) -> dict[str, Difference]:
    """By stream, how much worse a linear model gets that is trained without it."""
    known = np.flatnonzero(task.labelled)
    if len(known) > MOST:
        known = np.sort(rng.choice(known, MOST, replace=False))
    task, groups = task.take(known), data.groups[known]
    held_out = group_folds(groups)
    if not without or not can_be_scored(task, held_out):
        return dict.fromkeys(without, Difference(math.nan, math.nan, math.nan))
    parts: dict[str, Any] = {name: values[known] for name, values in features.items()}
    whole = linear_held_out(parts, list(parts), task, held_out)

    def lost(stream: str) -> Difference:
        others = [name for name in parts if name != stream]
        return gain(task, groups, whole, linear_held_out(parts, others, task, held_out), rng)

    return {stream: lost(stream) for stream in without}
