"""One `Dataset`: its modalities, tasks and splits. Axes: `N` samples, `M` modalities."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, Final, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from haemsa.model.data.modality import Modality
from haemsa.model.data.steps import step_mask
from haemsa.model.data.task import Task, TaskKind, check_name
from haemsa.model.spec.network import GLOBAL

__all__ = ["SPLITS", "Dataset", "Modality", "Split", "Task", "TaskKind", "step_mask"]
Split = Literal["train", "valid", "test"]
SPLITS: Final[tuple[str, ...]] = get_args(Split)


@dataclass(frozen=True, eq=False)
class Dataset:
    """All that is known about one data set.

    Args:
        name: What the data is called in messages and reports.
        modalities: The feature streams by name, at least one, of N samples each.
        tasks: What is predicted, by name, at least one, with N targets each.
        splits: For "train", "valid" and "test", or some of them, the indices of their samples, int64. A sample is in
            at most one split.
        ids: One name for each of the N samples.
        groups: int64 [N], equal for samples that belong together, such as those of one video or one speaker.
        notes: What the reader of the data found, one line each.
        encoders: For each modality that `haemsa data embed` made: which encoder made it, and how, as plain JSON values.
        transcripts: What was said in each of the N samples, "" for nothing; none at all if it is not known.

    Raises:
        ValueError: The arrays have different lengths, a name or a split is not allowed, or a task has no label in a
            split. The message is one sentence.

    Example:
        >>> import numpy as np
        >>> data = Dataset(
        ...     name="mine",
        ...     modalities={"audio": Modality(np.ones((4, 1, 2), np.float32), lengths=np.ones(4, np.int64))},
        ...     tasks={"mood": Task("classes", np.array([0, 1, 0, 1]), labels=("sad", "happy"))},
        ...     splits={"train": np.array([0, 1]), "valid": np.array([2]), "test": np.array([3])},
        ...     ids=("a", "b", "c", "d"),
        ...     groups=np.arange(4),
        ... )
        >>> len(data), data.part("train").ids, data.pool().ids
        (4, ('a', 'b'), ('a', 'b', 'c'))
    """

    name: str
    modalities: dict[str, Modality]
    tasks: dict[str, Task]
    splits: dict[str, NDArray[np.int64]]
    ids: tuple[str, ...]
    groups: NDArray[np.int64]
    notes: tuple[str, ...] = ()
    encoders: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    transcripts: tuple[str, ...] = ()

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
            form = f"{self.groups.dtype} {list(self.groups.shape)}"
            raise ValueError(f"groups are {form}, expected int64 [{len(self)}], one for each id")
        if len(self.transcripts) not in (0, len(self)):
            raise ValueError(f"there are {len(self.transcripts)} transcripts for {len(self)} ids")
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
        """Which samples have which modality, [N, M]."""
        return np.stack([modality.presence for modality in self.modalities.values()], axis=1)

    def presence_of(self, names: Sequence[str]) -> NDArray[np.bool_]:
        """Which samples have at least one of these modalities, [N]."""
        return np.asarray(np.any([self.modalities[name].presence for name in names], axis=0))

    @cached_property
    def fingerprint(self) -> str:
        """16 hexadecimal digits that stand for the arrays, labels, groups and splits, but not for names and text."""
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
        """The data with only the samples at `indices`, in their order.

        Each split keeps those of its samples that are taken. A split without any is left out.

        Raises:
            ValueError: A sample is taken twice, or a task has no label left in a split.
        """
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
            encoders=self.encoders,
            transcripts=tuple(self.transcripts[index] for index in indices) if self.transcripts else (),
        )

    def with_tasks(self, names: Sequence[str]) -> Dataset:
        """The data with only these tasks; without `names`, with all of them.

        Raises:
            ValueError: The data has no task of that name.
        """
        for name in names:
            if name not in self.tasks:
                raise ValueError(f"task {name!r} does not exist in this data, expected one of {', '.join(self.tasks)}")
        return replace(self, tasks={name: self.tasks[name] for name in names}) if names else self

    def hiding(self, names: Sequence[str], shown: NDArray[np.bool_]) -> Dataset:
        """The same samples with some modalities hidden.

        Args:
            names: The modalities that may be hidden.
            shown: bool [N, len(names)], where they stay; they are absent in all other samples.
        """
        hidden = {name: self.modalities[name].hidden(~where) for name, where in zip(names, shown.T, strict=True)}
        return replace(self, modalities={**self.modalities, **hidden})

    def pool(self) -> Dataset:
        """Training samples, then validation samples: all that a search may see. It has no test split."""
        return self.take(np.concatenate([self.split("train"), self.split("valid")]))

    def part(self, split: Split) -> Dataset:
        """Only the samples of one split."""
        return self.take(self.split(split))

    def split(self, split: str) -> NDArray[np.int64]:
        """The indices of a split, int64.

        Raises:
            ValueError: The data has no such split. The message names those that it has.
        """
        if split not in self.splits:
            raise ValueError(f"data {self.name!r} has no split {split!r}, it has {', '.join(self.splits)}")
        return self.splits[split]
