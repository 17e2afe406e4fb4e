"""What a network must know of its data: the shape of every modality and the kind of every task."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from haemsa.model.data.task import TaskKind

if TYPE_CHECKING:
    from haemsa.model.data.dataset import Dataset


@dataclass(frozen=True)
class TaskInfo:
    """A task without its labels: kind, class names, and the range of a regression target where it has one."""

    kind: TaskKind
    labels: tuple[str, ...] = ()
    bounds: tuple[float, float] | None = None

    @property
    def outputs(self) -> int:
        """Numbers a network gives for it."""
        return 1 if self.kind == "regression" else len(self.labels)


@dataclass(frozen=True)
class Schema:
    """Modalities as name -> (time steps T, features D), and tasks, in the order of the data."""

    modalities: Mapping[str, tuple[int, int]]
    tasks: Mapping[str, TaskInfo]

    @classmethod
    def of(cls, dataset: Dataset) -> Schema:
        """The schema of a dataset."""
        modalities = {name: (item.steps, item.width) for name, item in dataset.modalities.items()}
        tasks = {name: TaskInfo(task.kind, tuple(task.labels), task.bounds) for name, task in dataset.tasks.items()}
        return cls(modalities, tasks)

    def over_time(self, names: Iterable[str]) -> tuple[str, ...]:
        """Those of the names that are modalities with time steps."""
        return tuple(name for name in names if self.modalities.get(name, (1, 0))[0] > 1)

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values."""
        return {"modalities": dict(self.modalities), "tasks": {name: asdict(task) for name, task in self.tasks.items()}}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Schema:
        """Read `to_dict`'s value."""
        modalities = {str(name): (int(steps), int(width)) for name, (steps, width) in data["modalities"].items()}
        tasks = {
            str(name): TaskInfo(item["kind"], tuple(item["labels"]), tuple(item["bounds"]) if item["bounds"] else None)
            for name, item in data["tasks"].items()
        }
        return cls(modalities, tasks)
