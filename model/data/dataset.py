"""One `Dataset`: modalities, tasks, splits. Axes: `N` samples, `T` time steps, `D` features, `M` modalities."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any, Final, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from haemsa.model.data.steps import blocks, step_mask
from haemsa.model.data.streamed import StoredFeatures, version_of
from haemsa.model.data.task import Task, TaskKind, check_name
from haemsa.model.spec.network import GLOBAL

__all__ = ["SPLITS", "Dataset", "Modality", "Split", "Task", "TaskKind", "step_mask"]
Split = Literal["train", "valid", "test"]
SPLITS: Final[tuple[str, ...]] = get_args(Split)


@dataclass(frozen=True, eq=False)
class Modality:
    """One feature stream: features float32 [N, T, D], finite, zero beyond lengths int64 [N]; length 0 = absent.

    Features that stay in their file are trusted to be so: their writer was held to it.
    """

    features: NDArray[np.float32] | StoredFeatures
    lengths: NDArray[np.int64]

    def __post_init__(self) -> None:
        shape = self.features.shape
        if self.features.dtype != np.float32 or len(shape) != 3 or 0 in shape[1:]:
            raise ValueError(f"features are {self.features.dtype} {list(shape)}, expected float32 [N, T, D]")
        if self.lengths.dtype != np.int64 or self.lengths.shape != shape[:1]:
            found = f"{self.lengths.dtype} {list(self.lengths.shape)}"
            raise ValueError(f"lengths are {found}, expected int64 [{shape[0]}]")
        outside = (self.lengths < 0) | (self.lengths > self.steps)
        if outside.any():
            raise ValueError(f"a length is {self.lengths[outside][0]}, expected 0 to {self.steps}")
        if isinstance(self.features, StoredFeatures):
            return
        for block in blocks(shape):
            if not np.isfinite(self.features[block]).all():
                raise ValueError("a feature is not finite, expected them filled beforehand")
            if self.features[block][~step_mask(self.lengths[block], self.steps)].any():
                raise ValueError("a feature beyond its sample's length is not zero, expected zero padding")

    @property
    def steps(self) -> int:
        """T, the longest that a sample can be."""
        return int(self.features.shape[1])

    @property
    def width(self) -> int:
        """D, features per step."""
        return int(self.features.shape[2])

    @property
    def presence(self) -> NDArray[np.bool_]:
        """[N], where the sample has this modality."""
        return np.asarray(self.lengths > 0)

    @cached_property
    def moments(self) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Each sample's mean and mean square over its steps, [N, D]; 0 where it is absent."""
        mean, square = np.empty((2, len(self.lengths), self.width), np.float32)
        for block in blocks(self.features.shape):
            features = self.features[block]
            counts = np.maximum(self.lengths[block], 1).astype(np.float32)[:, None]
            mean[block], square[block] = features.sum(1) / counts, np.square(features).sum(1) / counts
        return mean, square

    @cached_property
    def digest(self) -> str:
        """SHA-256 of the features' bytes as float32, in hexadecimal digits."""
        digest = hashlib.sha256(f"{self.features.shape}".encode())
        for block in blocks(self.features.shape):
            digest.update(np.ascontiguousarray(self.features[block]).view(np.uint8).data)
        return digest.hexdigest()

    def hidden(self, where: NDArray[np.bool_]) -> Modality:
        """The same stream, absent in the samples `where` [N]."""
        if not (where & self.presence).any():
            return self
        lengths = np.where(where, 0, self.lengths)
        if isinstance(self.features, StoredFeatures):
            return Modality(replace(self.features, lengths=lengths), lengths)
        return Modality(np.where(where[:, None, None], np.float32(0), self.features), lengths)

    def moved(self, path: Path) -> Modality:
        """The same stream, read from a copy of its file; what is known of its moments is kept."""
        assert isinstance(self.features, StoredFeatures)
        found = Modality(replace(self.features, path=path, version=version_of(path)), self.lengths)
        found.__dict__.update({name: value for name, value in self.__dict__.items() if name == "moments"})
        return found

    def take(self, indices: NDArray[np.int64]) -> Modality:
        """The same stream for the samples at `indices`, in their order."""
        if isinstance(self.features, StoredFeatures):
            return Modality(self.features.select(indices), self.lengths[indices])
        return Modality(self.features[indices], self.lengths[indices])


@dataclass(frozen=True, eq=False)
class Dataset:
    """Everything known about one data set.

    splits: int64 indices per split, disjoint, any of "train", "valid" and "test". ids: one name per sample.
    groups: int64 [N], equal for samples that belong together (a video, a speaker). notes: what the reader found.
    Raises ValueError, one sentence, for arrays of different lengths, bad splits, or a task without a label in a split.
    """

    name: str
    modalities: dict[str, Modality]
    tasks: dict[str, Task]
    splits: dict[str, NDArray[np.int64]]
    ids: tuple[str, ...]
    groups: NDArray[np.int64]
    notes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if not self.modalities or not self.tasks:
            missing = "task" if self.modalities else "modality"
            raise ValueError(f"data {self.name!r} has no {missing}, expected at least one")
        self._check_lengths()
        self._check_splits()
        for split, indices in self.splits.items():
            for name, task in self.tasks.items():
                if not task.labelled[indices].any():
                    raise ValueError(f"task {name!r} has no label in split {split!r}, expected at least one")

    def _check_lengths(self) -> None:
        if self.groups.dtype != np.int64 or self.groups.shape != (len(self),):
            found = f"{self.groups.dtype} {list(self.groups.shape)}"
            raise ValueError(f"groups are {found}, expected int64 [{len(self)}], one for each id")
        for name, modality in self.modalities.items():
            check_name("a modality", name)
            if name == GLOBAL:
                raise ValueError(f"a modality is named {GLOBAL!r}, which is the network's own token; rename it")
            if len(modality.lengths) != len(self):
                raise ValueError(f"modality {name!r} has {len(modality.lengths)} samples for {len(self)} ids")
        for name, task in self.tasks.items():
            check_name("a task", name)
            if len(task.targets) != len(self):
                raise ValueError(f"task {name!r} has {len(task.targets)} targets for {len(self)} ids")

    def _check_splits(self) -> None:
        if not self.splits:
            raise ValueError(f"data {self.name!r} has no split, expected {', '.join(SPLITS)}")
        seen = np.zeros(len(self), dtype=bool)
        for split, indices in self.splits.items():
            if split not in SPLITS:
                raise ValueError(f"split {split!r} is unknown, expected {', '.join(SPLITS)}")
            if indices.dtype != np.int64 or indices.ndim != 1:
                raise ValueError(f"split {split!r} is {indices.dtype} {list(indices.shape)}, expected int64 indices")
            if not len(indices):
                raise ValueError(f"split {split!r} is empty, expected at least one sample")
            if indices.min() < 0 or indices.max() >= len(self):
                raise ValueError(f"split {split!r} has indices outside 0 to {len(self) - 1}")
            if seen[indices].any() or len(np.unique(indices)) != len(indices):
                raise ValueError(f"split {split!r} repeats a sample, expected each in one split, once")
            seen[indices] = True

    def __len__(self) -> int:
        return len(self.ids)

    @property
    def presence(self) -> NDArray[np.bool_]:
        """[N, M], where a sample has a modality."""
        return np.stack([modality.presence for modality in self.modalities.values()], axis=1)

    def presence_of(self, names: Sequence[str]) -> NDArray[np.bool_]:
        """[N], where a sample has any of these modalities."""
        return np.asarray(np.any([self.modalities[name].presence for name in names], axis=0))

    @cached_property
    def fingerprint(self) -> str:
        """16 hexadecimal digits of the content (arrays, labels, groups, splits), whatever the data is called."""
        digest = hashlib.sha256()
        for key, array in sorted(self._content(), key=lambda item: item[0]):
            digest.update(f"{key} {array.dtype.str} {array.shape}\n".encode())
            digest.update(np.ascontiguousarray(array).view(np.uint8).data)
        for name, modality in sorted(self.modalities.items()):
            digest.update(f"modality {name} features {modality.digest}\n".encode())
        return digest.hexdigest()[:16]

    def _content(self) -> Iterable[tuple[str, NDArray[Any]]]:
        yield "groups", self.groups
        for name, modality in self.modalities.items():
            yield f"modality {name} lengths", modality.lengths
        for name, task in self.tasks.items():
            yield f"task {name} {task.kind} {task.labels} {task.bounds}", task.targets
        for split, indices in self.splits.items():
            yield f"split {split}", indices

    def take(self, indices: NDArray[np.int64]) -> Dataset:
        """The samples at `indices`, each once, in their order. Splits keep those taken; emptied ones are left out."""
        if len(np.unique(indices)) != len(indices):
            raise ValueError(f"a selection of {len(indices)} samples repeats some, expected each once")
        place = np.full(len(self), -1, dtype=np.int64)
        place[indices] = np.arange(len(indices))
        places = {split: place[old] for split, old in self.splits.items()}
        return Dataset(
            name=self.name,
            modalities={name: modality.take(indices) for name, modality in self.modalities.items()},
            tasks={name: task.take(indices) for name, task in self.tasks.items()},
            splits={split: new[new >= 0] for split, new in places.items() if (new >= 0).any()},
            ids=tuple(self.ids[index] for index in indices),
            groups=self.groups[indices],
            notes=self.notes,
        )

    def with_tasks(self, names: Sequence[str]) -> Dataset:
        """The data with these tasks alone; none: all. Raises ValueError for a task that it does not have."""
        for name in names:
            if name not in self.tasks:
                raise ValueError(f"task {name!r} does not exist in this data, expected one of {', '.join(self.tasks)}")
        return replace(self, tasks={name: self.tasks[name] for name in names}) if names else self

    def hiding(self, names: Sequence[str], shown: NDArray[np.bool_]) -> Dataset:
        """The same samples, the modalities `names` absent but where `shown` [N, len(names)]."""
        hidden = {name: self.modalities[name].hidden(~where) for name, where in zip(names, shown.T, strict=True)}
        return replace(self, modalities={**self.modalities, **hidden})

    def pool(self) -> Dataset:
        """Training, then validation samples: all that a search may see. The test split is not in it."""
        return self.take(np.concatenate([self.split("train"), self.split("valid")]))

    def part(self, split: Split) -> Dataset:
        """Only the samples of one split."""
        return self.take(self.split(split))

    def split(self, split: str) -> NDArray[np.int64]:
        """Indices of a split. Raises ValueError naming those that exist."""
        if split not in self.splits:
            raise ValueError(f"data {self.name!r} has no split {split!r}, it has {', '.join(self.splits)}")
        return self.splits[split]
