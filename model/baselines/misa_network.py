"""A network like MISA (Hazarika, Zimmermann and Poria, "MISA: Modality-Invariant and -Specific Representations", 2020).

As there: modalities are projected to one width and encoded twice, by an encoder of their own (private) and by one that
all share; the shared parts of modalities are drawn together, private parts kept apart from shared ones and from each
other, and each modality is rebuilt from its two parts; attention over all parts, then two dense layers predict.
Not as there: no LSTM or BERT reads sequences, a modality is its mean and deviation over time; the task's loss is that
of the other networks here; epochs are a setting, and nothing stops early. Axes: `M` modalities, `B` samples, `H` width.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional as F

from haemsa.model.data.task import Task
from haemsa.model.network.batch import Targets, TargetScale
from haemsa.model.schema import TaskInfo
from haemsa.model.training.losses.task_losses import TaskLoss
from haemsa.model.training.pool import batches, targets_of
from haemsa.model.training.process import prepare_process

BATCH: Final = 64
MOMENTS: Final = 5
HEADS: Final = 2
CLIP: Final = 1.0


class Parts(NamedTuple):
    """Predictions [B, C]; and by modality [M, B, H] what was projected, its two parts, and what they rebuild."""

    outputs: Tensor
    projected: Tensor
    private: Tensor
    shared: Tensor
    rebuilt: Tensor


class Misa(nn.Module):
    """The network, for modalities of these sizes."""

    def __init__(self, sizes: Sequence[int], outputs: int, width: int, dropout: float) -> None:
        super().__init__()
        self.projections = nn.ModuleList(
            nn.Sequential(nn.Linear(size, width), nn.ReLU(), nn.LayerNorm(width)) for size in sizes
        )
        self.private = nn.ModuleList(nn.Sequential(nn.Linear(width, width), nn.Sigmoid()) for _ in sizes)
        self.shared = nn.Sequential(nn.Linear(width, width), nn.Sigmoid())
        self.decoders = nn.ModuleList(nn.Linear(width, width) for _ in sizes)
        self.attention = nn.TransformerEncoderLayer(width, HEADS, 2 * width, dropout=0.0, batch_first=True)
        joint = 2 * len(sizes) * width
        self.head = nn.Sequential(
            nn.Linear(joint, joint // 2), nn.Dropout(dropout), nn.ReLU(), nn.Linear(joint // 2, outputs)
        )

    def forward(self, features: Sequence[Tensor]) -> Parts:
        """Predict from each modality's features [B, D]."""
        projected = torch.stack([project(x) for project, x in zip(self.projections, features, strict=True)])
        private = torch.stack([encode(x) for encode, x in zip(self.private, projected, strict=True)])
        shared = self.shared(projected)
        both = private + shared
        rebuilt = torch.stack([decode(x) for decode, x in zip(self.decoders, both, strict=True)])
        mixed = self.attention(torch.cat([private, shared]).transpose(0, 1))
        return Parts(self.head(mixed.flatten(1)), projected, private, shared, rebuilt)


def similarity_loss(shared: Tensor) -> Tensor:
    """Central moment discrepancy (Zellinger et al. 2017) of representations in (0, 1), the mean over pairs."""
    mean = shared.mean(1)
    centred = shared - mean.unsqueeze(1)
    moments = torch.stack([mean, *(centred.pow(order).mean(1) for order in range(2, MOMENTS + 1))])  # [order, M, H]
    first, second = torch.triu_indices(len(shared), len(shared), 1)
    distances: Tensor = torch.linalg.vector_norm(moments[:, first] - moments[:, second], dim=-1)  # [order, pair]
    return distances.sum(0).mean()


def difference_loss(private: Tensor, shared: Tensor) -> Tensor:
    """How far private parts and shared ones, and private parts of two modalities, are from orthogonal (eq. 5)."""
    first, second = torch.triu_indices(len(private), len(private), 1)
    own, common = (F.normalize(part - part.mean(1, keepdim=True), dim=-1) for part in (private, shared))
    products = torch.cat([own.transpose(1, 2) @ common, own[first].transpose(1, 2) @ own[second]])
    return products.square().mean((1, 2)).sum()


def misa_outputs(
    features: Sequence[NDArray[np.float32]],
    task: Task,
    known: NDArray[np.int64],
    settings: Mapping[str, float],
    seed: int,
) -> NDArray[np.float32]:
    """What a network that is trained on the samples `known` answers for all of `features` [N, D] by modality.

    Regression: values; classes: probabilities; multilabel: probabilities less a half, above 0 where a label is given.
    """
    prepare_process()
    inputs, targets = [torch.from_numpy(x) for x in features], targets_of(task, torch.device("cpu"))
    mean, deviation = 0.0, 1.0
    if task.kind == "regression":
        mean, deviation = float(task.targets[known].mean()), max(float(task.targets[known].std()), 1e-6)
    scale = TargetScale(torch.tensor(mean), torch.tensor(deviation))
    loss = TaskLoss(TaskInfo(task.kind, task.labels, task.bounds), scale)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        width = HEADS * round(settings["width"] / HEADS)
        network = Misa([x.shape[1] for x in features], task.outputs, width, settings["dropout"])
        _train(network, inputs, targets, loss, known, settings, seed)
    with torch.inference_mode():
        found = network.eval()(inputs).outputs
    if task.kind == "regression":
        return np.asarray((found * deviation + mean).numpy(), dtype=np.float32)
    return np.asarray((found.softmax(-1) if task.kind == "classes" else found.sigmoid() - 0.5).numpy())


def _train(
    network: Misa, inputs: Sequence[Tensor], targets: Targets, task_loss: TaskLoss,
    known: NDArray[np.int64], settings: Mapping[str, float], seed: int,
) -> None:  # fmt: skip
    """AdamW with a rate that falls to 0 along a cosine."""
    epochs, rate, decay = round(settings["epochs"]), settings["learning_rate"], settings["weight_decay"]
    optimizer = torch.optim.AdamW(network.parameters(), rate, weight_decay=decay, fused=True)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, epochs)
    weights = [settings[name] for name in ("similarity", "difference", "reconstruction")]
    for epoch in range(epochs):
        for batch in batches(known, BATCH, seed, epoch):
            found = network([x[batch] for x in inputs])
            wanted = Targets(targets.values[batch], targets.known[batch])
            auxiliary = (
                similarity_loss(found.shared),
                difference_loss(found.private, found.shared),
                F.mse_loss(found.rebuilt, found.projected),
            )
            loss = task_loss(found.outputs[None], wanted, torch.ones(1, len(batch))).sum()
            loss = loss + sum(weight * part for weight, part in zip(weights, auxiliary, strict=True))
            optimizer.zero_grad()
            torch.autograd.backward(loss)
            nn.utils.clip_grad_norm_(network.parameters(), CLIP)
            optimizer.step()
        schedule.step()
