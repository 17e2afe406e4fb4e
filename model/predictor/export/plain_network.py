"""A model as one plain program of tensors: raw features and lengths in, answers out.

It does what `Predictor.predict` does, but its course does not depend on the data: every modality is padded to all time
steps that the model knows, and masks say what is there. Axes: `K` members, `N` samples, `T` time steps that are given,
`S` time steps that the model knows, `D` features, `C` outputs.
"""

from __future__ import annotations

import math
from typing import Final

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from haemsa.model.data.steps import LIMIT
from haemsa.model.network.batch import Batch, Steps
from haemsa.model.predictor.calibration import Interval, Temperature
from haemsa.model.predictor.joined import joined, probabilities
from haemsa.model.predictor.predictor import Predictor

LENGTHS: Final = "_lengths"
"""What follows the name of a modality in the name of its lengths."""


class PlainNetwork(nn.Module):
    """The mean of a model's networks, with normalisation before it and calibration behind it.

    Attributes:
        modalities: The modalities that a network reads. Each has two inputs, named by `input_names`.
    """

    share: Tensor

    def __init__(self, predictor: Predictor) -> None:
        super().__init__()
        self.network, order = joined(predictor.members, predictor.schema)
        self.network.requires_grad_(False)
        self.modalities = self.network.cohort.modalities
        self._steps = {name: predictor.modalities[name][0] for name in self.modalities}
        self._tasks, self._calibration = dict(predictor.tasks), dict(predictor.calibration)
        shares = predictor.shares or [1 / len(order)] * len(order)
        self.register_buffer("share", torch.tensor([shares[index] for index in order]).view(-1, 1, 1))
        for number, name in enumerate(self.modalities):
            self.register_buffer(f"mean_{number}", torch.from_numpy(predictor.normalisation.mean[name]))
            self.register_buffer(f"scale_{number}", torch.from_numpy(predictor.normalisation.scale[name]))

    @property
    def input_names(self) -> list[str]:
        """The names of all inputs: raw features float32 [N, T, D] and lengths int64 [N] of each modality."""
        return [part for name in self.modalities for part in (name, name + LENGTHS)]

    @property
    def output_names(self) -> list[str]:
        """The names of all outputs. A regression task with an interval has three, the others have one."""
        return [part for task in self._tasks for part in self._parts(task)]

    def _parts(self, task: str) -> list[str]:
        return [task, f"{task}_low", f"{task}_high"] if isinstance(self._calibration.get(task), Interval) else [task]

    def forward(self, inputs: dict[str, Tensor]) -> dict[str, Tensor]:
        """Answers by the names of outputs: values [N] of regression tasks, probabilities [N, C] of the others."""
        means, steps, present = {}, {}, {}
        for number, name in enumerate(self.modalities):
            features, real = self._normalised(number, inputs[name], inputs[name + LENGTHS])
            counts = real.clamp(min=1)
            means[name] = features.sum(1) / counts
            steps[name] = Steps.padded(features, counts.squeeze(1))
            present[name] = real.squeeze(1) > 0
        outputs = self.network(Batch(steps, means, present, complete=False)).outputs
        answers: dict[str, Tensor] = {}
        for task, values in outputs.items():
            answers |= self._answers(task, probabilities(self._tasks[task], values))
        return answers

    def _normalised(self, number: int, raw: Tensor, lengths: Tensor) -> tuple[Tensor, Tensor]:
        """Features as the networks read them [N, S, D], and how many steps are real, int64 [N, 1].

        Cells that are no finite numbers are the mean. A sample of nothing but such cells lacks the modality.
        """
        known = self._steps[self.modalities[number]]
        counts = lengths.clamp(0, known).clamp(max=raw.shape[1]).unsqueeze(1)
        real = (torch.arange(known) < counts).unsqueeze(-1)
        padded = F.pad(raw, (0, 0, 0, known))[:, :known]
        has_numbers = (torch.isfinite(padded) & real).any(2).any(1, keepdim=True)
        scaled = (padded - self.get_buffer(f"mean_{number}")) / self.get_buffer(f"scale_{number}")
        usable = torch.isfinite(scaled) & real
        features = torch.where(usable, scaled, torch.zeros_like(scaled)).clamp(-LIMIT, LIMIT)
        return features, counts * has_numbers

    def _answers(self, task: str, values: Tensor) -> dict[str, Tensor]:
        """The answers of one task, from the values or probabilities of all networks [K, N, C]."""
        mean, calibration = (values * self.share).sum(0), self._calibration.get(task)
        if isinstance(calibration, Temperature):
            tempered = (mean.clamp(1e-12, 1.0).log() / calibration.temperature).softmax(-1)
            return {task: (1 - calibration.noise) * tempered + calibration.noise / tempered.shape[-1]}
        if self._tasks[task].kind != "regression":
            return {task: mean}
        center = self._within(task, mean.squeeze(-1))
        if not isinstance(calibration, Interval):
            return {task: center}
        weighed = values.squeeze(-1) * math.sqrt(calibration.weight)  # before squares, which large labels overflow
        half = calibration.width * torch.sqrt(1 + _variance(weighed))
        ends = (center, self._within(task, center - half), self._within(task, center + half))
        return dict(zip(self._parts(task), ends, strict=True))

    def _within(self, task: str, values: Tensor) -> Tensor:
        bounds = self._tasks[task].bounds
        return values if bounds is None else values.clamp(*map(float, bounds))


def _variance(values: Tensor) -> Tensor:
    """The square of the members' spread [N], from their values [K, N]; 0 for one member."""
    return (values - values.mean(0)).square().sum(0) / max(1, len(values) - 1)
