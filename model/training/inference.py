"""Networks on a device, and what trained rows predict for the samples of a pool."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from haemsa.model.missing_modalities import streams_of, subsets
from haemsa.model.network.batch import TargetScale
from haemsa.model.network.cohort import Cohort, CohortRow, sort_order
from haemsa.model.network.cohort_network import CohortNetwork
from haemsa.model.network.weights import Weights, insert
from haemsa.model.training.fold_statistics import FoldStatistics
from haemsa.model.training.pool import Pool

Outputs = dict[str, NDArray[np.float32]]
"""Raw predictions by task [N, C]: regression values in the target's units, or logits."""


def build(
    cohort: Cohort,
    device: torch.device,
    dtype: torch.dtype,
    statistics: FoldStatistics | None,
    weights: Sequence[Weights] | None = None,
) -> CohortNetwork:
    """A cohort's networks on a device, with the feature statistics of each row's fold, and with weights."""
    network = CohortNetwork(cohort).to(dtype=dtype)
    if weights is not None:
        insert(network, weights)  # before it moves: a copy of each small weight to a GPU takes long
    network.to(device)
    if statistics is not None:
        network.set_statistics(statistics.features)
    return network


def target_scales(statistics: FoldStatistics, folds: Sequence[int], like: Tensor) -> dict[str, TargetScale]:
    """Mean and standard deviation of each regression target for rows of these folds."""
    return {
        name: TargetScale(*(part[list(folds)].to(like).view(-1, 1, 1) for part in parts))
        for name, parts in statistics.targets.items()
    }


def predict_hiding(
    rows: Sequence[CohortRow],
    weights: Sequence[Weights],
    pool: Pool,
    statistics: FoldStatistics,
    hidden: Sequence[Collection[str]],
    samples: NDArray[np.int64],
    dtype: torch.dtype = torch.float32,
    batch_size: int = 256,
) -> list[list[Outputs]]:
    """Outputs of trained rows, in the order of `rows`, for each set of hidden modalities.

    Args:
        rows: Trained networks.
        weights: Their weights.
        pool: The samples.
        statistics: Of the folds that the rows were trained on.
        hidden: Sets of modalities. Each set is hidden in turn.
        samples: Indices of those to predict. Each is read only once. The outputs of the others are 0.
        dtype: Precision of the arithmetic.
        batch_size: The most samples at a time.
    """
    order = sort_order(rows)
    cohort = Cohort([rows[index] for index in order], pool.schema, drawn=False)
    network = build(cohort, pool.device, dtype, statistics, [weights[index] for index in order])
    places = np.argsort(order).tolist()
    return outputs_hiding(network, places, pool, statistics, hidden, samples, batch_size)


def outputs_hiding(
    network: CohortNetwork,
    places: Sequence[int],
    pool: Pool,
    statistics: FoldStatistics,
    hidden: Sequence[Collection[str]],
    samples: NDArray[np.int64],
    batch_size: int = 256,
) -> list[list[Outputs]]:
    """The same of the rows at these places of a network, by the weights that it has."""
    like = next(network.parameters())
    scales = target_scales(statistics, [row.fold for row in network.cohort.rows], like)
    taken = torch.tensor(places, device=pool.device)
    chunks = pool.chunks(samples, network.reads, batch_size)
    parts: list[dict[str, list[Tensor]]] = [{name: [] for name in pool.schema.tasks} for _ in hidden]
    order = list[NDArray[np.int64]]()
    with torch.inference_mode():
        for read, batch in pool.read(chunks, like.dtype, network.reads):
            order.append(read)
            for names, found in zip(hidden, parts, strict=True):
                for name, values in network(batch.hiding(names)).outputs.items():
                    found[name].append(unscaled(values, scales.get(name)).index_select(0, taken).float())
        return [_by_row(found, len(places), pool, order) for found in parts]


def _by_row(
    parts: Mapping[str, list[Tensor]], rows: int, pool: Pool, samples: Sequence[NDArray[np.int64]]
) -> list[Outputs]:
    """Outputs of each row, from those of all rows for parts of the samples. They leave the device at once."""
    outputs = {name: np.zeros((rows, len(pool), task.outputs), np.float32) for name, task in pool.schema.tasks.items()}
    for name, found in parts.items():
        if found:
            outputs[name][:, np.concatenate(samples)] = torch.cat(found, 1).cpu().numpy()
    return [{name: values[row] for name, values in outputs.items()} for row in range(rows)]


def showings(pool: Pool, *, subsets_too: bool) -> dict[tuple[str, ...], set[str]]:
    """What is hidden, by the modalities that are shown: first all, then each subset of them if wanted."""
    streams = streams_of(list(pool.schema.modalities))
    names = tuple(streams)
    shown = subsets(names) if subsets_too else [names]
    return {subset: {name for owner in names if owner not in subset for name in streams[owner]} for subset in shown}


def unscaled(values: Tensor, scale: TargetScale | None) -> Tensor:
    """Outputs of a task in the units of its labels."""
    return values if scale is None else values * scale.deviation + scale.mean
