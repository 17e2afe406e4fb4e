"""Training genes that a search for these objectives tries first, and around which it draws (tests/bench/README.md)."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Final

import numpy as np

from haemsa.evo.objectives import Direction
from haemsa.model.cost import COSTS
from haemsa.model.data.task import Task
from haemsa.model.metrics import MISSING, all_metrics, direction, primary, with_missing, without_missing
from haemsa.model.spec.training import TrainingGenes

DISTILLATION: Final = 0.3
CLASS_BALANCE: Final = 1.0
BALANCED: Final = {"classes": ("macro_f1", "uar"), "multilabel": ("macro_f1", "uar", "wf1")}
"""Metrics by kind of task to which rare classes, or labels, count as much as common ones, or nearly."""


def first_genes(objectives: Collection[str], tasks: Mapping[str, Task]) -> TrainingGenes:
    """The defaults, but distilling where modalities may be missing, and weighing rare classes where they count as much.

    `objectives` are full names, as "mae" or "emotion/missing_uar".
    """
    return TrainingGenes(
        distillation=DISTILLATION if counts_missing(objectives) else 0.0,
        class_balance=CLASS_BALANCE if any(_balanced(name, tasks) for name in objectives) else 0.0,
    )


def counts_missing(objectives: Iterable[str]) -> bool:
    """Whether one of them counts missing modalities."""
    return any(without_missing(name) != name for name in objectives)


def _balanced(objective: str, tasks: Mapping[str, Task]) -> bool:
    task, _, metric = without_missing(objective).rpartition("/")
    kinds = [tasks[task].kind] if task else [item.kind for item in tasks.values()]
    return any(metric in BALANCED.get(kind, ()) for kind in kinds)


def resolve_objectives(names: Sequence[str], tasks: Mapping[str, Task]) -> dict[str, Direction]:
    """Objectives by full name with their direction; none: the first task's main metric, and parameters.

    A metric that only one task has may go without the task's name. Raises ValueError naming those that exist.
    """
    first = next(iter(tasks))
    wanted = list(names) or [_full(first, primary(tasks[first]), tasks), "params"]
    metrics = metric_names(tasks)
    known = [*metrics, *COSTS]
    found: dict[str, Direction] = {}
    for name in wanted:
        matches = [full for full in (*known, *map(with_missing, metrics)) if name in (full, full.rpartition("/")[2])]
        if len(matches) != 1:
            problem = "does not exist" if not matches else f"could be any of {', '.join(matches)}"
            raise ValueError(
                f"objective {name!r} {problem}, expected one of {', '.join(known)}, or {MISSING} before a metric"
            )
        found[matches[0]] = direction(matches[0])
    if set(found) <= set(COSTS):
        raise ValueError(f"objectives are {', '.join(found)}, expected at least one metric, such as {known[0]}")
    return found


def metric_names(tasks: Mapping[str, Task]) -> list[str]:
    """The metrics that these tasks are scored by, found by scoring a constant prediction."""
    outputs = {name: np.zeros((len(task.targets), task.outputs), np.float32) for name, task in tasks.items()}
    return list(all_metrics(tasks, outputs))


def _full(task: str, metric: str, tasks: Mapping[str, Task]) -> str:
    return metric if len(tasks) == 1 else f"{task}/{metric}"
