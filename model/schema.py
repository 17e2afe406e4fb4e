"""What a network must know about its data: the shape of each modality and the kind of each task."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from haemsa.model.data.modality import check_columns
from haemsa.model.data.task import TaskKind
from haemsa.model.errors import listed

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
        columns: The names of the features by modality, where they are known.

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
    columns: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    @classmethod
    def of(cls, dataset: Dataset) -> Schema:
        """The schema of a data set."""
        modalities = {name: (item.steps, item.width) for name, item in dataset.modalities.items()}
        tasks = {name: TaskInfo(task.kind, tuple(task.labels), task.bounds) for name, task in dataset.tasks.items()}
        columns = {name: item.columns for name, item in dataset.modalities.items() if item.columns}
        return cls(modalities, tasks, columns)

    def only(self, names: Collection[str]) -> Schema:
        """The schema with only these modalities."""
        modalities = {name: size for name, size in self.modalities.items() if name in names}
        return Schema(modalities, self.tasks, {name: self.columns[name] for name in self.columns if name in names})

    def over_time(self, names: Iterable[str]) -> tuple[str, ...]:
        """Only the names of modalities that have several time steps."""
        return tuple(name for name in names if self.modalities.get(name, (1, 0))[0] > 1)

    def places_of(self, modality: str, columns: Sequence[str], width: int) -> NDArray[np.int64] | None:
        """Where the features of a modality are among those of new data.

        Args:
            modality: The modality, which the schema has.
            columns: The names of the data's features; none if they are not known.
            width: How many features the data has.

        Returns:
            The place of each feature, int64; None if all are at their place already. Without names on both sides, only
            the number of features can be compared.

        Raises:
            ValueError: Features are missing, or the numbers differ. The message is one sentence.

        Example:
            >>> schema = Schema({"audio": (1, 2)}, {}, {"audio": ("pitch", "rate")})
            >>> schema.places_of("audio", ("rate", "new", "pitch"), 3).tolist()
            [2, 0]
        """
        wanted, expected = self.columns.get(modality, ()), self.modalities[modality][1]
        if not columns or not wanted:
            if width != expected:
                raise ValueError(f"modality {modality!r} has {width} features, the model was trained on {expected}")
            return None
        if tuple(columns) == wanted:
            return None
        place = {name: number for number, name in enumerate(columns)}
        if missing := [name for name in wanted if name not in place]:
            raise ValueError(
                f"modality {modality!r} lacks {listed(missing)}, which the model was trained on; the data has "
                f"{listed(columns)}"
            )
        return np.array([place[name] for name in wanted], dtype=np.int64)

    def to_dict(self) -> dict[str, Any]:
        """The schema as plain JSON values."""
        tasks = {name: asdict(task) for name, task in self.tasks.items()}
        known = {"columns": {name: list(names) for name, names in self.columns.items()}} if self.columns else {}
        return {"modalities": dict(self.modalities), "tasks": tasks, **known}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Schema:
        """The schema that `to_dict` gave. Raises KeyError, TypeError or ValueError for anything else."""
        modalities = {str(name): (int(steps), int(width)) for name, (steps, width) in data["modalities"].items()}
        tasks = {
            str(name): TaskInfo(item["kind"], tuple(item["labels"]), tuple(item["bounds"]) if item["bounds"] else None)
            for name, item in data["tasks"].items()
        }
        columns = {str(name): tuple(map(str, names)) for name, names in data.get("columns", {}).items()}
        for name, names in columns.items():
            check_columns(names, modalities[name][1])
        return cls(modalities, tasks, columns)
