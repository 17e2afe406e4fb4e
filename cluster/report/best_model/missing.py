"""Metrics of a search's best on held-out samples, by the modalities that are shown."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from haemsa.cluster.report.best_model.held_out import ObservedModel
from haemsa.model.missing_modalities import streams_of, subsets
from haemsa.model.predictor.scores import member_metrics

MOST: Final = 5
"""Up to so many modalities, every subset is shown. Of more: all of them, all but one, and each alone."""
_LEFT_OUT: Final = frozenset({"acc5", "acc3", "acc2_has0", "f1_has0", "mae_unclipped"})


def missing_table(observed: ObservedModel) -> dict[str, dict[str, float]]:
    """By subset ("text+audio", the largest first), the main metrics of each task.

    Only modalities that the network reads are in it.
    """
    data = observed.held.data
    streams = {
        name: read
        for name, owned in streams_of(list(data.modalities)).items()
        if (read := [stream for stream in owned if stream in observed.insight.genome.network.modalities])
    }
    names, all_streams = list(streams), [stream for owned in streams.values() for stream in owned]
    table = {}
    for subset in _subsets(names):
        kept = {stream for name in subset for stream in streams[name]}
        shown = np.tile([stream in kept for stream in all_streams], (len(data), 1))
        inputs = observed.predictor.inputs(data.hiding(all_streams, shown))
        outputs = observed.predictor.predict_members(inputs)
        metrics = member_metrics(data, {task: observed.held.mean(values) for task, values in outputs.items()})
        table["+".join(subset)] = {key: value for key, value in metrics.items() if _name(key) not in _LEFT_OUT}
    return table


def goodness(table: Mapping[str, Mapping[str, float]]) -> NDArray[np.float64]:
    """How good each value is within its column [subsets, metrics]: 0 for the worst, 1 for the best."""
    from haemsa.model.metrics import direction

    columns = list(next(iter(table.values())))
    values = np.array([[row[name] for name in columns] for row in table.values()])
    signed = values * np.array([-1 if direction(name) == "min" else 1 for name in columns])
    low, span = np.nanmin(signed, axis=0), np.ptp(np.nan_to_num(signed), axis=0)
    return np.asarray(np.nan_to_num((signed - low) / np.where(span > 0, span, 1.0)))


def _subsets(names: Sequence[str]) -> list[tuple[str, ...]]:
    sizes = range(1, len(names) + 1) if len(names) <= MOST else (1, len(names) - 1, len(names))
    return [subset for subset in subsets(names) if len(subset) in sizes]


def _name(key: str) -> str:
    """The metric without its task."""
    return key.rpartition("/")[2]
