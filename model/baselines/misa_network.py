"""A network like MISA (Hazarika, Zimmermann and Poria, "MISA: Modality-Invariant and -Specific Representations", 2020).

As in the paper: Modalities are projected to one width and encoded twice, by an encoder of their own (private) and by
one that all share. Losses draw the shared parts of modalities together, and keep private parts apart from shared ones
and from each other. Each modality is rebuilt from its two parts. Attention over all parts and two dense layers predict.

Not as in the paper: No LSTM or BERT reads sequences; a modality is its mean and deviation over time. The task's loss is
that of haemsa's networks. Epochs are a setting, and training never stops early.

Axes: `M` modalities, `B` samples of a batch, `N` samples, `D` features, `C` outputs, `H` width.
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
"""Orders of moments that the similarity loss compares."""
HEADS: Final = 2
CLIP: Final = 1.0
"""The largest norm of the gradient."""


class MisaOutput(NamedTuple):
    """Predictions `outputs` [B, C]; for each modality [M, B, H] the projection, its two parts, and the rebuilt one."""

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

    def forward(self, features: Sequence[Tensor]) -> MisaOutput:
        """Predict from each modality's features [B, D]."""
        projected = torch.stack([project(x) for project, x in zip(self.projections, features, strict=True)])
        private = torch.stack([encode(x) for encode, x in zip(self.private, projected, strict=True)])
        shared = self.shared(projected)
        both = private + shared
        rebuilt = torch.stack([decode(x) for decode, x in zip(self.decoders, both, strict=True)])
        mixed = self.attention(torch.cat([private, shared]).transpose(0, 1))
        return MisaOutput(self.head(mixed.flatten(1)), projected, private, shared, rebuilt)


def similarity_loss(shared: Tensor) -> Tensor:
    """Central moment discrepancy (Zellinger et al. 2017) of representations in (0, 1), the mean over pairs."""
    mean = shared.mean(1)
    centred = shared - mean.unsqueeze(1)
    moments = torch.stack([mean, *(centred.pow(order).mean(1) for order in range(2, MOMENTS + 1))])  # [order, M, H]
    first, second = torch.triu_indices(len(shared), len(shared), 1)
    distances: Tensor = torch.linalg.vector_norm(moments[:, first] - moments[:, second], dim=-1)  # [order, pair]
    return distances.sum(0).mean()


def difference_loss(private: Tensor, shared: Tensor) -> Tensor:
    """How far private and shared parts, and private parts of two modalities, are from orthogonal (eq. 5)."""
    first, second = torch.triu_indices(len(private), len(private), 1)
    private, shared = (F.normalize(part - part.mean(1, keepdim=True), dim=-1) for part in (private, shared))
    products = torch.cat([private.transpose(1, 2) @ shared, private[first].transpose(1, 2) @ private[second]])
    return products.square().mean((1, 2)).sum()


def misa_outputs(
    features: Sequence[NDArray[np.float32]],
    task: Task,
    labelled: NDArray[np.int64],
    settings: Mapping[str, float],
    seed: int,
) -> NDArray[np.float32]:
    """Train a network on some samples, and predict all.

    Args:
        features: Standardised features [N, D] of each modality.
        task: The task.
        labelled: The samples that it is trained on. All have a label.
        settings: The settings of "misa" in `RANGES`.
        seed: Draws its weights, dropout and batches.

    Returns:
        float32 [N, C]. Regression: values. Classes: probabilities. Multilabel: probabilities minus a half, above 0
        where a label is predicted.
    """
    prepare_process()
    inputs, targets = [torch.from_numpy(x) for x in features], targets_of(task, torch.device("cpu"))
    mean, deviation = 0.0, 1.0
    if task.kind == "regression":
        labels = task.targets[labelled].astype(np.float64)
        mean, deviation = float(labels.mean()), float(labels.std()) or 1.0
    scale = TargetScale(torch.tensor(mean), torch.tensor(deviation))
    loss = TaskLoss(TaskInfo(task.kind, task.labels, task.bounds), scale)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        width = HEADS * round(settings["width"] / HEADS)
        network = Misa([x.shape[1] for x in features], task.outputs, width, settings["dropout"])
        _train(network, inputs, targets, loss, labelled, settings, seed)
    with torch.inference_mode():
        outputs = network.eval()(inputs).outputs
    if task.kind == "regression":
        return np.asarray((outputs * deviation + mean).numpy(), dtype=np.float32)
    return np.asarray((outputs.softmax(-1) if task.kind == "classes" else outputs.sigmoid() - 0.5).numpy())


def _train(
    network: Misa, inputs: Sequence[Tensor], targets: Targets, task_loss: TaskLoss,
    labelled: NDArray[np.int64], settings: Mapping[str, float], seed: int,
) -> None:  # fmt: skip
    """Train with AdamW, at a learning rate that falls to 0 along a cosine."""
    epochs, rate, decay = round(settings["epochs"]), settings["learning_rate"], settings["weight_decay"]
    optimizer = torch.optim.AdamW(network.parameters(), rate, weight_decay=decay, fused=True)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, epochs)
    weights = [settings[name] for name in ("similarity", "difference", "reconstruction")]
    for epoch in range(epochs):
        for batch in batches(labelled, BATCH, seed, epoch):
            output = network([x[batch] for x in inputs])
            wanted = Targets(targets.values[batch], targets.known[batch])
            auxiliary = (
                similarity_loss(output.shared),
                difference_loss(output.private, output.shared),
                F.mse_loss(output.rebuilt, output.projected),
            )
            loss = task_loss(output.outputs[None], wanted, torch.ones(1, len(batch))).sum()
            loss = loss + sum(weight * part for weight, part in zip(weights, auxiliary, strict=True))
            optimizer.zero_grad()
            torch.autograd.backward(loss)
            nn.utils.clip_grad_norm_(network.parameters(), CLIP)
            optimizer.step()
        schedule.step()
