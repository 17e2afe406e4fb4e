"""The objectives of a search by full name, and the training genes that a search for them tries first.

Random genomes are drawn around these genes. tests/bench/README.md has the evidence for them.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Final

import numpy as np

from haemsa.cluster.workers.own_objectives.objective import OwnFunctions, OwnObjective
from haemsa.cluster.workers.own_objectives.reference import find, is_reference, of_given
from haemsa.evo.objectives import Direction
from haemsa.model.cost import COSTS, LATENCY, is_cost
from haemsa.model.data.task import Task
from haemsa.model.metrics import MISSING, all_metrics, direction, main_metric, with_missing, without_missing
from haemsa.model.spec.training import TrainingGenes

DISTILLATION: Final = 0.3
CLASS_BALANCE: Final = 1.0
BALANCED: Final = {"classes": ("macro_f1", "uar"), "multilabel": ("macro_f1", "uar", "wf1")}
"""By kind of task: metrics in which rare classes, or labels, count as much as common ones, or nearly as much."""


def default_training_genes(objectives: Collection[str], tasks: Mapping[str, Task]) -> TrainingGenes:
    """The default genes, changed where the objectives ask for it.

    They distil if an objective counts missing modalities. They weigh rare classes more if an objective counts these as
    much as common ones. `objectives` are full names, such as "mae" or "emotion/missing_uar".
    """
    return TrainingGenes(
        distillation=DISTILLATION if counts_missing(objectives) else 0.0,
        class_balance=CLASS_BALANCE if any(_balanced(name, tasks) for name in objectives) else 0.0,
    )


def counts_missing(objectives: Iterable[str]) -> bool:
    """Whether an objective counts missing modalities."""
    return any(without_missing(name) != name for name in objectives)


def _balanced(objective: str, tasks: Mapping[str, Task]) -> bool:
    task, _, metric = without_missing(objective).rpartition("/")
    kinds = [tasks[task].kind] if task else [item.kind for item in tasks.values()]
    return any(metric in BALANCED.get(kind, ()) for kind in kinds)


def resolve_objectives(
    names: Sequence[str], tasks: Mapping[str, Task], own: Mapping[str, OwnObjective] | None = None
) -> dict[str, Direction]:
    """Objectives by full name, with their directions.

    Args:
        names: What was asked for. The name of the task may be left out if only one task has the metric. Empty: the main
            metric of the first task, and the number of parameters.
        tasks: The tasks of the data.
        own: Those of one's own, as `own_objectives` finds them. One that `names` does not have comes last.

    Raises:
        ValueError: For an objective that does not exist or is not the only one of its name, and if all are costs.
    """
    own = own or {}
    wanted = list(names) or [main_metric(tasks), "params"]
    metrics = metric_names(tasks)
    known = [*metrics, *COSTS, LATENCY]
    objectives: dict[str, Direction] = {}
    for name in dict.fromkeys([*wanted, *own]):
        found, way = (own[name].name, own[name].direction) if name in own else _known(name, known, metrics)
        if name in own and found in known:
            raise ValueError(f"own objective {found} has the name of a metric or a cost, expected another name")
        if found in objectives:
            raise ValueError(f"objective {found} is given twice, expected each once")
        objectives[found] = way
    if all(map(is_cost, objectives)):
        raise ValueError(f"objectives are {', '.join(objectives)}, expected at least one metric, such as {known[0]}")
    return objectives


def _known(name: str, known: Sequence[str], metrics: Sequence[str]) -> tuple[str, Direction]:
    """The full name of a metric or a cost, and its direction."""
    matches = [full for full in (*known, *map(with_missing, metrics)) if name in (full, full.rpartition("/")[2])]
    if len(matches) != 1:
        problem = "does not exist" if not matches else f"could be any of {', '.join(matches)}"
        raise ValueError(
            f"objective {name!r} {problem}, expected one of {', '.join(known)}, or {MISSING} before a metric, "
            "or MODULE:FUNCTION for a function of your own"
        )
    return matches[0], direction(matches[0])


def own_objectives(names: Sequence[str], given: OwnFunctions) -> dict[str, OwnObjective]:
    """The objectives of one's own, by how `names` has them: functions of modules, and those given from Python.

    Raises:
        ValueError: In one sentence, for a function that does not exist or cannot be called.
    """
    found = {name: of_given(name, given) if name in given else find(name, given) for name in names if _own(name, given)}
    mentioned = {item.name for item in found.values()}
    return found | {name: of_given(name, given) for name in given if name not in mentioned}


def _own(name: str, given: OwnFunctions) -> bool:
    return is_reference(name) or name in given


def check_limits(limits: Iterable[str], objectives: Iterable[str]) -> None:
    """Raise ValueError for a limit on what is known only after training."""
    for name in limits:
        if name == LATENCY or (name in objectives and name not in COSTS):
            raise ValueError(
                f"limit {name!r} is known only after training, expected one of {', '.join(COSTS)}; "
                "a search for it as an objective finds what is small"
            )


def metric_names(tasks: Mapping[str, Task]) -> list[str]:
    """The metrics of these tasks by full name. A constant prediction is scored to find them."""
    outputs = {name: np.zeros((len(task.targets), task.outputs), np.float32) for name, task in tasks.items()}
    return list(all_metrics(tasks, outputs))
