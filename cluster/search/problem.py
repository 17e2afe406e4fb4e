"""What a search is about: data without the test split, folds, objectives and the space, all checked before training."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, Final

import numpy as np

from haemsa.cluster.config import SearchConfig
from haemsa.cluster.run_directory.plain_models import PlainModels
from haemsa.cluster.search.objectives import (
    check_limits,
    counts_missing,
    default_training_genes,
    own_objectives,
    resolve_objectives,
)
from haemsa.cluster.shared.given_data import FROM_PYTHON
from haemsa.cluster.workers.cohort_trainer import WorkerData
from haemsa.cluster.workers.own_objectives.objective import OwnFunctions, OwnObjective
from haemsa.cluster.workers.tasks.place import device_of
from haemsa.evo.candidate import Score
from haemsa.evo.expert_space.bounds import Bounds
from haemsa.evo.expert_space.designs import Design, designs, plain_designs
from haemsa.evo.expert_space.space import ExpertSpace
from haemsa.evo.objectives import Direction
from haemsa.model.baselines.over_folds import constant_score
from haemsa.model.cost import LATENCY, cost, is_cost
from haemsa.model.data.dataset import Dataset
from haemsa.model.data.folds import Folds, choose_folds
from haemsa.model.data.normalisation import Normalisation
from haemsa.model.data.sources import load
from haemsa.model.data.summary import provenance
from haemsa.model.metrics import direction, main_metric, without_missing
from haemsa.model.missing_modalities import streams_of
from haemsa.model.schema import Schema
from haemsa.model.spec.genome import Genome
from haemsa.model.training.batch_size import fit_batch

log = logging.getLogger(__name__)
MOST_MODALITIES: Final = 8


@dataclass(frozen=True)
class Problem:
    """The input of a search. `pool` has the training and validation samples, normalised. The test split is not in it.

    `own`: the objectives of one's own, by name. `described`: the whole data in a few words and numbers, for MLflow (see
    cluster/tracking/dataset_input.py).
    """

    pool: Dataset
    normalisation: Normalisation
    folds: Folds
    schema: Schema
    objectives: Mapping[str, Direction]
    space: ExpertSpace
    fingerprint: str
    described: Mapping[str, Any]
    own: Mapping[str, OwnObjective]

    @classmethod
    def of(
        cls, config: SearchConfig, dataset: Dataset | None = None, own_functions: OwnFunctions | None = None
    ) -> Problem:
        """Read the data and check the settings against it.

        Args:
            config: The settings of a search.
            dataset: The data, if it was read already or is given from Python. None: `config.data` is read.
            own_functions: Functions that are objectives and are given from Python.

        Raises:
            ValueError: In one sentence, for settings that do not fit the data.
        """
        own = own_objectives(config.objectives, own_functions or {})
        data = _read(config) if dataset is None else dataset
        data = data.with_tasks(config.tasks)
        normalisation = Normalisation.fit(data)
        pool = normalisation.apply(data.pool())
        schema = Schema.of(data)
        objectives = resolve_objectives(config.objectives, pool.tasks, own)
        check_limits(config.limits, objectives)
        space = _space(config, pool, schema, objectives)
        count = len(streams_of(list(pool.modalities)))
        if counts_missing(objectives) and count > MOST_MODALITIES:
            raise ValueError(
                f"the data has {count} modalities and an objective counts missing ones, "
                f"expected at most {MOST_MODALITIES}: every subset of them is predicted"
            )
        return cls(
            pool=pool,
            normalisation=normalisation,
            folds=choose_folds(config.validation, pool, config.seed),
            schema=schema,
            objectives=objectives,
            space=space,
            fingerprint=data.fingerprint,
            described=provenance(data, config.data or FROM_PYTHON),
            own={item.name: item for item in own.values()},
        )

    def of_design(self, design: str, config: SearchConfig) -> Problem:
        """The same, but only for networks of a usual design. Raises ValueError if none of them keeps the limits."""
        other = config.model_copy(update={"design": design})
        return replace(self, space=_space(other, self.pool, self.schema, self.objectives))

    @property
    def main_metric(self) -> tuple[str, Direction]:
        """The metric that counts most, with all modalities shown, and its direction.

        It is the first objective that is a metric, or the main metric of the first task where no objective is one.
        """
        names = [*self.objectives, main_metric(self.pool.tasks)]
        name = next(without_missing(name) for name in names if not is_cost(name) and name not in self.own)
        return name, direction(name)

    @cached_property
    def constants(self) -> Mapping[str, Sequence[float]]:
        """What the best constant reaches on each fold `[F]`, for each objective that is a metric.

        It is the same with and without missing modalities.
        """
        names = [name for name in self.objectives if not is_cost(name) and name not in self.own]
        folds = self.folds.held_out[:, np.newaxis]
        found: dict[str, Sequence[float]] = {}
        for name in names:
            given = [constant_score(self.pool, fold, without_missing(name)) for fold in folds]
            scores = np.array(given, dtype=float)  # NaN where there is none
            if np.isfinite(scores).all():
                found[name] = scores.tolist()
        return found

    def skill(self, scores: Mapping[str, Score]) -> float:
        """How much better scores are than the best constant on the same folds: 0 if they are no better, 1 if perfect.

        Of several objectives, the one counts in which they are best.
        """
        shares = [0.0]
        for name, folds in self.constants.items():
            constant = float(np.resize(folds, scores[name].replicates).mean())
            perfect = 0.0 if self.objectives[name] == "min" else 1.0
            if constant != perfect:
                shares.append((scores[name].mean - constant) / (perfect - constant))
        return max(shares)

    def plain_models(self, scores: Mapping[str, Score], seed: int) -> PlainModels | None:
        """Plain models beside a network with these scores, by the main metric. None if it has no score there."""
        name, way = self.main_metric
        if name not in scores:
            return None
        return PlainModels.beside(scores[name].mean, name, way, self.pool, self.folds.held_out, seed)

    def references(self) -> list[str]:
        """The objectives as settings name them."""
        return [self.own[name].reference if name in self.own else name for name in self.objectives]

    @property
    def missing(self) -> bool:
        """Whether an objective counts missing modalities."""
        return counts_missing(self.objectives)

    def plain_designs(self) -> list[Genome]:
        """The genomes that a search begins with: the usual designs of the field, with every gene at its default."""
        designs = plain_designs(self.space.domain, streams_of(list(self.pool.modalities)))
        return list(dict.fromkeys(map(self.space.repair, designs)))

    def size(self, genome: Genome) -> float:
        """What training a genome costs, to sort cohorts by: FLOPs of one pass, times its epochs."""
        return cost(genome.network, self.schema)["flops"] * genome.training.epochs


def _read(config: SearchConfig) -> Dataset:
    if config.data is None:
        raise ValueError("setting data is missing, expected planted, digits, or a path to data of any layout")
    return load(config.data, stream=config.stream)


def _space(config: SearchConfig, pool: Dataset, schema: Schema, objectives: Mapping[str, Direction]) -> ExpertSpace:
    steps = {name: item.steps for name, item in pool.modalities.items()}
    return ExpertSpace(
        tuple(pool.modalities),
        bounds=Bounds.from_dict(config.space),
        steps=steps,
        tasks={name: task.kind for name, task in pool.tasks.items()},
        limits=config.limits,
        cost=lambda network: cost(network, schema),
        design=_design(config.design, steps),
        default_training_genes=default_training_genes(objectives, pool.tasks),
    )


def _design(design: str | None, steps: Mapping[str, int]) -> Design | None:
    """Brings a genome into a design. Raises ValueError for a design that does not exist for data of such modalities."""
    by_name = designs(streams_of(list(steps)), steps)
    if design is not None and design not in by_name:
        raise ValueError(f"design {design!r} does not exist for this data, expected one of {', '.join(by_name)}")
    return by_name[design] if design else None


def worker_data(config: SearchConfig, problem: Problem) -> WorkerData:
    """What each worker gets once, before its first job. Raises ValueError for an own objective that cannot be sent."""
    _ = [item.moments for item in problem.pool.modalities.values()]  # sent too, so that no worker reads all features
    for own in problem.own.values() if config.backend == "ray" else ():
        own.check_sendable()
    return WorkerData(
        problem.pool,
        problem.folds,
        config.seed,
        fit_batch(config.batch_size, len(problem.pool)),
        device_of(config),
        missing=problem.missing,
        latency=LATENCY in problem.objectives,
        own=tuple(problem.own.values()),
    )
