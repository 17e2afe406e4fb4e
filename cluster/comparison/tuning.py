"""Tuning all models of a comparison beside each other: by a search within a design, or by trials of a kind."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

from haemsa.cluster.comparison.classical_trials import TrialData, TrialWork, tuned_classical
from haemsa.cluster.comparison.contenders import ComparisonSetup, TestMetric, Tuned, tuned_network, weight_of
from haemsa.cluster.comparison.ours import SAME_SEARCH, ours
from haemsa.cluster.comparison.together import Together
from haemsa.cluster.config import SearchConfig
from haemsa.cluster.search.launch import Prepared
from haemsa.cluster.search.problem import Problem, worker_data
from haemsa.cluster.shared.kept import Kept
from haemsa.cluster.shared.progress import Progress
from haemsa.cluster.shared.steps import Part, Parts, Steps
from haemsa.cluster.workers.cohort_trainer import WorkerData
from haemsa.model.baselines.classical import SEEDED, Kind

Tuning = Callable[[Progress], Tuned]
"""Tunes a model, and tells a progress how far it is."""
QUICK: Final = 0.1
"""How long trials of a model that is no network take beside a search, about."""


@dataclass(frozen=True)
class Bench:
    """Where models are tuned: the search that they are compared with, what it is about, and who works.

    `data`: what the networks of this search are trained on. `kept`: keeps trials of models that are no networks.
    """

    setup: ComparisonSetup
    problem: Problem
    judged: TestMetric
    data: WorkerData
    kept: Kept
    side: Together

    def tuned(
        self, changes: Mapping[str, Mapping[str, Any]], kinds: Sequence[Kind], steps: Steps
    ) -> dict[str, Tuned | str]:
        """All models by name, or why there is none. Ours comes first, by as many trials as the others.

        Args:
            changes: The settings that each search changes, by name.
            kinds: The kinds of other models.
            steps: Shows how far all are.

        Raises:
            ValueError: Our search cannot be compared.
        """
        found, trials = ours(self.setup.run, self.judged), self.setup.trials
        had, searches = found["best"].trials, dict(changes)
        if had != trials:
            steps.note(f"searching again: {trials} evaluations, because the search had {had} and all get the same")
            searches = {SAME_SEARCH: {}, **changes}
        data = TrialData.of(self.problem, self.judged)
        tunings: dict[str, Tuning] = {name: partial(self._search, name, searches) for name in searches}
        tunings |= {kind: partial(self._trials, kind, data) for kind in kinds}
        names = ", ".join("our search again" if name == SAME_SEARCH else name for name in tunings)
        steps.begin("tuning", f"tuning {names}: {trials} trials each")
        parts = Parts(steps, [1.0 if name in (*searches, *SEEDED) else QUICK for name in tunings], trials)
        others = _all(tunings, parts, self.side)
        if had != trials:
            if isinstance(why := others.pop(SAME_SEARCH), str):
                raise ValueError(why)
            found = ours(self.setup.out / SAME_SEARCH, self.judged)
        return {**found, **others}

    def _search(self, name: str, searches: Mapping[str, Mapping[str, Any]], progress: Progress) -> Tuned:
        """The best network of a search, in the folder of its name."""
        setup, changes = self.setup, searches[name]
        problem, data = self._meant(changes)
        weight = max(map(problem.size, problem.plain_designs()))
        with self.side.evaluator(name, data, weight, len(searches)) as evaluator:
            prepared = Prepared(problem, evaluator)
            place = setup.out / name
            return tuned_network(setup.config, changes, setup.trials, place, self.judged, progress, prepared=prepared)

    def _meant(self, changes: Mapping[str, Any]) -> tuple[Problem, WorkerData]:
        """What a search with these settings is about, and what its networks are trained on."""
        config = self.setup.config
        if "tasks" in changes:
            other = SearchConfig.of({**config.model_dump(), **changes})
            problem = Problem.of(other, self.setup.data)
            return problem, worker_data(other, problem)
        if "design" in changes:
            return self.problem.of_design(changes["design"], config), self.data
        return self.problem, self.data

    def _trials(self, kind: Kind, data: TrialData, progress: Progress) -> Tuned:
        """The best of random trials of a kind of model, on the folds of the search."""
        trials, seed = self.setup.trials, self.setup.config.seed
        with self.side.tasks(TrialWork, data, weight_of([kind])) as tasks:
            return tuned_classical(self.problem, data, kind, trials, seed, self.kept, progress, tasks)


def _all(tunings: Mapping[str, Tuning], parts: Parts, side: Together) -> dict[str, Tuned | str]:
    """What each tuning found, or why it found nothing."""

    def found(tuning: Tuning, part: Part) -> Tuned | str:
        made: Tuned | str
        try:
            made = tuning(part)
        except ValueError as error:  # for example, if no network of this design keeps the limits
            made = str(error)
        part.end()
        return made

    ended = side.run([partial(found, *both) for both in zip(tunings.values(), parts.parts, strict=True)])
    return dict(zip(tunings, ended, strict=True))
