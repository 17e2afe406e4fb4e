"""Which genes win: the best genomes of a search, each trained from scratch with and without a value of a gene.

    python -m tests.bench.scores.genes --data PATH --run RUN_DIR [--best 12] [--seeds 2] [--only loss] [--processes 2]
    python -m tests.bench.scores.genes --data PATH [--objectives missing_mae,params] [--seeds 2]

Without a run, the genomes are the plain designs with which a search for these objectives begins. This shows whether
the defaults are well chosen. If an objective counts missing modalities, metrics are also shown with modalities
missing.

Both networks of a pair have the same folds and seeds. One has the gene at its default, the other at the value; all
other genes are the genome's own. Printed is the mean difference of held-out metrics, value minus default, with its
standard error over genomes. Ranges are chosen by it, and genes that never win are removed. No test split is read.
What was trained stays in bench-results/genes-RUN.jsonl (or defaults-DATA.jsonl), so work that was cut off continues.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Final, NamedTuple, get_args

import numpy as np

from haemsa.cluster.config import SearchConfig
from haemsa.cluster.run_directory.run_directory import RunDirectory
from haemsa.cluster.search.problem import Problem
from haemsa.evo.expert_space.domain import Domain
from haemsa.evo.expert_space.legal import altered, idle_genes
from haemsa.model.cost import COSTS
from haemsa.model.metrics import direction, primary, with_missing, without_missing
from haemsa.model.spec.genome import Genome
from haemsa.model.spec.network import ExpertKind
from haemsa.model.spec.training import TrainingGenes
from tests.bench.driver.workers import CONTEXT
from tests.bench.shared.machine import RESULTS, write_result
from tests.bench.shared.setting import PROCESSES, Scorer, Scores

CHANGES: Final[Mapping[str, Mapping[str, Any]]] = {
    "loss l1": {"loss": "l1"},
    **{f"class balance {value}": {"class_balance": value} for value in (0.5, 1.0)},
    **{f"distillation {value}": {"distillation": value} for value in (0.3, 1.0)},
}
"""Training genes by what they are called in the table."""
AROUND: Final[Mapping[str, Sequence[float]]] = {
    "dropout": (0.0, 0.1, 0.5),
    "feature_dropout": (0.0, 0.2, 0.6),
    "modality_dropout": (0.0, 0.2, 0.5),
    "distillation": (0.0, 0.3, 1.0),
    "learning_rate": (0.001, 0.004),
    "weight_decay": (0.001, 0.1),
    "class_balance": (0.0, 0.5, 1.0),
    "clip": (0.5, 3.0),
    "epochs": (6, 20),
}
"""Values next to the default, for the genes that plain designs are trained by."""
WEIGHTS: Final = (0.3, 3.0)
COHORT: Final = 60
"""Networks trained together, about."""
_PURPOSE: Final = 9
Pair = tuple[Genome, Genome]
Task = tuple[int, list[Genome]]
"""A seed's number, and genomes to train with it."""


class Effect(NamedTuple):
    """A mean difference, its standard error over genomes, how many of them won, and how many there are."""

    mean: float
    error: float
    wins: int
    count: int


def best_genomes(run: Path, metric: str, count: int) -> list[Genome]:
    """The best of a search's journal by a metric, of those that were trained in full. ValueError for none."""
    with RunDirectory.open(run, read_only=True) as directory:
        full = int(directory.journal.state()["evolution"]["ladder"][1])
        rows = [row for row in directory.journal.rows() if len(row.outcomes) > full and metric in row.scores]
    if not rows:
        raise ValueError(f"{run} has no candidate that was trained in full and scored by {metric}")
    sign = 1 if direction(metric) == "min" else -1
    return [row.genome for row in sorted(rows, key=lambda row: sign * row.scores[metric].mean)[:count]]


def pairs(genome: Genome, domain: Domain) -> dict[str, Pair]:
    """By name, the genome with a gene at its default and at a value. Pairs without a difference are left out."""
    idle, usual = idle_genes(domain, genome.network), TrainingGenes()
    found: dict[str, Pair] = {}
    weights = {f"{task} weighs {w}": {"task_weights": ((task, w),)} for task in domain.weighted for w in WEIGHTS}
    for name, genes in {**CHANGES, **weights}.items():
        if not set(genes) & set(idle):
            defaults = {gene: getattr(usual, gene) for gene in genes}
            found[name] = _trained_by(genome, defaults), _trained_by(genome, genes)
    for kind in get_args(ExpertKind):
        other = _with_experts(genome, kind, domain.allowing((kind,)))
        if other.key != genome.key and kind in _kinds_of(other) and len(_kinds_of(other)) == 1:
            found[f"experts {kind}"] = genome, other
    return found


def around(genome: Genome, domain: Domain) -> dict[str, Pair]:
    """By name, a plain genome and the same with a gene at another value. Pairs without a difference are left out."""
    idle = idle_genes(domain, genome.network)
    return {
        f"{gene} {value:g}": (genome, _trained_by(genome, {gene: value}))
        for gene, values in AROUND.items()
        for value in values
        if gene not in idle and value != getattr(genome.training, gene)
    }


def _trained_by(genome: Genome, genes: Mapping[str, Any]) -> Genome:
    return replace(genome, training=replace(genome.training, **genes))


def _with_experts(genome: Genome, kind: Any, domain: Domain) -> Genome:
    """All experts of one kind, as near to what they were as the kind allows."""
    levels = [
        replace(level, experts=tuple(altered(domain, expert, kind=kind) for expert in level.experts))
        for level in genome.network.levels
    ]
    return replace(genome, network=replace(genome.network, levels=tuple(levels)))


def _kinds_of(genome: Genome) -> set[str]:
    return {expert.kind for level in genome.network.levels for expert in level.experts}


class Trainings:
    """Held-out metrics by genome and seed, the mean over folds; kept in a file as they come."""

    def __init__(self, config: SearchConfig, problem: Problem, path: Path, processes: int) -> None:
        self.config, self.problem, self.path, self.processes = config, problem, path, processes
        self.about = {"data": problem.fingerprint, "score": problem.folds.kind, "seed": config.seed}
        self.scores: dict[tuple[str, int], Scores] = dict(self._read())

    def __call__(self, genomes: Sequence[Genome], seeds: int) -> None:
        """Train what is not there yet."""
        every = {genome.key: genome for genome in genomes}.values()
        tasks = [task for seed in range(seeds) for task in self._tasks(every, seed)]
        if not tasks:
            return
        self.path.parent.mkdir(parents=True, exist_ok=True)
        with CONTEXT.Pool(self.processes, _begin, (self.config,)) as pool, self.path.open("a") as file:
            for done, (seed, found) in enumerate(pool.imap_unordered(_train, tasks), start=1):
                for key, scores in found.items():
                    self.scores[key, seed] = scores
                    file.write(json.dumps({"about": self.about, "key": key, "seed": seed, "scores": scores}) + "\n")
                file.flush()
                print(f"  {done} of {len(tasks)} cohorts", flush=True)

    def _tasks(self, genomes: Sequence[Genome], seed: int) -> Iterator[Task]:
        """Cohorts of similar networks; those that distil among themselves, as they take longer."""
        left = [genome for genome in genomes if (genome.key, seed) not in self.scores]
        left.sort(key=lambda genome: (genome.training.distillation > 0, self.problem.size(genome)))
        size = max(1, COHORT // len(self.problem.folds))
        yield from ((seed, left[place : place + size]) for place in range(0, len(left), size))

    def _read(self) -> Iterator[tuple[tuple[str, int], Scores]]:
        lines = self.path.read_text().splitlines() if self.path.exists() else []
        for item in map(json.loads, lines):
            if item["about"] != self.about:
                raise ValueError(f"{self.path} holds scores of {item['about']}, expected {self.about}")
            yield (item["key"], item["seed"]), item["scores"]


_own: list[tuple[SearchConfig, Scorer]] = []


def _begin(config: SearchConfig) -> None:
    _own[:] = [(config, Scorer.of(Problem.of(config)))]


def _train(task: Task) -> tuple[int, dict[str, Scores]]:
    (config, scorer), (number, genomes) = _own[0], task
    parts = [[config.seed, _PURPOSE, number, fold] for fold in range(len(scorer.folds))]
    seeds = [int(np.random.SeedSequence(part).generate_state(1)[0]) for part in parts]
    found = scorer.together(genomes, [seeds] * len(genomes), config.seed)
    return number, {genome.key: scores for genome, scores in zip(genomes, found, strict=True)}


def effect(of: Sequence[Pair], scores: Mapping[tuple[str, int], Scores], seeds: int, metric: str) -> Effect:
    """Value minus default, over the genomes without a diverged network."""
    differences = []
    for pair in of:
        runs = [[scores[genome.key, seed].get(metric, np.nan) for seed in range(seeds)] for genome in pair]
        before, after = np.mean(runs, axis=1)
        differences.append(after - before)
    known = np.array([value for value in differences if np.isfinite(value)])
    if not len(known):
        return Effect(float("nan"), float("nan"), 0, 0)
    wins = int((known < 0).sum() if direction(metric) == "min" else (known > 0).sum())
    error = float(known.std(ddof=1) / np.sqrt(len(known))) if len(known) > 1 else float("nan")
    return Effect(float(known.mean()), error, wins, len(known))


def metrics_of(problem: Problem) -> list[str]:
    """The objectives, then the primary metric of each task; each first with modalities missing, if that counts."""
    tasks = problem.pool.tasks
    names = [primary(task) if len(tasks) == 1 else f"{name}/{primary(task)}" for name, task in tasks.items()]
    found = dict.fromkeys([*(without_missing(name) for name in problem.objectives if name not in COSTS), *names])
    return [kind for name in found for kind in ([with_missing(name), name] if problem.missing else [name])]


def report(effects: Mapping[str, Effect], metric: str) -> None:
    """One line per value. A star: the mean is two standard errors better. A dash: it is two standard errors worse."""
    less = direction(metric) == "min"
    print(f"\n{metric}, {'less' if less else 'more'} is better: value minus default, standard error, genomes that won")
    for name, (mean, error, wins, count) in effects.items():
        gain = -mean if less else mean
        mark = "*" if gain > 2 * error else "-" if gain < -2 * error else " "
        print(f"  {name:28} {mean:+9.4f} {error:8.4f} {mark} {wins:3d} of {count}")


def _config(data: str, run: Path | None, objectives: str) -> SearchConfig:
    """The config of the run, if there is one, with the path of the data as it is now."""
    if run is None:
        return SearchConfig.of({"data": data, "objectives": [name for name in objectives.split(",") if name]})
    with RunDirectory.open(run, read_only=True) as directory:
        return directory.config().model_copy(update={"data": data})


def main() -> None:
    """Train all pairs and print every effect."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", required=True)
    parser.add_argument("--run", type=Path, help="the run directory of a search of this data")
    parser.add_argument("--objectives", default="", help="as of haemsa search, without a run")
    parser.add_argument("--best", type=int, default=12, help="genomes that are taken from it")
    parser.add_argument("--seeds", type=int, default=2, help="times that each is trained on all folds")
    parser.add_argument("--only", default="", help="values whose name begins so, or so: loss,distillation")
    parser.add_argument("--processes", type=int, default=PROCESSES)
    given = parser.parse_args()
    config = _config(given.data, given.run, given.objectives)
    problem = Problem.of(config)
    metrics = metrics_of(problem)
    genomes = best_genomes(given.run, metrics[0], given.best) if given.run else problem.plain_designs()
    by_name: dict[str, list[Pair]] = {}
    for genome in genomes:
        for name, pair in (pairs if given.run else around)(genome, problem.space.domain).items():
            if name.startswith(tuple(given.only.split(","))):
                by_name.setdefault(name, []).append(pair)
    kind = "defaults-missing" if problem.missing else "defaults"
    title = f"genes-{given.run.name}" if given.run else f"{kind}-{Path(given.data).stem}"
    trainings = Trainings(config, problem, RESULTS / f"{title}.jsonl", given.processes)
    trainings([genome for own in by_name.values() for pair in own for genome in pair], given.seeds)
    found = {
        metric: {name: effect(own, trainings.scores, given.seeds, metric) for name, own in by_name.items()}
        for metric in metrics
    }
    for metric, effects in found.items():
        report(effects, metric)
    result = {metric: {name: one._asdict() for name, one in effects.items()} for metric, effects in found.items()}
    print(f"\nwritten to {write_result(title, {'seeds': given.seeds, 'effects': result})}")


if __name__ == "__main__":
    main()
