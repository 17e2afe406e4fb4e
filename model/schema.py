"""What a network must know about its data: the shape of each modality and the kind of each task."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from haemsa.model.data.task import TaskKind

if TYPE_CHECKING:
    from haemsa.model.data.dataset import Dataset


@dataclass(frozen=True)
class TaskInfo:
    """A task without the labels of samples.

    Attributes:
        kind: "regression", "classes" or "multilabel".
        labels: The names of the classes; none for regression.
        bounds: The range of a regression task, if it is known.
    """

    kind: TaskKind
    labels: tuple[str, ...] = ()
    bounds: tuple[float, float] | None = None

    @property
    def outputs(self) -> int:
        """How many numbers a network predicts for each sample."""
        return 1 if self.kind == "regression" else len(self.labels)


@dataclass(frozen=True)
class Schema:
    """The modalities and tasks of a data set, in its order.

    Args:
        modalities: For each modality, the most time steps and the number of features.
        tasks: The tasks by name.

    Example:
        >>> from haemsa.model.data.builtin.planted import planted
        >>> schema = Schema.of(planted(sizes=(20, 10, 10)))
        >>> schema.modalities["audio"], schema.tasks["emotion"].outputs
        ((24, 24), 6)
        >>> Schema.from_dict(schema.to_dict()) == schema
        True
    """

    modalities: Mapping[str, tuple[int, int]]
    tasks: Mapping[str, TaskInfo]

    @classmethod
    def of(cls, dataset: Dataset) -> Schema:
        """The schema of a data set."""
        modalities = {name: (item.steps, item.width) for name, item in dataset.modalities.items()}
        tasks = {name: TaskInfo(task.kind, tuple(task.labels), task.bounds) for name, task in dataset.tasks.items()}
        return cls(modalities, tasks)

    def over_time(self, names: Iterable[str]) -> tuple[str, ...]:
        """Only the names of modalities that have several time steps."""
        return tuple(name for name in names if self.modalities.get(name, (1, 0))[0] > 1)

    def to_dict(self) -> dict[str, Any]:
        """The schema as plain JSON values."""
        return {"modalities": dict(self.modalities), "tasks": {name: asdict(task) for name, task in self.tasks.items()}}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Schema:
        """The schema that `to_dict` gave. Raises KeyError, TypeError or ValueError for anything else."""
        modalities = {str(name): (int(steps), int(width)) for name, (steps, width) in data["modalities"].items()}
        tasks = {
            str(name): TaskInfo(item["kind"], tuple(item["labels"]), tuple(item["bounds"]) if item["bounds"] else None)
            for name, item in data["tasks"].items()
        }
        return cls(modalities, tasks)
