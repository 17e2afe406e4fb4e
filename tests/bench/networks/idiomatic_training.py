"""Training one idiomatic network as most people would, and loading one with the weights of a cohort's row."""

from __future__ import annotations

import copy
import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from haemsa.evo.expert_space.bounds import OPTIONAL
from haemsa.model.data.folds import Folds
from haemsa.model.network.batch import FeatureStatistics
from haemsa.model.schema import TaskInfo
from haemsa.model.spec.genome import Genome
from haemsa.model.training.losses.gate_losses import HUBER_DELTA, ROUTER_Z_WEIGHT
from haemsa.model.training.pool import Pool, batches
from tests.bench.networks.idiomatic import Encoder, IdiomaticNetwork
from tests.bench.networks.idiomatic_experts import Expert, TensorExpert

Gate = tuple[Tensor, Tensor, Tensor]
Scales = dict[str, tuple[float, float]]
"""Mean and standard deviation of each task's targets."""
PLAIN: Final[Mapping[str, Any]] = {
    "losses": ("huber",), "task_weight": (1, 1), **dict.fromkeys(OPTIONAL, (0, 0)),
}  # fmt: skip
"""Within these bounds `train_alone` knows all training genes that have an effect."""


def train_alone(genome: Genome, pool: Pool, folds: Folds, batch_size: int, seed: int = 0) -> dict[str, Tensor]:
    """Train on what the first fold trains on; returns the outputs for all samples, under averaged late weights."""
    return next(train_in_parts(genome, pool, folds, batch_size, seed, [genome.training.epochs]))


def train_in_parts(
    genome: Genome, pool: Pool, folds: Folds, batch_size: int, seed: int, ends: Sequence[int]
) -> Iterator[dict[str, Tensor]]:
    """The same, with outputs each time that as many epochs have ended as `ends` says, in ascending order.

    Before weights are averaged, the outputs are those of the last weights. The random numbers of torch belong to this
    training from one part to the next.
    """
    torch.manual_seed(seed)
    genes = genome.training
    network = IdiomaticNetwork(genome, pool.schema).to(pool.device)
    optimizer = torch.optim.AdamW(network.parameters(), lr=genes.learning_rate, weight_decay=genes.weight_decay)
    average, start = copy.deepcopy(network).eval(), genes.epochs - math.ceil(genes.epochs * 0.5)
    scales, ended = target_scales(pool, folds), 0
    for end in ends:
        for epoch in range(ended, end):
            for indices in batches(folds.trained, batch_size, seed, epoch):
                _step(genome, network, optimizer, pool, scales, indices)
            for mean, value in zip(average.parameters(), network.parameters(), strict=True):
                mean.data.lerp_(value.data, 1 / (max(epoch - start, 0) + 1))
        ended = max(ended, end)
        yield _outputs(average, pool, scales)


def _step(
    genome: Genome, network: IdiomaticNetwork, optimizer: torch.optim.Optimizer, pool: Pool, scales: Scales,
    indices: np.ndarray,
) -> None:  # fmt: skip
    """One step of the optimizer on a batch."""
    outputs, gates = network(pool.batch(indices))
    targets = pool.targets_at(torch.from_numpy(indices).to(pool.device))
    losses = [
        task_loss(task, outputs[name], (targets[name].values - scales[name][0]) / scales[name][1], targets[name].known)
        for name, task in pool.schema.tasks.items()
    ]
    of_gates = genome.training.balance * sum(map(balance_loss, gates)) + ROUTER_Z_WEIGHT * sum(map(z_loss, gates))
    loss = sum(losses) + of_gates
    optimizer.zero_grad()
    loss.backward()
    nn.utils.clip_grad_norm_(network.parameters(), genome.training.clip)
    optimizer.step()


def _outputs(network: IdiomaticNetwork, pool: Pool, scales: Scales) -> dict[str, Tensor]:
    with torch.inference_mode():
        outputs = network(pool.batch(np.arange(len(pool))))[0]
    return {name: values * scales[name][1] + scales[name][0] for name, values in outputs.items()}


def target_scales(pool: Pool, folds: Folds) -> Scales:
    """Mean and standard deviation of each regression target on what the first fold trains on; (0, 1) for classes."""
    trained, found = torch.from_numpy(folds.trained).to(pool.device), {}
    for name, task in pool.schema.tasks.items():
        values, known = (part[trained] for part in pool.targets[name])
        labelled = values[known > 0]
        found[name] = (float(labelled.mean()), float(labelled.std())) if task.kind == "regression" else (0.0, 1.0)
    return found


def task_loss(task: TaskInfo, outputs: Tensor, values: Tensor, known: Tensor) -> Tensor:
    """Mean loss of a task over known labels."""
    if task.kind == "regression":
        losses = F.huber_loss(outputs, values, reduction="none", delta=HUBER_DELTA)
    elif task.kind == "classes":
        losses = F.cross_entropy(outputs, values.squeeze(1).long(), reduction="none").unsqueeze(1)
    else:
        losses = F.binary_cross_entropy_with_logits(outputs, values, reduction="none")
    return (losses * known).sum() / known.sum().clamp(min=1)


def balance_loss(gate: Gate) -> Tensor:
    """Squared coefficient of variation of expert importance, averaged over tokens."""
    weights, _, allowed = gate
    usable = allowed.any(0)  # [D, E]
    importance, count = weights.mean(0), usable.sum(-1).clamp(min=1)
    mean = importance.sum(-1) / count
    variance = ((importance - mean.unsqueeze(-1)).square() * usable).sum(-1) / count
    tokens = usable.any(-1)
    return (variance / (mean.square() + 1e-6) * tokens).sum() / tokens.sum()


def z_loss(gate: Gate) -> Tensor:
    """Mean squared log-sum-exp of the logits of usable experts."""
    _, logits, allowed = gate
    usable = allowed.any(-1)
    masked = logits.masked_fill(~allowed, float("-inf")).masked_fill(~usable.unsqueeze(-1), 0.0)
    return (masked.logsumexp(-1).square() * usable).sum() / usable.sum()


def load_row(
    network: IdiomaticNetwork, weights: Mapping[str, Tensor], statistics: FeatureStatistics, fold: int
) -> None:
    """Copy a row's weights; what a fold's feature statistics do is folded into the projections."""
    with torch.no_grad():
        for encoder in network.encoders:
            _load_encoder(encoder, weights, statistics, fold)
        for number, level in enumerate(network.levels):
            for index, expert in enumerate(level.experts):
                path = f"levels.{number}.experts.{index}"
                if isinstance(expert, TensorExpert):
                    _load_tensor_expert(expert, weights, path)
                else:
                    _load_expert(expert, weights, path)
                    _load_readers(expert, weights, path, statistics, fold)
            for name, gate in zip(level.names, level.gates, strict=True):
                _load_linear(gate, weights, f"levels.{number}.gate.{name}.weight", f"levels.{number}.gate.{name}.bias")
        for name, head in network.heads.items():
            head.gate.weight.copy_(weights[f"heads.{name}.gate"].T)
            head.gate_bias.copy_(torch.stack([weights[f"heads.{name}.gate_bias.{token}"] for token in network.names]))
            _load_linear(head.out, weights, f"heads.{name}.weight", f"heads.{name}.bias")


def _load_linear(linear: nn.Linear, weights: Mapping[str, Tensor], weight: str, bias: str) -> None:
    linear.weight.copy_(weights[weight].T)
    linear.bias.copy_(weights[bias])


def _load_encoder(encoder: Encoder, weights: Mapping[str, Tensor], statistics: FeatureStatistics, fold: int) -> None:
    name = encoder.spec.modality
    moments = (statistics.steps if encoder.spec.kind == "convolution" else statistics.pooled)[name]
    mean, scale = (part[fold].to(weights[f"encoders.{name}.weight"]) for part in moments)
    weight = weights[f"encoders.{name}.weight"] * scale
    bias = weights[f"encoders.{name}.bias"] - weight @ mean
    for projection, head_weight, head_bias in zip(
        encoder.projections, weight.chunk(len(encoder.projections)), bias.chunk(len(encoder.projections)), strict=True
    ):
        projection.weight.copy_(head_weight)
        projection.bias.copy_(head_bias)
    encoder.stand_in.copy_(weights[f"encoders.{name}.stand_in"])
    encoder.share.copy_(weights[f"encoders.{name}.share"][0])
    if encoder.spec.kind == "attention":
        encoder.query.weight.copy_(weights[f"encoders.{name}.query"] * scale)
    if encoder.spec.kind == "convolution":
        encoder.convolution.weight.copy_(weights[f"encoders.{name}.kernel"].unsqueeze(1))


def _load_expert(expert: Expert, weights: Mapping[str, Tensor], path: str) -> None:
    sees = expert.spec.sees
    if expert.spec.kind == "low_rank":
        for name, factor in zip(sees, expert.factors, strict=True):
            _load_linear(factor, weights, f"{path}.in.{name}", f"{path}.in.{name}.bias")
    else:
        expert.join.weight.copy_(torch.cat([weights[f"{path}.in.{name}"] for name in sees]).flatten(1).T)
        expert.join.bias.copy_(weights[f"{path}.in.bias"].flatten())
    for layer, linear in enumerate(expert.layers, start=1):
        _load_linear(linear, weights, f"{path}.layer.{layer}", f"{path}.layer.{layer}.bias")
    _load_linear(expert.out, weights, f"{path}.out", f"{path}.out.bias")


def _load_readers(
    expert: Expert, weights: Mapping[str, Tensor], path: str, statistics: FeatureStatistics, fold: int
) -> None:
    for name, key in expert.keys.items():
        mean, scale = (part[fold].to(weights[f"{path}.out"]) for part in statistics.steps[name])
        key.weight.copy_(weights[f"{path}.key.{name}"].T * scale)
        value = weights[f"{path}.value.{name}"].T * scale
        expert.values[name].weight.copy_(value)
        expert.values[name].bias.copy_(weights[f"{path}.value.{name}.bias"] - value @ mean)


def _load_tensor_expert(expert: TensorExpert, weights: Mapping[str, Tensor], path: str) -> None:
    for name, linear in expert.units.items():
        _load_linear(linear, weights, f"{path}.in.{name}", f"{path}.in.{name}.bias")
    _load_linear(expert.out, weights, f"{path}.out", f"{path}.out.bias")
