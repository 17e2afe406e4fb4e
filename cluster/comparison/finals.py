"""Final training of the models that are compared, and their predictions for the test samples.

Predictions are kept, so that a comparison goes on where it was cut off. They need the features of the test samples,
never their labels. Axes: `S` seeds, `N` test samples, `C` outputs.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from haemsa.cluster.comparison.bootstrap import Outputs
from haemsa.cluster.comparison.cache import Arrays, cached
from haemsa.cluster.comparison.contenders import Mixture, TestMetric
from haemsa.cluster.final_model.recipe import Recipe, final_seed, protocol
from haemsa.cluster.final_model.train import train_predictor
from haemsa.cluster.final_model.trainer import Trainer
from haemsa.cluster.search.problem import Problem
from haemsa.model.baselines.classical import SEEDED, outputs, summaries
from haemsa.model.data.dataset import Dataset
from haemsa.model.predictor.scores import as_scores, seed_means


@dataclass(frozen=True)
class Finals:
    """Trains each model as its search validated it, `seeds` times if seeds change it. `folder` keeps predictions."""

    dataset: Dataset
    data: str | None
    problem: Problem
    judged: TestMetric
    seed: int
    seeds: int
    folder: Path

    def predictions(self, name: str, model: Recipe | Mixture) -> Outputs:
        """The predictions of a model for the test samples [S, N, C]. Raises ValueError if a network diverges."""
        depends = {"data": self.dataset.fingerprint, "task": self.judged.task, "seeds": self.seeds}

        def trained() -> Arrays:
            return {"answers": self._networks(model) if isinstance(model, Recipe) else self._classical(model)}

        return np.asarray(cached(self.folder, name, depends | self._described(model), trained)["answers"])

    def _described(self, model: Recipe | Mixture) -> dict[str, Any]:
        """All that the training of a model depends on, except the data."""
        if isinstance(model, Recipe):
            trained = {
                "validation": model.validation,
                "batch": model.batch_size,
                "seed": model.seed,
                "tasks": model.tasks,
            }
            return {**trained, "members": [[genome.to_dict(), count] for genome, count in model.members]}
        members = [[vars(member), count] for member, count in model]
        return {"validation": self.problem.folds.kind, "seed": self.seed, "members": members}

    def _networks(self, recipe: Recipe) -> Outputs:
        trainer, test = Trainer.of(recipe, self.dataset), self.dataset.part("test")
        predictor = train_predictor(trainer, self.data, self.seeds)
        means = seed_means(predictor, predictor.predict_members(predictor.inputs(test)))[self.judged.task]
        return np.asarray(as_scores(test.tasks[self.judged.task], means), dtype=np.float32)

    def _classical(self, members: Mixture) -> Outputs:
        """Only one seed if no member depends on seeds."""
        seeds = self.seeds if any(model.kind in SEEDED for model, _ in members) else 1
        return np.stack([self._mixed(members, final_seed(self.seed, k)) for k in range(seeds)])

    def _mixed(self, members: Mixture, seed: int) -> Outputs:
        folds, _ = protocol(self.problem.folds.kind, self.problem.pool)
        pool = np.concatenate([self.dataset.split("train"), self.dataset.split("valid")])  # as in problem.pool
        trained, test = pool[~folds.held_out[0]], self.dataset.split("test")
        task, total = self.dataset.tasks[self.judged.task], sum(count for _, count in members)
        each = (count / total * outputs(model, self._features, task, trained, seed) for model, count in members)
        return np.asarray(sum(each), dtype=np.float32)[test]

    @cached_property
    def _features(self) -> dict[str, Outputs]:
        return summaries(self.problem.normalisation.apply(self.dataset))
