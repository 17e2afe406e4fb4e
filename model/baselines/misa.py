"""Training networks like MISA, several at a time, and what they predict.

The task's loss is that of haemsa's networks. Epochs are a setting, and training never stops early. A network does not
depend on those that are trained with it. Axes: `K` networks, `B` samples of a batch, `N` samples, `D` features, `C`
outputs, `J` hidden units of the last layers.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from haemsa.model.baselines.misa_network import (
    HEADS,
    Misa,
    difference_loss,
    forward,
    reconstruction_loss,
    similarity_loss,
    stacked,
)
from haemsa.model.data.task import Task
from haemsa.model.network.batch import Targets, TargetScale
from haemsa.model.schema import TaskInfo
from haemsa.model.training.losses.task_losses import TaskLoss
from haemsa.model.training.pool import batch_count, batches, targets_of
from haemsa.model.training.process import prepare_process

BATCH: Final = 64
CLIP: Final = 1.0
"""The largest norm of the gradient of a network."""
Floats = NDArray[np.float32]


@dataclass(frozen=True)
class Training:
    """What a network is trained on.

    `labelled`: its samples. All have a label. `scales`: the mean and the deviation [D] by which each modality is
    standardised. `seed`: draws its weights, dropout and batches.
    """

    labelled: NDArray[np.int64]
    scales: Sequence[tuple[Floats, Floats]]
    seed: int


def misa_outputs(
    features: Sequence[Floats], task: Task, trainings: Sequence[Training], settings: Mapping[str, float]
) -> Floats:
    """Train networks of the same settings, each on some samples, and predict all.

    Args:
        features: Features [N, D] of each modality.
        task: The task.
        trainings: What each network is trained on.
        settings: The settings of "misa" in `RANGES`.

    Returns:
        float32 [K, N, C]. Regression: values. Classes: probabilities. Multilabel: probabilities minus a half, above 0
        where a label is predicted.
    """
    prepare_process()
    counts = [batch_count(each.labelled, BATCH) for each in trainings]
    found: dict[int, Floats] = {}
    for count in set(counts):  # networks that have equally many steps are trained together
        places = [place for place, other in enumerate(counts) if other == count]
        made = _together(features, task, [trainings[place] for place in places], settings)
        found |= zip(places, made, strict=True)
    return np.stack([found[place] for place in range(len(trainings))])


def _together(
    features: Sequence[Floats], task: Task, trainings: Sequence[Training], settings: Mapping[str, float]
) -> list[Floats]:
    """The predictions [N, C] of networks that have equally many steps."""
    inputs, width = [torch.from_numpy(x) for x in features], HEADS * round(settings["width"] / HEADS)
    drawn = [_drawn([x.shape[1] for x in features], task.outputs, width, each.seed) for each in trainings]
    parameters, generators = stacked([network for network, _ in drawn]), [generator for _, generator in drawn]
    scale = _target_scale(task, trainings)
    loss = TaskLoss(TaskInfo(task.kind, task.labels, task.bounds), scale)
    _Trainer(parameters, inputs, targets_of(task, torch.device("cpu")), loss, trainings, settings).train(generators)
    return [_predicted(parameters, number, inputs, task, scale, each) for number, each in enumerate(trainings)]


def _drawn(sizes: Sequence[int], outputs: int, width: int, seed: int) -> tuple[Misa, torch.Generator]:
    """A network, and the generator that draws its dropout: it goes on where drawing the weights ended."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        network, generator = Misa(sizes, outputs, width), torch.Generator()
        generator.set_state(torch.get_rng_state())
    return network, generator


def _target_scale(task: Task, trainings: Sequence[Training]) -> TargetScale:
    """The mean and the deviation of the labels of each network [K, 1, 1]; 0 and 1 where there are no values."""
    found = [(0.0, 1.0)] * len(trainings)
    if task.kind == "regression":
        labels = [task.targets[each.labelled].astype(np.float64) for each in trainings]
        found = [(float(one.mean()), float(one.std()) or 1.0) for one in labels]
    mean, deviation = torch.tensor(found, dtype=torch.float32).T[..., None, None]
    return TargetScale(mean, deviation)


def _predicted(
    parameters: Mapping[str, Tensor], network: int, inputs: Sequence[Tensor], task: Task, scale: TargetScale,
    training: Training,
) -> Floats:  # fmt: skip
    """What one network predicts, [N, C]."""
    own = {name: values[network : network + 1] for name, values in parameters.items()}
    with torch.inference_mode():
        shown = [_standardised(x, *each)[None] for x, each in zip(inputs, training.scales, strict=True)]
        outputs = forward(own, shown).outputs[0]
    if task.kind == "regression":
        outputs = outputs * scale.deviation[network] + scale.mean[network]
    else:
        outputs = outputs.softmax(-1) if task.kind == "classes" else outputs.sigmoid() - 0.5
    return np.asarray(outputs.numpy(), dtype=np.float32)


def _standardised(x: Tensor, mean: Floats, deviation: Floats) -> Tensor:
    return (x - torch.from_numpy(mean)) / torch.from_numpy(deviation)


@dataclass(frozen=True)
class _Trainer:
    """Trains networks with AdamW, at a learning rate that falls to 0 along a cosine."""

    parameters: Mapping[str, Tensor]
    inputs: Sequence[Tensor]
    targets: Targets
    task_loss: TaskLoss
    trainings: Sequence[Training]
    settings: Mapping[str, float]

    def train(self, generators: Sequence[torch.Generator]) -> None:
        """Train all. `generators`: draw the dropout of each."""
        settings, weights = self.settings, [value.requires_grad_() for value in self.parameters.values()]
        epochs = round(settings["epochs"])
        optimizer = torch.optim.AdamW(
            weights, settings["learning_rate"], weight_decay=settings["weight_decay"], fused=True
        )
        schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, epochs)
        for epoch in range(epochs):
            for chosen in self._batches(epoch):
                optimizer.zero_grad()
                torch.autograd.backward(self._loss(chosen, generators))
                _clip([value.grad for value in weights if value.grad is not None])
                optimizer.step()
            schedule.step()
        for value in weights:
            value.requires_grad_(False)

    def _batches(self, epoch: int) -> Iterator[list[NDArray[np.int64]]]:
        """The batches of an epoch: the samples of each network."""
        each = [list(batches(one.labelled, BATCH, one.seed, epoch)) for one in self.trainings]
        yield from (list(chosen) for chosen in zip(*each, strict=True))

    def _loss(self, chosen: Sequence[NDArray[np.int64]], generators: Sequence[torch.Generator]) -> Tensor:
        """The sum of the losses of all networks on these samples of each."""
        most = max(map(len, chosen))
        places = torch.from_numpy(np.stack([np.resize(one, most) for one in chosen]))  # what is too much counts nothing
        present = torch.from_numpy(np.stack([np.arange(most) < len(one) for one in chosen])).float()
        shown = [self._shown(modality, places) for modality in range(len(self.inputs))]
        output = forward(self.parameters, shown, self._kept([len(one) for one in chosen], generators))
        wanted = Targets(self.targets.values[places], self.targets.known[places])
        loss = self.task_loss(output.outputs, wanted, present)
        settings = self.settings
        loss = loss + settings["similarity"] * similarity_loss(output.shared, present)
        loss = loss + settings["difference"] * difference_loss(output.private, output.shared, present)
        loss = loss + settings["reconstruction"] * reconstruction_loss(output.rebuilt, output.projected, present)
        return loss.sum()

    def _shown(self, modality: int, places: Tensor) -> Tensor:
        """The standardised features of the chosen samples [K, B, D]."""
        mean, deviation = self._scales[modality]
        return (self.inputs[modality][places] - mean) / deviation

    @cached_property
    def _scales(self) -> list[tuple[Tensor, Tensor]]:
        """The means and the deviations of each modality, [K, 1, D]."""
        of_modalities = zip(*(each.scales for each in self.trainings), strict=True)
        return [
            (torch.from_numpy(np.stack([mean for mean, _ in each])).unsqueeze(1),
             torch.from_numpy(np.stack([deviation for _, deviation in each])).unsqueeze(1))
            for each in of_modalities
        ]  # fmt: skip

    def _kept(self, counts: Sequence[int], generators: Sequence[torch.Generator]) -> Tensor:
        """What hidden units [K, B, J] are multiplied by, so that some are dropped."""
        keep, units = 1 - self.settings["dropout"], self.parameters["head.0.bias"].shape[1]
        kept = torch.zeros(len(counts), max(counts), units)
        for place, (count, generator) in enumerate(zip(counts, generators, strict=True)):
            kept[place, :count] = torch.empty(count, units).bernoulli_(keep, generator=generator)
        return kept / keep


def _clip(gradients: Sequence[Tensor]) -> None:
    """Make the gradient of each network no longer than `CLIP`."""
    squares = torch.stack([gradient.flatten(1).square().sum(1) for gradient in gradients])
    factors = (CLIP / (squares.sum(0).sqrt() + 1e-6)).clamp(max=1.0)
    for gradient in gradients:
        gradient.mul_(factors.view(-1, *[1] * (gradient.ndim - 1)))
