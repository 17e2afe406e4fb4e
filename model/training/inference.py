"""Networks on a device, and what trained rows answer for the samples of a pool."""

from __future__ import annotations

from collections.abc import Collection, Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from haemsa.model.network.batch import TargetScale
from haemsa.model.network.cohort import Cohort, CohortRow, sort_order
from haemsa.model.network.cohort_network import CohortNetwork
from haemsa.model.network.weights import Weights, insert
from haemsa.model.training.fold_statistics import FoldStatistics
from haemsa.model.training.pool import Pool

Outputs = dict[str, NDArray[np.float32]]
"""Raw predictions by task [N, C]: regression values in the target's units, logits else."""


def build(
    cohort: Cohort,
    device: torch.device,
    dtype: torch.dtype,
    statistics: FoldStatistics | None,
    weights: Sequence[Weights] | None = None,
) -> CohortNetwork:
    """A network on a device, standardising features as each row's fold asks; with the rows' weights, if given."""
    network = CohortNetwork(cohort).to(dtype=dtype)
    if weights is not None:
        insert(network, weights)  # before it moves: thousands of small parts
    network.to(device)
    if statistics is not None:
        network.set_statistics(statistics.features)
    return network


def target_scales(statistics: FoldStatistics, folds: Sequence[int], like: Tensor) -> dict[str, TargetScale]:
    """Mean and deviation of each regression target for rows of the given folds."""
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
    """For each set of modalities that are hidden, outputs of trained rows, in the order of `rows`.

    Only of the given samples, each of which is read once; the outputs of the others are 0.
    """
    order = sort_order(rows)
    cohort = Cohort([rows[index] for index in order], pool.schema)
    network = build(cohort, pool.device, dtype, statistics, [weights[index] for index in order]).eval()
    scales = target_scales(statistics, [row.fold for row in cohort.rows], network.noise_keys.new_zeros(1, dtype=dtype))
    sizes = {name: task.outputs for name, task in pool.schema.tasks.items()}
    found = [{name: np.zeros((len(rows), len(pool), C), np.float32) for name, C in sizes.items()} for _ in hidden]
    chunks = pool.chunks(samples, network.reads, batch_size)
    with torch.inference_mode():
        for indices, batch in zip(chunks, pool.read(chunks, dtype, network.reads), strict=True):
            for names, outputs in zip(hidden, found, strict=True):
                for name, values in network(batch.hiding(names)).outputs.items():
                    outputs[name][:, indices] = _unscale(values, scales.get(name)).float().cpu().numpy()
    back = np.argsort(order)
    return [[{name: values[place] for name, values in outputs.items()} for place in back.tolist()] for outputs in found]


def _unscale(values: Tensor, scale: TargetScale | None) -> Tensor:
    return values if scale is None else values * scale.deviation + scale.mean
