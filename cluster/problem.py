"""What a search is about: data without the test split, folds, objectives, space; checked before any training."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from cluster.config import SearchConfig
from evo.bounds import Bounds
from evo.expert_space import ExpertSpace
from evo.individual import Direction
from model.cost import cost
from model.data.dataset import Dataset
from model.data.folds import Folds, parse_score
from model.data.normalisation import Normalisation
from model.data.sources import load
from model.data.task import Task
from model.metrics import DIRECTIONS, all_metrics, primary
from model.schema import Schema
from model.spec import Genome

COSTS = ("params", "flops")


@dataclass(frozen=True)
class Problem:
    """A search's input. `pool` is normalised training and validation data; the test split is not in it."""

    pool: Dataset
    normalisation: Normalisation
    folds: Folds
    schema: Schema
    objectives: Mapping[str, Direction]
    space: ExpertSpace
    fingerprint: str

    @classmethod
    def of(cls, config: SearchConfig, dataset: Dataset | None = None) -> Problem:
        """Read the data and check the settings against it. Raises ValueError, one sentence, for what does not fit."""
        data = load(config.data) if dataset is None else dataset
        normalisation = Normalisation.fit(data)
        pool = normalisation.apply(data.pool())
        schema = Schema.of(data)
        space = ExpertSpace(
            tuple(data.modalities),
            bounds=Bounds.from_dict(config.space),
            steps={name: item.steps for name, item in data.modalities.items()},
            limits=config.limits,
            cost=lambda network: cost(network, schema),
        )
        return cls(
            pool=pool,
            normalisation=normalisation,
            folds=parse_score(config.score, pool, config.seed),
            schema=schema,
            objectives=resolve_objectives(config.objectives, pool.tasks),
            space=space,
            fingerprint=data.fingerprint,
        )

    def size(self, genome: Genome) -> float:
        """FLOPs of one pass over the time it trains: what cohorts are sorted by."""
        return cost(genome.network, self.schema)["flops"] * genome.training.epochs


def resolve_objectives(names: Sequence[str], tasks: Mapping[str, Task]) -> dict[str, Direction]:
    """Objectives by full name with their direction; none: the first task's main metric, and parameters.

    A metric that only one task has may go without the task's name. Raises ValueError naming those that exist.
    """
    first = next(iter(tasks))
    wanted = list(names) or [_full(first, primary(tasks[first]), tasks), "params"]
    known = {**{name: name.rpartition("/")[2] for name in metric_names(tasks)}, **{name: name for name in COSTS}}
    found: dict[str, Direction] = {}
    for name in wanted:
        matches = [full for full, short in known.items() if name in (full, short)]
        if len(matches) != 1:
            problem = "does not exist" if not matches else f"could be any of {', '.join(matches)}"
            raise ValueError(f"objective {name!r} {problem}, expected one of {', '.join(known)}")
        found[matches[0]] = DIRECTIONS[known[matches[0]]]
    return found


def metric_names(tasks: Mapping[str, Task]) -> list[str]:
    """The metrics that these tasks are scored by, found by scoring a constant prediction."""
    outputs = {name: np.zeros((len(task.targets), task.outputs), np.float32) for name, task in tasks.items()}
    return list(all_metrics(tasks, outputs))


def _full(task: str, metric: str, tasks: Mapping[str, Task]) -> str:
    return metric if len(tasks) == 1 else f"{task}/{metric}"


def describe_score(folds: Folds, pool: Dataset) -> str:
    """One line that says what scores a genome."""
    held_out = int(folds.held_out.sum(1).mean())
    if folds.kind == "holdout":
        return f"scored on the validation split ({held_out} samples), the mean of {len(folds)} seeds"
    groups = len(np.unique(pool.groups))
    return f"scored by cross-validation over {len(folds)} folds of about {held_out} samples ({groups} groups)"
