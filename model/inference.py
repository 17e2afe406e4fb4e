"""Networks on a device, and what trained rows answer for the samples of a pool."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from model.cohort import Cohort, Row, sort_order
from model.losses import TargetScale
from model.network import CohortNetwork
from model.pool import FoldStatistics, Pool
from model.weights import Weights, insert

Outputs = dict[str, NDArray[np.float32]]
"""Raw predictions by task [N, C]: regression values in the target's units, logits else."""


def build(cohort: Cohort, device: torch.device, dtype: torch.dtype, statistics: FoldStatistics | None) -> CohortNetwork:
    """A network on a device, standardising features as each row's fold asks."""
    network = CohortNetwork(cohort).to(device=device, dtype=dtype)
    if statistics is not None:
        network.set_statistics(statistics.features)
    return network


def target_scales(statistics: FoldStatistics, folds: Sequence[int], like: Tensor) -> dict[str, TargetScale]:
    """Mean and deviation of each regression target for rows of the given folds."""
    return {
        name: TargetScale(*(part[list(folds)].to(like).view(-1, 1, 1) for part in parts))
        for name, parts in statistics.targets.items()
    }


def predict(
    rows: Sequence[Row],
    weights: Sequence[Weights],
    pool: Pool,
    statistics: FoldStatistics,
    dtype: torch.dtype = torch.float32,
    batch_size: int = 256,
    hidden: Collection[str] = (),
) -> list[Outputs]:
    """Outputs of trained rows for every sample of the pool, in the order of `rows`, without the `hidden` modalities."""
    order = sort_order(rows)
    cohort = Cohort([rows[index] for index in order], pool.schema)
    network = build(cohort, pool.device, dtype, statistics).eval()
    insert(network, [weights[index] for index in order])
    scales = target_scales(statistics, [row.fold for row in cohort.rows], network.noise_keys.new_zeros(1, dtype=dtype))
    parts: list[dict[str, Tensor]] = []
    with torch.inference_mode():
        chunks = np.array_split(np.arange(len(pool)), math.ceil(len(pool) / batch_size))
        for batch in pool.read(chunks, dtype, network.encoders.reads):
            outputs = network(batch.hiding(hidden)).outputs
            parts.append({name: _unscale(values, scales.get(name)).float().cpu() for name, values in outputs.items()})
    joined = {name: torch.cat([part[name] for part in parts], 1).numpy() for name in pool.schema.tasks}
    found: Mapping[int, Outputs] = {
        index: {name: values[place] for name, values in joined.items()} for place, index in enumerate(order)
    }
    return [found[index] for index in range(len(rows))]


def _unscale(values: Tensor, scale: TargetScale | None) -> Tensor:
    return values if scale is None else values * scale.deviation + scale.mean
