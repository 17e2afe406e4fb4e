"""Final training of the models that are compared, and their predictions for the test samples.

Each model is a task for a worker. Predictions are kept, so that a comparison goes on where it was cut off. They need
the features of the test samples, never their labels. Axes: `S` seeds, `N` test samples, `C` outputs.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np

from haemsa.cluster.comparison.contenders import Mixture, TestMetric, weight_of
from haemsa.cluster.comparison.together import Together
from haemsa.cluster.config import Compute, SearchConfig
from haemsa.cluster.final_model.recipe import Recipe, final_seed, protocol
from haemsa.cluster.final_model.train import train_predictor
from haemsa.cluster.final_model.trainer import Trainer
from haemsa.cluster.search.problem import Problem
from haemsa.cluster.shared.bootstrap import Outputs
from haemsa.cluster.shared.kept import Kept
from haemsa.cluster.shared.progress import Progress
from haemsa.cluster.shared.steps import Tally
from haemsa.model.baselines.classical import SEEDED, outputs_of_each, summaries
from haemsa.model.data.dataset import Dataset
from haemsa.model.data.normalisation import Normalisation
from haemsa.model.predictor.scores import as_scores, seed_means

Contender = Recipe | Mixture


@dataclass(frozen=True)
class Finals:
    """Trains each model as its search validated it, `seeds` times if seeds change it. `kept` keeps predictions."""

    dataset: Dataset
    problem: Problem
    judged: TestMetric
    config: SearchConfig
    seeds: int
    kept: Kept
    side: Together

    def predictions(self, models: Mapping[str, Contender], progress: Progress) -> Iterator[tuple[str, Outputs | str]]:
        """The predictions of each model for the test samples [S, N, C], or why it cannot be trained.

        Args:
            models: The models by name. Predictions are kept by the same name.
            progress: Shows how many models are trained.
        """
        depends = {name: self._depends(model) for name, model in models.items()}
        found = {name: self.kept.read(name, depends[name]) for name in models}
        yield from ((name, np.asarray(arrays["answers"])) for name, arrays in found.items() if arrays is not None)
        missing = sorted(
            (name for name, arrays in found.items() if arrays is None), key=lambda n: -self._size(models[n])
        )
        if not missing:
            return
        groups, epochs = self._alike(models, missing), {name: _epochs(models[name]) for name in missing}
        work = sum(epochs[names[0]] for names in groups)
        tally = Tally(progress, "models", len(models), len(models) - len(missing), size=work)
        with self.side.tasks(FinalsWork, self._sent()) as tasks:
            tally.show()
            for number, made in tasks.run([models[names[0]] for names in groups], waiting=tally.show):
                for name in groups[number]:
                    if not isinstance(made, str):
                        self.kept.write(name, depends[name], {"answers": made})
                    yield name, made
                tally.add(len(groups[number]), size=epochs[groups[number][0]])

    def _alike(self, models: Mapping[str, Contender], names: Iterable[str]) -> list[list[str]]:
        """Names of the same model together: an ensemble of one genome is this genome."""
        groups: dict[str, list[str]] = {}
        for name in names:
            model = models[name]
            if isinstance(model, Recipe) and len(model.members) == 1:
                model = replace(model, members=((model.members[0][0], 1),))
            groups.setdefault(json.dumps(self._depends(model), sort_keys=True), []).append(name)
        return list(groups.values())

    def _sent(self) -> FinalsData:
        """What workers get."""
        here = self.config.compute.model_copy(update={"backend": "inline"})
        kind, normalisation = self.problem.folds.kind, self.problem.normalisation
        facts = self.config.data, kind, normalisation, self.judged, self.config.seed, self.seeds
        return FinalsData(self.dataset, *facts, here)

    def _depends(self, model: Contender) -> dict[str, Any]:
        """All that the predictions of a model depend on."""
        depends = {"data": self.dataset.fingerprint, "task": self.judged.task, "seeds": self.seeds}
        if isinstance(model, Recipe):
            trained = {
                "validation": model.validation,
                "batch": model.batch_size,
                "seed": model.seed,
                "tasks": model.tasks,
            }
            return {**depends, **trained, "members": [[genome.to_dict(), count] for genome, count in model.members]}
        members = [[vars(member), count] for member, count in model]
        return {**depends, "validation": self.problem.folds.kind, "seed": self.config.seed, "members": members}

    def _size(self, model: Contender) -> float:
        """What training a model costs, to begin with the longest."""
        if isinstance(model, Recipe):
            return sum(self.problem.size(genome) for genome, _ in model.members)
        return weight_of(member.kind for member, _ in model)


def _epochs(model: Contender) -> float:
    """Epochs of all networks of a model. What is no network takes less than one."""
    if isinstance(model, Recipe):
        return sum(genome.training.epochs for genome, _ in model.members)
    return sum(member.settings.get("epochs", 0.5) for member, _ in model)


@dataclass(frozen=True)
class FinalsData:
    """What a worker gets: the whole data, what was settled by the search, and where it computes: in its own process."""

    pool: Dataset
    data: str | None
    validation: str
    normalisation: Normalisation
    judged: TestMetric
    seed: int
    seeds: int
    compute: Compute


class FinalsWork:
    """Trains models in a worker, and predicts the test samples."""

    def __init__(self, given: FinalsData) -> None:
        self._given, self._dataset = given, given.pool

    def __call__(self, model: Contender) -> Outputs | str:
        """Predictions [S, N, C], or why there are none."""
        try:
            return self._networks(model) if isinstance(model, Recipe) else self._classical(model)
        except ValueError as error:
            return str(error)

    def _networks(self, recipe: Recipe) -> Outputs:
        given, test = self._given, self._dataset.part("test")
        predictor = train_predictor(Trainer.of(recipe, self._dataset, given.compute), given.data, given.seeds)
        means = seed_means(predictor, predictor.predict_members(predictor.inputs(test)))[given.judged.task]
        return np.asarray(as_scores(test.tasks[given.judged.task], means), dtype=np.float32)

    def _classical(self, members: Mixture) -> Outputs:
        """Only one seed if no member depends on seeds."""
        seeds = self._given.seeds if any(model.kind in SEEDED for model, _ in members) else 1
        return self._mixed(members, [final_seed(self._given.seed, k) for k in range(seeds)])

    def _mixed(self, members: Mixture, seeds: Sequence[int]) -> Outputs:
        """The mean of the members by their weights, for each seed [S, N, C]."""
        folds, _ = protocol(self._given.validation, self._dataset.pool())
        pool = np.concatenate([self._dataset.split("train"), self._dataset.split("valid")])  # in the order of pool()
        trained, test = pool[~folds.held_out[0]], self._dataset.split("test")
        task, total = self._dataset.tasks[self._given.judged.task], sum(count for _, count in members)
        trainings = [(trained, seed) for seed in seeds]
        each = (count / total * outputs_of_each(model, self._features, task, trainings) for model, count in members)
        return np.asarray(sum(each), dtype=np.float32)[:, test]

    @cached_property
    def _features(self) -> dict[str, Outputs]:
        return summaries(self._given.normalisation.apply(self._dataset))
