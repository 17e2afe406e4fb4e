"""Networks on the small data: outputs, losses and gradients by row."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from haemsa.model.network.batch import Batch, Steps
from haemsa.model.network.cohort import Cohort, CohortRow, Slot, Stacked
from haemsa.model.network.cohort_network import CohortNetwork
from haemsa.model.network.noise import Noise, places_in, step_keys
from haemsa.model.network.weights import Weights, extract_from
from haemsa.model.spec.genome import Genome
from haemsa.model.spec.network import EncoderSpec, ExpertSpec, GateSpec, LevelSpec, NetworkSpec
from haemsa.model.spec.training import TrainingGenes
from haemsa.model.training.fold_statistics import FoldStatistics
from haemsa.model.training.inference import Outputs, build, predict_hiding
from haemsa.model.training.losses.criterion import Criterion
from haemsa.model.training.pool import Pool
from haemsa.model.training.train import FailedRow, TrainedRow
from tests.support.model.random_genomes import SCHEMA, small_dataset, three_folds

POOL = Pool.of(small_dataset())
STATISTICS = FoldStatistics.fit(POOL, three_folds(len(POOL)))


class Step(NamedTuple):
    """What one forward and backward pass gives, per row."""

    outputs: dict[str, Tensor]
    total: Tensor
    gradients: list[Weights]


def network_of(rows: Sequence[CohortRow], dtype: torch.dtype = torch.float64) -> CohortNetwork:
    """The initial network of some rows, with feature statistics of their folds."""
    return build(Cohort(rows, SCHEMA), POOL.device, dtype, STATISTICS)


def one_step(network: CohortNetwork, step: int | None, dtype: torch.dtype = torch.float64) -> Step:
    """A training step's outputs, losses and gradients, on forty samples."""
    cohort, indices = network.cohort, np.arange(40)
    folds = [row.fold for row in cohort.rows]
    weights = STATISTICS.trains[folds].to(dtype)[:, :40]
    criterion, targets = Criterion(cohort, POOL, STATISTICS, weights), POOL.targets_at(torch.from_numpy(indices))
    keys = None if step is None else step_keys(network.noise_keys, step)[0]
    found = network(POOL.batch(indices, dtype), keys)
    total = criterion.total(criterion(found, targets, weights))
    stacks = list(network.stacks())
    gradients = torch.autograd.grad(total.sum(), [stack.parameter for stack in stacks], materialize_grads=True)
    by_stack = list(zip(stacks, gradients, strict=True))
    return Step(found.outputs, total.detach(), extract_from(by_stack, range(len(cohort))))


def row_weights(module: Stacked, rows: int) -> list[Weights]:
    """The weights of each of the first `rows` rows, copied and trimmed."""
    return extract_from([(stack, stack.parameter) for stack in module.stacks()], range(rows))


def outputs_of(
    rows: Sequence[CohortRow], weights: Sequence[Weights], pool: Pool, statistics: FoldStatistics, batch_size: int = 256
) -> list[Outputs]:
    """Outputs of trained rows for every sample of the pool, in the order of `rows`."""
    samples = np.arange(len(pool))
    (outputs,) = predict_hiding(rows, weights, pool, statistics, [()], samples, torch.float64, batch_size)
    return outputs


def shake(network: CohortNetwork, seed: int = 0) -> None:
    """Add noise to all real weights, so that nothing is still at zero; padding stays as it is."""
    with torch.no_grad():
        for stack in network.stacks():
            for slot in stack.slots:
                stack.parameter[slot.place] += 0.3 * _noise_of(slot, network.cohort.rows[slot.row].seed + seed).to(
                    stack.parameter
                )


def _noise_of(slot: Slot, seed: int) -> Tensor:
    generator = torch.Generator().manual_seed(seed + sum(slot.name.encode()))
    return torch.randn(slot.shape, generator=generator)


def padding(network: CohortNetwork) -> Tensor:
    """All numbers that belong to no row."""
    found = []
    for stack in network.stacks():
        real = torch.zeros_like(stack.parameter, dtype=torch.bool)
        for slot in stack.slots:
            real[slot.place] = True
        found.append(stack.parameter.detach()[~real])
    return torch.cat(found)


def genome(
    *levels: LevelSpec, width: int = 4, modalities: Sequence[str] = ("text", "audio"), **training: float | int
) -> Genome:
    """A genome with mean encoders and, unless given, no dropout of any kind."""
    calm = {"dropout": 0.0, "feature_dropout": 0.0, "modality_dropout": 0.0, **training}
    encoders = tuple(EncoderSpec(name) for name in modalities)
    return Genome(NetworkSpec(width, encoders, tuple(levels)), TrainingGenes(**calm))


def level(*experts: ExpertSpec, transfer: bool = True, **gate: object) -> LevelSpec:
    """A level of experts with a gate of the given genes."""
    return LevelSpec(tuple(experts), GateSpec(**gate), transfer)


def noise_of(module: Stacked, samples: int, step: int = 0, keys: Sequence[int] = (1,)) -> Noise:
    """The noise of a module's places in a step, for rows with these keys."""
    return Noise(places_in(module), step_keys(torch.tensor(keys, dtype=torch.int32), step)[0], samples)


def full_batch(count: int = 5, seed: int = 0, dtype: torch.dtype = torch.float64) -> Batch:
    """Random samples of full length with everything present."""
    generator = torch.Generator().manual_seed(seed)
    features = {
        name: torch.randn(count, steps, width, generator=generator).to(dtype)
        for name, (steps, width) in SCHEMA.modalities.items()
    }
    return Batch(
        steps={name: Steps.padded(values, torch.full((count,), values.shape[1])) for name, values in features.items()},
        means={name: values.mean(1) for name, values in features.items()},
        present={name: torch.ones(count, dtype=torch.bool) for name in features},
        complete=True,
    )


def padded(batch: Batch, name: str) -> tuple[Tensor, Tensor]:
    """The features [B, T, D] of a batch that is one block, and which steps are real [B, T]."""
    steps = batch.steps[name]
    (features,), (real,) = steps.samples, steps.by_block(steps.real)
    return features, real


def with_steps(batch: Batch, name: str, features: Tensor | None = None, lengths: Sequence[int] = ()) -> Batch:
    """The same batch with other features [B, T, D] of a modality, or with other lengths."""
    known, real = padded(batch, name)
    counts = torch.tensor(lengths) if lengths else real.sum(1)
    return replace(batch, steps={**batch.steps, name: Steps.padded(known if features is None else features, counts)})


def same_weights(
    found: Sequence[TrainedRow | FailedRow], expected: Sequence[TrainedRow | FailedRow]
) -> list[tuple[TrainedRow, TrainedRow]]:
    """Check that rows have trained to equal weights, but for rounding in double precision. Returns them in pairs."""
    pairs = list[tuple[TrainedRow, TrainedRow]]()
    for here, there in zip(found, expected, strict=True):
        assert isinstance(here, TrainedRow)
        assert isinstance(there, TrainedRow)
        for name, values in there.weights.items():
            torch.testing.assert_close(here.weights[name], values, rtol=1e-9, atol=1e-10)
        pairs.append((here, there))
    return pairs
