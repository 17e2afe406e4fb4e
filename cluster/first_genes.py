"""Training genes that a search for these objectives tries first, and around which it draws (tests/bench/README.md)."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import Final

from model.data.task import Task
from model.metrics import without_missing
from model.spec import TrainingGenes

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
