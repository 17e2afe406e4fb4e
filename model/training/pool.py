"""Samples on a device, and the batches that are made of them."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Collection, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from haemsa.model.data.dataset import Dataset, Modality
from haemsa.model.data.streamed import StoredFeatures
from haemsa.model.data.task import Task
from haemsa.model.network.batch import Batch, Targets
from haemsa.model.schema import Schema

_AHEAD = 4  # batches are read ahead from a file, each by a thread of its own, because a disk answers several at once
_CELLS = 2**24  # numbers of features are predicted from at a time


@dataclass(frozen=True)
class Pool:
    """Normalised samples as tensors: features [N, T, D], which may stay in a file, presence [N], targets [N, C].

    `means` and `squares` [N, D] are averages of each sample's features, and of their squares, over time. `step_counts`
    are the lengths on the device, at least 1.
    """

    schema: Schema
    features: dict[str, Tensor | StoredFeatures]
    means: dict[str, Tensor]
    squares: dict[str, Tensor]
    lengths: dict[str, NDArray[np.int64]]
    step_counts: dict[str, Tensor]
    present: dict[str, Tensor]
    targets: dict[str, Targets]
    complete: bool
    device: torch.device

    @classmethod
    def of(cls, dataset: Dataset, device: torch.device | str = "cpu") -> Pool:
        """A normalised dataset on a device.

        Args:
            dataset: The dataset.
            device: Where its tensors are kept.
        """
        pool = cls.of_modalities(dataset.modalities, Schema.of(dataset), device)
        return replace(pool, targets={name: targets_of(task, pool.device) for name, task in dataset.tasks.items()})

    @classmethod
    def of_modalities(
        cls, modalities: Mapping[str, Modality], schema: Schema, device: torch.device | str = "cpu"
    ) -> Pool:
        """Normalised features without labels, for prediction."""
        place = torch.device(device)
        return cls(
            schema=schema,
            features={name: _features(item, place) for name, item in modalities.items()},
            means={name: torch.from_numpy(item.moments[0]).to(place) for name, item in modalities.items()},
            squares={name: torch.from_numpy(item.moments[1]).to(place) for name, item in modalities.items()},
            lengths={name: item.lengths for name, item in modalities.items()},
            step_counts={
                name: torch.from_numpy(np.maximum(item.lengths, 1)).to(place) for name, item in modalities.items()
            },
            present={name: torch.from_numpy(item.presence).to(place) for name, item in modalities.items()},
            targets={},
            complete=all(bool(item.presence.all()) for item in modalities.values()),
            device=place,
        )

    def __len__(self) -> int:
        return len(next(iter(self.means.values())))

    def batch(
        self, indices: NDArray[np.int64], dtype: torch.dtype = torch.float32, reads: Collection[str] | None = None
    ) -> Batch:
        """The samples at `indices`, cropped to the longest of them, with the features of `reads` (None: of all)."""
        names = self.features if reads is None else reads
        return self._batch(indices, dtype, names, self._stored(indices, dtype, names))

    def _batch(
        self, indices: NDArray[np.int64], dtype: torch.dtype, reads: Collection[str], stored: Mapping[str, Tensor]
    ) -> Batch:
        return self.gather(torch.from_numpy(indices).to(self.device), self.longest(indices, reads), dtype, stored)

    def _stored(self, indices: NDArray[np.int64], dtype: torch.dtype, reads: Collection[str]) -> dict[str, Tensor]:
        """Those features of a batch that stay in a file."""
        return {
            name: torch.from_numpy(features.read(indices, steps)).to(self.device, dtype)
            for name, steps in self.longest(indices, reads).items()
            if isinstance(features := self.features[name], StoredFeatures)
        }

    def longest(self, indices: NDArray[np.int64], reads: Collection[str]) -> dict[str, int]:
        """How many steps the longest of these samples has in each modality, at least 1."""
        return {name: max(1, int(self.lengths[name][indices].max())) for name in reads}

    def streams(self, reads: Collection[str]) -> bool:
        """Whether any of these modalities' features stay in a file."""
        return any(isinstance(self.features[name], StoredFeatures) for name in reads)

    def gather(
        self, index: Tensor, steps: Mapping[str, int], dtype: torch.dtype, stored: Mapping[str, Tensor] | None = None
    ) -> Batch:
        """The samples at `index`, a tensor on the device, with so many steps by modality; `stored` are read already."""
        features = dict(stored or {})
        for name, count in steps.items():
            every = self.features[name]
            if isinstance(every, Tensor):
                features[name] = every[:, :count].index_select(0, index).to(dtype)
        return Batch(
            features=features,
            means={name: values.index_select(0, index).to(dtype) for name, values in self.means.items()},
            steps={name: self._is_step(name, index, count) for name, count in steps.items()},
            present={name: values.index_select(0, index) for name, values in self.present.items()},
            complete=self.complete,
        )

    def _is_step(self, name: str, index: Tensor, count: int) -> Tensor:
        lengths = self.step_counts[name].index_select(0, index).unsqueeze(1)
        return torch.arange(count, device=self.device) < lengths

    def chunks(self, samples: NDArray[np.int64], reads: Collection[str], most: int = 256) -> list[NDArray[np.int64]]:
        """Samples in parts, for prediction: at most so many at a time, and fewer where their features are large."""
        cells = sum(math.prod(self.features[name].shape[1:]) for name in reads)
        size = min(most, max(1, _CELLS // max(1, cells)))
        return np.array_split(samples, math.ceil(len(samples) / size)) if len(samples) else []

    def read(self, parts: Sequence[NDArray[np.int64]], dtype: torch.dtype, reads: Collection[str]) -> Iterator[Batch]:
        """A batch for each part. Features that stay in a file are read ahead, while the batch before is in use."""
        if not self.streams(reads):
            yield from (self.batch(part, dtype, reads) for part in parts)
            return
        with ThreadPoolExecutor(_AHEAD) as threads:
            coming = deque(threads.submit(self._stored, part, dtype, reads) for part in parts[:_AHEAD])
            for place, part in enumerate(parts):
                stored = coming.popleft().result()
                if place + _AHEAD < len(parts):
                    coming.append(threads.submit(self._stored, parts[place + _AHEAD], dtype, reads))
                yield self._batch(part, dtype, reads, stored)

    def targets_at(self, index: Tensor) -> dict[str, Targets]:
        """Labels of the samples at `index`, a tensor on the device."""
        return {name: Targets(*(part.index_select(0, index) for part in item)) for name, item in self.targets.items()}


def _features(modality: Modality, device: torch.device) -> Tensor | StoredFeatures:
    if isinstance(modality.features, StoredFeatures):
        # the file is opened now, so that a missing one is noticed before training
        assert modality.features.read_steps is not None
        return modality.features
    return torch.from_numpy(np.ascontiguousarray(modality.features)).to(device)


def targets_of(task: Task, device: torch.device) -> Targets:
    """Values, and which of them are known, both float32 [N, C]."""
    values = np.asarray(task.targets, dtype=np.float32).reshape(len(task.targets), -1)
    known = np.isfinite(values) & (values >= 0 if task.kind == "classes" else True)
    filled = torch.from_numpy(np.where(known, values, 0).astype(np.float32)).to(device)
    return Targets(filled, torch.from_numpy(known.astype(np.float32)).to(device))


def batches(samples: NDArray[np.int64], size: int, seed: int, epoch: int) -> Iterator[NDArray[np.int64]]:
    """The batches of an epoch. Their order depends only on the seed and the epoch."""
    order = np.random.default_rng(np.random.SeedSequence([seed, epoch])).permutation(samples)
    yield from np.array_split(order, batch_count(samples, size))


def batch_count(samples: NDArray[np.int64], size: int) -> int:
    """How many batches an epoch has, so that equal batches are nearest to `size`."""
    return max(1, round(len(samples) / size))
