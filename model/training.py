"""Training a cohort: fixed epochs per row, averaged late weights, predictions of what each row's fold holds out."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from model.cohort import Cohort, Row, sort_order
from model.data.folds import Folds
from model.losses import TargetScale, cohort_losses
from model.network import CohortNetwork
from model.optimizer import CohortAdamW
from model.pool import FoldStatistics, Pool, batches
from model.weights import Weights, extract_from, insert

Outputs = dict[str, NDArray[np.float32]]
"""Raw predictions by task [N, C]: regression values in the target's units, logits else."""


@dataclass(frozen=True)
class TrainingSettings:
    """What all rows share. `average`: the last share of a row's epochs whose weights are averaged."""

    batch_size: int = 16
    order_seed: int = 0
    average: float = 0.5
    dtype: torch.dtype = torch.float32


@dataclass(frozen=True)
class TrainedRow:
    """A trained network: averaged weights, and outputs for all samples of the pool (score the held-out ones only)."""

    row: Row
    weights: Weights
    outputs: Outputs


@dataclass(frozen=True)
class FailedRow:
    """A row whose loss, weights or outputs were not finite after that many epochs."""

    row: Row
    epochs: int


def train(
    rows: Sequence[Row],
    pool: Pool,
    folds: Folds,
    settings: TrainingSettings | None = None,
    on_epoch: Callable[[int], None] | None = None,
) -> list[TrainedRow | FailedRow]:
    """Train rows together; results come in the order of `rows`.

    A row is trained on what its fold does not hold out, for its own number of epochs, and then leaves the cohort.
    A row that diverges leaves as `FailedRow` and does not touch its neighbours.
    """
    settings = settings or TrainingSettings()
    order = sort_order(rows)
    results: dict[int, TrainedRow | FailedRow] = {}
    statistics = FoldStatistics.fit(pool, folds)
    run = _Run([rows[index] for index in order], order, pool, statistics, settings)
    samples = folds.trained
    epoch = 0
    while run.members:
        run.train_epoch(list(batches(samples, settings.batch_size, settings.order_seed, epoch)))
        epoch += 1
        results |= run.take_finished(epoch)
        if on_epoch is not None:
            on_epoch(epoch)
    return [results[index] for index in range(len(rows))]


class _Run:
    """A cohort in training. `members` are the places of its rows in the caller's list."""

    def __init__(
        self,
        rows: Sequence[Row],
        members: Sequence[int],
        pool: Pool,
        statistics: FoldStatistics,
        settings: TrainingSettings,
    ) -> None:
        self.pool, self.statistics, self.settings = pool, statistics, settings
        self.members, self.step = list(members), 0
        self._build(rows)
        self.average = torch.zeros_like(self.optimizer.values)

    def _build(self, rows: Sequence[Row]) -> None:
        self.cohort = Cohort(rows, self.pool.schema)
        self.network = build(self.cohort, self.pool.device, self.settings.dtype, self.statistics)
        genes = (self.cohort.gene(name) for name in ("learning_rate", "weight_decay", "clip"))
        self.optimizer = CohortAdamW(list(self.network.stacks()), *genes)
        first = self.optimizer.values
        self.weights = self.statistics.trains[[row.fold for row in rows]].to(first)
        self.balance, self.z_loss = (self.cohort.gene(name).to(first) for name in ("balance", "z_loss"))
        self.scales = target_scales(self.statistics, [row.fold for row in rows], first)

    def train_epoch(self, epoch_batches: Sequence[NDArray[np.int64]]) -> None:
        """One pass over the batches; `finite` says which rows still are after it."""
        total = torch.zeros_like(self.balance)
        cuda = self.pool.device.type == "cuda"
        for indices in epoch_batches:
            batch, targets = self.pool.batch(indices, self.settings.dtype), self.pool.targets_at(indices)
            with torch.autocast(self.pool.device.type, dtype=torch.bfloat16, enabled=cuda):
                found = self.network(batch, self.step)
            outputs = {name: values.to(total.dtype) for name, values in found.outputs.items()}
            weights = self.weights[:, torch.from_numpy(indices).to(self.pool.device)]
            losses = cohort_losses(self.pool.schema.tasks, outputs, found.gates, targets, weights, self.scales)
            loss = losses.total(self.balance, self.z_loss)
            self.optimizer.step(loss.sum())
            total += loss.detach()
            self.step += 1
        self.finite = torch.isfinite(total).tolist()

    def take_finished(self, epoch: int) -> dict[int, TrainedRow | FailedRow]:
        """Average late weights; rows whose epochs are done, or that diverged, leave with their result."""
        epochs = [row.genome.training.epochs for row in self.cohort.rows]
        self._update_average(epoch, epochs)
        done = [not finite or epoch >= last for finite, last in zip(self.finite, epochs, strict=True)]
        if not any(done):
            return {}
        found = self._finish([place for place, is_done in enumerate(done) if is_done], epoch)
        self._keep([place for place, is_done in enumerate(done) if not is_done])
        return found

    def _update_average(self, epoch: int, epochs: Sequence[int]) -> None:
        """A running mean of the weights at the ends of each row's last epochs."""
        starts = [last - math.ceil(last * self.settings.average) for last in epochs]
        share = torch.tensor([1 / (epoch - start) if epoch > start else 0.0 for start in starts])
        with torch.no_grad():
            for span, by_slot in self.optimizer.by_slot(share):
                span.view(self.average).lerp_(span.view(self.optimizer.values), by_slot)

    def _finish(self, places: Sequence[int], epoch: int) -> dict[int, TrainedRow | FailedRow]:
        averages = self._extract(self.average)
        results: dict[int, TrainedRow | FailedRow] = {}
        good = [place for place in places if self.finite[place] and _is_finite(averages[place])]
        for place in set(places) - set(good):
            results[self.members[place]] = FailedRow(self.cohort.rows[place], epoch)
        if good:
            rows, weights = [self.cohort.rows[place] for place in good], [averages[place] for place in good]
            outputs = predict(rows, weights, self.pool, self.statistics, self.settings.dtype)
            for place, row, found, output in zip(good, rows, weights, outputs, strict=True):
                finite = all(np.isfinite(values).all() for values in output.values())
                results[self.members[place]] = TrainedRow(row, found, output) if finite else FailedRow(row, epoch)
        return results

    def _keep(self, places: Sequence[int]) -> None:
        """Go on with some rows: their weights, moments and averages move into a smaller cohort."""
        arrays = [self._extract(array) for array in (*self.optimizer.state(), self.average)]
        steps = self.optimizer.steps
        self.members = [self.members[place] for place in places]
        if not places:
            return
        self._build([self.cohort.rows[place] for place in places])
        self.average = torch.zeros_like(self.optimizer.values)
        self.optimizer.set_steps(steps)
        for array, values in zip((*self.optimizer.state(), self.average), arrays, strict=True):
            self.optimizer.insert(array, [values[place] for place in places])

    def _extract(self, array: Tensor) -> list[Weights]:
        views = [(span.stack, span.view(array)) for span in self.optimizer.spans]
        return extract_from(views, len(self.cohort))


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
) -> list[Outputs]:
    """Outputs of trained rows for every sample of the pool, in the order of `rows`."""
    order = sort_order(rows)
    cohort = Cohort([rows[index] for index in order], pool.schema)
    network = build(cohort, pool.device, dtype, statistics).eval()
    insert(network, [weights[index] for index in order])
    scales = target_scales(statistics, [row.fold for row in cohort.rows], network.noise_keys.new_zeros(1, dtype=dtype))
    parts: list[dict[str, Tensor]] = []
    with torch.inference_mode():
        for indices in np.array_split(np.arange(len(pool)), math.ceil(len(pool) / batch_size)):
            outputs = network(pool.batch(indices, dtype)).outputs
            parts.append({name: _unscale(values, scales.get(name)).float().cpu() for name, values in outputs.items()})
    joined = {name: torch.cat([part[name] for part in parts], 1).numpy() for name in pool.schema.tasks}
    found: Mapping[int, Outputs] = {
        index: {name: values[place] for name, values in joined.items()} for place, index in enumerate(order)
    }
    return [found[index] for index in range(len(rows))]


def _unscale(values: Tensor, scale: TargetScale | None) -> Tensor:
    return values if scale is None else values * scale.deviation + scale.mean


def _is_finite(weights: Weights) -> bool:
    return all(bool(torch.isfinite(values).all()) for values in weights.values())
