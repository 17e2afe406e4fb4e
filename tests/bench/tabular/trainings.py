"""Every genome trained for real: what a benchmark of the space is made of.

A genome is trained on each of five folds, once, with a seed of its own for each. Its scores on what the fold holds out
are kept after each of `EPOCHS`, and after all of its epochs, as the rungs of a search would see them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from haemsa.cluster.config import SearchConfig
from haemsa.cluster.search.problem import Problem, worker_data
from haemsa.cluster.workers.cohort_trainer import CohortTrainer
from haemsa.cluster.workers.job import Job
from haemsa.evo.candidate import Candidate, Failure
from haemsa.evo.rungs import Fidelity
from haemsa.model.cost import cost
from haemsa.model.data.dataset import Dataset
from haemsa.model.metrics import primary
from haemsa.model.spec.genome import Genome
from tests.bench.scores import mosei922
from tests.bench.shared.setting import REAL_DATA

FOLDS: Final = 5
EPOCHS: Final = (1, 3, 6, 12, None)
"""After how many epochs a genome is scored; None: after all of its own. Each is at least twice the one before it: so
none of them falls among the epochs over which weights are averaged."""
COHORT: Final = 8
"""Genomes in a cohort: 40 networks."""
COSTS: Final = ("params", "flops")


def _given(name: str) -> tuple[str | None, Dataset | None]:
    """The data of a set, as a path or a name, or as it was read."""
    if name == "mosei922":
        return None, mosei922.read()
    return {"planted": "planted", "mosi3": str(REAL_DATA / "mosi3" / "mosi3.yaml")}[name], None


SETS: Final = ("planted", "mosei922", "mosi3")


def exists(name: str) -> bool:
    """Whether the data of this set is on this machine."""
    return name == "planted" or (REAL_DATA / name).exists()


def problem(name: str) -> tuple[SearchConfig, Problem]:
    """A search of this set with the default settings and five folds."""
    path, dataset = _given(name)
    config = SearchConfig.of({"data": path, "validation": f"folds:{FOLDS}", "batch_size": 16, "seed": 0})
    return config, Problem.of(config, dataset)


@dataclass(frozen=True)
class Trained:
    """A genome's scores: by metric and place in `EPOCHS`, one of each fold; its costs; its share of the seconds.

    `failure`: why there are no scores after some epochs.
    """

    scores: Mapping[str, Sequence[Sequence[float]]]
    costs: Mapping[str, float]
    seconds: float
    failure: str | None = None


class Trainer:
    """Trains genomes of one set, in cohorts of networks of one size, on one thread."""

    def __init__(self, name: str) -> None:
        config, self.problem = problem(name)
        tasks = self.problem.pool.tasks
        self.metrics = [f"{task}/{primary(item)}" if len(tasks) > 1 else primary(item) for task, item in tasks.items()]
        self._trainer = CohortTrainer(worker_data(config, self.problem))

    def __call__(
        self, genomes: Sequence[Genome], first: int, note: Callable[[str], None] = lambda _: None
    ) -> list[Trained]:
        """Train genomes; the first has the number `first`, from which its seeds come."""
        numbered = sorted(enumerate(genomes, first), key=lambda item: (self.problem.size(item[1]), item[1].key))
        found: dict[int, Trained] = {}
        for start in range(0, len(numbered), COHORT):
            found |= self._cohort(dict(numbered[start : start + COHORT]))
            note(f"{len(found)} of {len(genomes)}")
        return [found[number] for number in sorted(found)]

    def _cohort(self, genomes: Mapping[int, Genome]) -> dict[int, Trained]:
        jobs = {number: Job(Candidate(number, genome), Fidelity()) for number, genome in genomes.items()}
        scores: dict[int, dict[str, list[Any]]] = {number: {name: [] for name in self.metrics} for number in jobs}
        seconds, failures = dict.fromkeys(jobs, 0.0), dict[int, str]()
        for epochs in EPOCHS:
            fidelity = Fidelity(epochs, FOLDS)
            asked = [replace(jobs[number], fidelity=fidelity) for number in jobs if number not in failures]
            for job, result in zip(asked, self._trainer(asked) if asked else [], strict=True):
                seconds[job.id] += result.seconds
                if isinstance(result.outcome, Failure):
                    failures[job.id] = result.outcome.message
                    continue
                values = {name: score.values for name, score in result.outcome.items() if score.values}
                jobs[job.id] = replace(job, reached=fidelity, known=values, states={**job.states, **result.states})
                for name in self.metrics:
                    scores[job.id][name].append(values[name])
        return {
            number: Trained(scores[number], self._costs(job.genome), seconds[number], failures.get(number))
            for number, job in jobs.items()
        }

    def _costs(self, genome: Genome) -> dict[str, float]:
        costs = cost(genome.network, self.problem.schema)
        return {name: float(costs[name]) for name in COSTS}
