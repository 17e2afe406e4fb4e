"""What people write without haemsa: memory-mapped .npy files, one per modality, and a torch `Dataset` of them."""

from __future__ import annotations

import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn.utils.rnn import pad_sequence
from torch.utils.data import Dataset

from tests.bench.data.large import SHAPES

Scaling = dict[str, tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]]


def unpack(archive: Path, folder: Path, split: str) -> None:
    """The .npy files of a split's features and labels."""
    with zipfile.ZipFile(archive) as members:
        for name in (*SHAPES, *(f"{name}_lengths" for name in SHAPES), "sentiment"):
            members.extract(f"{name}_{split}.npy", folder)


def scaling(folder: Path) -> Scaling:
    """Mean and deviation [D] of the first 500 samples: which they are does not matter for speed."""
    found: Scaling = {}
    for name in SHAPES:
        some = np.load(folder / f"{name}_train.npy", mmap_mode="r")[:500].astype(np.float32)
        found[name] = some.mean((0, 1)), some.std((0, 1))
    return found


class NpySamples(Dataset[dict[str, Tensor]]):
    """Samples as float32 tensors, normalised."""

    def __init__(self, folder: Path, scales: Scaling) -> None:
        self.scales = scales
        self.features = {name: np.load(folder / f"{name}_train.npy", mmap_mode="r") for name in SHAPES}
        self.lengths = {name: np.load(folder / f"{name}_lengths_train.npy") for name in SHAPES}
        self.labels = np.load(folder / "sentiment_train.npy")

    def __len__(self) -> int:
        return len(self.labels)

    def __getitem__(self, index: int) -> dict[str, Tensor]:
        found = {name: self._normalised(name, index) for name in self.features}
        return {**found, "sentiment": torch.tensor(self.labels[index])}

    def _normalised(self, name: str, index: int) -> Tensor:
        mean, deviation = self.scales[name]
        steps = self.features[name][index, : self.lengths[name][index]]
        return torch.from_numpy((steps.astype(np.float32) - mean) / deviation)


def padded(samples: Sequence[dict[str, Tensor]]) -> dict[str, Tensor]:
    """A batch, each modality padded to its longest sample."""
    found = {name: pad_sequence([sample[name] for sample in samples], batch_first=True) for name in SHAPES}
    return {**found, "sentiment": torch.stack([sample["sentiment"] for sample in samples])}
