"""A trial of Ray Tune: it trains one genome on all folds, as one cohort, from rung to rung."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ray import tune

from haemsa.cluster.run_directory.weights import WeightStore
from haemsa.cluster.tuning.follower import number_of
from haemsa.cluster.tuning.genes import Genes
from haemsa.cluster.workers.cohort_trainer import WorkerData
from haemsa.cluster.workers.evaluator import TrainCohort
from haemsa.cluster.workers.job import Job, target_epochs
from haemsa.cluster.workers.limits import limit_memory
from haemsa.cluster.workers.row_state import RowState
from haemsa.evo.candidate import Candidate, Failure
from haemsa.evo.rungs import Fidelity


@dataclass(frozen=True)
class Rungs:
    """The epochs at which a trial reports: `first`, then `factor` times as many each time, at last all its own.

    `factor` is 2 or more, because a rung is scored with weights that are averaged over the last half of its epochs.
    """

    first: int
    factor: int

    def after(self, epochs: int) -> int:
        """The epochs of the rung after this one (0: of the first). See `target_epochs` for genomes with few epochs."""
        return epochs * self.factor if epochs else self.first


class GenomeTrial(tune.Trainable):
    """Reports `score` (the mean of `metric` over folds), its `error`, the `epochs`, and if these are all (`whole`).

    All trials train with the same seeds, so only their genes make them differ. A trial that fails reports `failure`.
    Checkpoints are safetensors.
    """

    def setup(  # type: ignore[override]
        self,
        config: dict[str, Any],
        make: Callable[[WorkerData], TrainCohort],
        data: WorkerData,
        genes: Genes,
        rungs: Rungs,
        metric: str,
        begun: Mapping[int, str],
        memory: float | None,
    ) -> None:
        """Make what trains. This happens once in each actor; later trials come through `reset_config`.

        `begun`: the folders from which trials go on that were cut off, by their numbers. `memory`: how many bytes more
        the actor may take.
        """
        limit_memory(memory)
        self._train, self._folds = make(data), len(data.folds)
        self._genes, self._rungs, self._metric, self._begun = genes, rungs, metric, begun
        self.reset_config(config)

    def reset_config(self, new_config: dict[str, Any]) -> bool:
        """Begin another trial, or go on with it if it was cut off."""
        self._genome = self._genes.genome_of(new_config)
        self._states: dict[int, RowState] = {}
        self._epochs = 0
        folder = self._begun.get(number_of(self.trial_id)) if self._begun else None
        if folder is not None:
            self.load_checkpoint(folder)
        return True

    def step(self) -> dict[str, Any]:
        """Train to the next rung."""
        fidelity = Fidelity(self._rungs.after(self._epochs), self._folds)
        reached = Fidelity(self._epochs, self._folds) if self._epochs else None
        candidate = Candidate(0, self._genome)
        (result,) = self._train([Job(candidate, fidelity, reached, states=self._states)])
        self._epochs = target_epochs(fidelity, self._genome)
        if isinstance(result.outcome, Failure):
            return self._failed(f"{result.outcome.kind}: {result.outcome.message}")
        score = result.outcome[self._metric]
        if not score.finite:
            return self._failed(f"nan: {self._metric} is {score.mean}")
        self._states = dict(result.states)
        whole = self._epochs == self._genome.training.epochs
        return {"score": score.mean, "error": score.error, "epochs": self._epochs, "whole": whole, "done": whole}

    def _failed(self, why: str) -> dict[str, Any]:
        return {"score": math.nan, "epochs": self._epochs, "failure": why, "whole": False, "done": True}

    def save_checkpoint(self, checkpoint_dir: str) -> None:
        """Write the state of each replicate."""
        WeightStore(Path(checkpoint_dir)).save(0, self._epochs, self._states)

    def load_checkpoint(self, checkpoint: Any) -> None:
        """Continue from a folder that `save_checkpoint` filled, for this trial or another with the same network."""
        states = WeightStore(Path(checkpoint))
        ((number, self._epochs),) = states.kept()
        self._states = states.load(number, self._epochs)
