"""What a search is about: data without the test split, folds, objectives, space; checked before any training."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from cluster.config import SearchConfig
from cluster.first_genes import counts_missing, first_genes
from cluster.lineage import describe
from evo.bounds import Bounds
from evo.expert_space import ExpertSpace
from evo.families import Shape, families, plain_designs
from evo.individual import Direction
from model.cost import cost
from model.data.dataset import Dataset
from model.data.folds import Folds, parse_score
from model.data.normalisation import Normalisation
from model.data.sources import load
from model.data.task import Task
from model.metrics import MISSING, all_metrics, direction, primary, with_missing, without_missing
from model.missing import streams_of
from model.schema import Schema
from model.spec import Genome

log = logging.getLogger(__name__)
COSTS = ("params", "flops")
SMALL_SPLIT = 2000
"""Validation samples from which on the official split scores a genome by default."""
AUTO_FOLDS = 5
LEAST_FOLDS = 3
"""With fewer groups than these, the validation split scores in any case."""
MOST_MODALITIES = 8


@dataclass(frozen=True)
class Problem:
    """A search's input. `pool` is normalised training and validation data; the test split is not in it.

    `described`: the whole data in a few words and numbers (see cluster/lineage.py).
    """

    pool: Dataset
    normalisation: Normalisation
    folds: Folds
    schema: Schema
    objectives: Mapping[str, Direction]
    space: ExpertSpace
    fingerprint: str
    described: Mapping[str, Any]

    @classmethod
    def of(cls, config: SearchConfig, dataset: Dataset | None = None) -> Problem:
        """Read the data and check the settings against it. Raises ValueError, one sentence, for what does not fit."""
        data = load(config.data, stream=config.stream) if dataset is None else dataset
        data = data.with_tasks(config.tasks)
        normalisation = Normalisation.fit(data)
        pool = normalisation.apply(data.pool())
        schema = Schema.of(data)
        steps = {name: item.steps for name, item in data.modalities.items()}
        objectives = resolve_objectives(config.objectives, pool.tasks)
        space = ExpertSpace(
            tuple(data.modalities),
            bounds=Bounds.from_dict(config.space),
            steps=steps,
            tasks={name: task.kind for name, task in data.tasks.items()},
            limits=config.limits,
            cost=lambda network: cost(network, schema),
            shape=_shape(config.design, steps),
            defaults=first_genes(objectives, pool.tasks),
        )
        count = len(streams_of(list(pool.modalities)))
        if counts_missing(objectives) and count > MOST_MODALITIES:
            found = f"the data has {count} modalities and an objective counts missing ones"
            raise ValueError(f"{found}, expected at most {MOST_MODALITIES}: every subset of them is predicted")
        return cls(
            pool=pool,
            normalisation=normalisation,
            folds=choose_folds(config.score, pool, config.seed),
            schema=schema,
            objectives=objectives,
            space=space,
            fingerprint=data.fingerprint,
            described=describe(data, config.data),
        )

    @property
    def main_metric(self) -> tuple[str, Direction]:
        """The first objective that is a metric, else the first task's main one, all modalities shown; its direction."""
        first = next(iter(self.pool.tasks))
        names = [*self.objectives, _full(first, primary(self.pool.tasks[first]), self.pool.tasks)]
        name = next(without_missing(name) for name in names if name not in COSTS)
        return name, direction(name)

    @property
    def missing(self) -> bool:
        """Whether an objective counts missing modalities."""
        return counts_missing(self.objectives)

    def plain_designs(self) -> list[Genome]:
        """What a search begins with: the field's usual designs with every gene at its default, as the space allows."""
        designs = plain_designs(self.space.domain, streams_of(list(self.pool.modalities)))
        return list(dict.fromkeys(map(self.space.repair, designs)))

    def size(self, genome: Genome) -> float:
        """FLOPs of one pass over the time it trains: what cohorts are sorted by."""
        return cost(genome.network, self.schema)["flops"] * genome.training.epochs


def _shape(design: str | None, steps: Mapping[str, int]) -> Shape | None:
    """What genomes are brought into. Raises ValueError for a design that data of such modalities does not have."""
    known = families(streams_of(list(steps)), steps)
    if design is not None and design not in known:
        raise ValueError(f"design {design!r} does not exist for this data, expected one of {', '.join(known)}")
    return known[design] if design else None


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


def choose_folds(score: str, pool: Dataset, seed: int) -> Folds:
    """The folds of a score; "auto" is five folds, or one a group of fewer, where the validation split is small.

    On MOSI and MOSEI-922, whose splits are small, five-fold scores of good genomes follow fresh test runs far closer
    than scores on the validation split do (see tests/bench/README.md).
    """
    if score != "auto":
        return parse_score(score, pool, seed)
    count = min(AUTO_FOLDS, len(np.unique(pool.groups)))
    if len(pool.split("valid")) < SMALL_SPLIT and count >= LEAST_FOLDS:
        try:
            return parse_score(f"folds:{count}", pool, seed)
        except ValueError as error:
            log.info("the validation split scores, as folds cannot: %s", error)
    return parse_score("holdout", pool, seed)


def describe_score(folds: Folds, pool: Dataset, asked: str) -> str:
    """One line that says what scores a genome, and why if that was chosen for the user."""
    held_out = int(folds.held_out.sum(1).mean())
    valid = len(pool.split("valid"))
    if folds.kind == "groups":
        return f"scored by leaving out one of {len(folds)} groups at a time, about {held_out} samples each"
    if folds.kind == "holdout":
        line = f"scored on the validation split ({held_out} samples), the mean of {len(folds)} seeds"
        large = f"a split of {SMALL_SPLIT} or more tells good genomes apart"
        why = large if valid >= SMALL_SPLIT else "the data has too few groups or labels for folds"
    else:
        groups = len(np.unique(pool.groups))
        line = f"scored by cross-validation over {len(folds)} folds of about {held_out} samples ({groups} groups)"
        why = f"the validation split alone, {valid} samples, is too small to tell good genomes apart"
    return f"{line}: {why}" if asked == "auto" else line
