"""Samples on a device, and the batches that are made of them."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Collection, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from itertools import islice
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from haemsa.model.data.dataset import Dataset, Modality
from haemsa.model.data.streamed import StoredFeatures
from haemsa.model.data.task import Task
from haemsa.model.network.batch import Batch, Steps, Targets
from haemsa.model.schema import Schema
from haemsa.model.training.blocks import Arranged, arrange, in_one_block

_AHEAD = 2  # batches are read ahead from a file, each by a thread of its own: more wait for each other
_CELLS = 2**24  # numbers of features are predicted from at a time


@dataclass(frozen=True)
class Pool:
    """Normalised samples as tensors: features [N, T, D], which may stay in a file, presence [N], targets [N, C].

    `means` and `squares` [N, D] are averages of each sample's features, and of their squares, over time. `lengths` are
    at least 1. `step_counts` are the same on the device.
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
        lengths = {name: np.maximum(item.lengths, 1) for name, item in modalities.items()}
        return cls(
            schema=schema,
            features={name: _features(item, place) for name, item in modalities.items()},
            means={name: torch.from_numpy(item.moments[0]).to(place) for name, item in modalities.items()},
            squares={name: torch.from_numpy(item.moments[1]).to(place) for name, item in modalities.items()},
            lengths=lengths,
            step_counts={name: torch.from_numpy(counts).to(place) for name, counts in lengths.items()},
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
        """The samples at `indices`, padded to the longest of them, with the steps of `reads` (None: of all)."""
        arranged = in_one_block(indices, self._lengths(self.features if reads is None else reads))
        return self._batch(arranged, self._stored(arranged), dtype)

    def _lengths(self, reads: Collection[str]) -> dict[str, NDArray[np.int64]]:
        return {name: self.lengths[name] for name in reads}

    def _stored(self, arranged: Arranged) -> dict[str, Tensor]:
        """Those features [S, D] of a batch, with padding, that stay in a file."""
        found = {}
        for name, (place, number) in arranged.steps.items():
            if isinstance(features := self.features[name], StoredFeatures):
                lengths = features.lengths[arranged.samples]
                padded = features.padded(arranged.samples, lengths, number < lengths[place])
                found[name] = torch.from_numpy(padded)
        return found

    def _batch(self, arranged: Arranged, stored: Mapping[str, Tensor], dtype: torch.dtype) -> Batch:
        index, order = self._here(arranged.samples), arranged.order
        steps = {name: self._steps(name, arranged, stored, dtype) for name in arranged.blocks}
        return self._of(index, steps, dtype, None if order is None else self._here(order))

    def _steps(self, name: str, arranged: Arranged, stored: Mapping[str, Tensor], dtype: torch.dtype) -> Steps:
        place, number = arranged.steps[name]
        sample, every = arranged.samples[place], self.features[name]
        if isinstance(every, Tensor):
            index = self._here(sample * every.shape[1] + number)
            features = every.flatten(0, 1).index_select(0, index)
        else:
            features = stored[name].to(self.device)
        return Steps(
            features.to(dtype),
            self._here(number),
            self._here(self.lengths[name][sample]),
            arranged.blocks[name],
        )

    def _here(self, values: NDArray[Any]) -> Tensor:
        return torch.from_numpy(values).to(self.device)

    def streams(self, reads: Collection[str]) -> bool:
        """Whether any of these modalities' features stay in a file."""
        return any(isinstance(self.features[name], StoredFeatures) for name in reads)

    def gather(self, index: Tensor, steps: Mapping[str, int], dtype: torch.dtype) -> Batch:
        """The samples at `index`, a tensor on the device, padded to so many steps by modality, all in memory."""
        found = {}
        for name, count in steps.items():
            every = self.features[name]
            assert isinstance(every, Tensor), "features in a file are not gathered"
            features = every[:, :count].index_select(0, index).to(dtype)
            found[name] = Steps.padded(features, self.step_counts[name].index_select(0, index))
        return self._of(index, found, dtype)

    def _of(self, index: Tensor, steps: Mapping[str, Steps], dtype: torch.dtype, order: Tensor | None = None) -> Batch:
        return Batch(
            steps=steps,
            means={name: values.index_select(0, index).to(dtype) for name, values in self.means.items()},
            present={name: values.index_select(0, index) for name, values in self.present.items()},
            complete=self.complete,
            order=order,
        )

    def chunks(self, samples: NDArray[np.int64], reads: Collection[str], most: int = 256) -> list[NDArray[np.int64]]:
        """Samples in parts, for prediction: at most so many at a time, and fewer where their features are large."""
        cells = sum(math.prod(self.features[name].shape[1:]) for name in reads)
        size = min(most, max(1, _CELLS // max(1, cells)))
        return np.array_split(samples, math.ceil(len(samples) / size)) if len(samples) else []

    def read(
        self, parts: Sequence[NDArray[np.int64]], dtype: torch.dtype, reads: Collection[str]
    ) -> Iterator[tuple[NDArray[np.int64], Batch]]:
        """A batch for each part, with its samples in an order that pads little: which they are, and the batch.

        Features that stay in a file are read ahead, while the batch before is in use.
        """
        arranged = (self._arranged(part, reads) for part in parts)
        if not self.streams(reads):
            yield from ((one.samples, self._batch(one, {}, dtype)) for one in arranged)
            return
        with ThreadPoolExecutor(_AHEAD) as threads:
            reading = ((one, threads.submit(self._stored, one)) for one in arranged)
            coming = deque(islice(reading, _AHEAD))
            while coming:
                one, stored = coming.popleft()
                features = stored.result()
                coming.extend(islice(reading, 1))
                yield one.samples, self._batch(one, features, dtype)

    def _arranged(self, samples: NDArray[np.int64], reads: Collection[str]) -> Arranged:
        """In blocks on a CPU. A GPU has enough to do with a block of all samples, and needs fewer kernels."""
        lengths = self._lengths(reads)
        if self.device.type == "cuda":
            return in_one_block(samples, lengths)
        return arrange(samples, lengths, self.schema.modalities)

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
