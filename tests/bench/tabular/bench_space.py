"""Settings of a search on a model of the real space: many seeds in minutes, and no training.

    python -m tests.bench.tabular.bench_space [SET ...] [--seeds N] [--only NAME ...]

Prints how good the model of each set is. Then, for each setting and number of evaluations: the expected error of the
best genome that the search confirms, the hypervolume of what it confirms (error, log10 parameters), both by what the
model holds for true, and the epochs of single networks that were trained. Means with 95 % intervals over seeds.
"""

from __future__ import annotations

import argparse
import multiprocessing
from collections.abc import Mapping
from functools import partial
from typing import Any, Final

import numpy as np

from haemsa.evo.rungs import Ladder, ladder
from haemsa.model.cost import cost
from haemsa.model.spec.genome import Genome
from tests.bench.shared.machine import write_result
from tests.bench.tabular.collect import FOLDER
from tests.bench.tabular.simulated_search import Progress, Task, evolve_with, search
from tests.bench.tabular.space_model import SpaceModel, TrainedGenomes
from tests.bench.tabular.trainings import FOLDS, SETS, problem

EVALUATIONS: Final = (64, 200, 500)
FEWEST: Final = 200
"""Trained genomes from which a model is worth asking."""
WORST: Final = 0.9
"""The hypervolume counts what is better than so many of the trained genomes, and smaller than a million parameters."""
SETTINGS: Final[Mapping[str, Mapping[str, Any]]] = {
    "random": {"population_size": 10**6},
    "as by default": {},
    "a model chooses among 4 children": {"screening": 4},
    "a model chooses among 8 children": {"screening": 8},
    "crossover 0": {"crossover": 0.0},
    "crossover 0.4": {"crossover": 0.4},
    "crossover 1": {"crossover": 1.0},
    "16 survivors": {"population_size": 16},
    "64 survivors": {"population_size": 64},
    "first rung of 2 epochs": {"ladder": ladder(2, 24, FOLDS)},
    "eta 2": {"ladder": ladder(3, 24, FOLDS, eta=2)},
    "first objective not favoured": {"favour_first": False},
    "generational": {"mode": "generational"},
}
_OF_THIS_PROCESS: Final[list[Task]] = []
"""The task of a process that was forked for searches. It cannot be sent, because spaces hold functions."""


def task_of(name: str) -> Task | None:
    """The set as a task. None if too few genomes were trained."""
    _, found = problem(name)
    path, tasks = FOLDER / f"{name}.parquet", list(found.pool.tasks)
    metric = found.main_metric[0]
    trained = TrainedGenomes.read(path, metric)
    if len(trained.genomes) < FEWEST:
        return None
    model = SpaceModel(trained, tuple(found.pool.modalities), tasks if len(tasks) > 1 else ())
    parameters = dict[str, float]()

    def size(genome: Genome) -> float:
        if genome.key not in parameters:
            parameters[genome.key] = float(cost(genome.network, found.schema)["params"])
        return parameters[genome.key]

    worst = float(np.quantile(trained.errors[:, -1].mean(axis=1), WORST))
    return Task(model, found.space, size, (worst, 6.0), found.space.without_each_modality, found.plain_designs())


def usual_ladder() -> Ladder:
    """The rungs of a search with five folds."""
    return ladder(3, 24, FOLDS)


def run(settings: Mapping[str, Any], seed: int) -> Progress:
    """One search of the task that this process has."""
    task = _OF_THIS_PROCESS[0]
    given = {"ladder": usual_ladder(), **settings}
    return search(task, evolve_with(task.space, **given), seed, EVALUATIONS)


def row(name: str, count: int, runs: list[Progress]) -> str:
    """A row of the table."""
    cells = []
    for values in ([each.best[count] for each in runs], [each.hypervolume[count] for each in runs]):
        half = 1.96 * np.std(values, ddof=1) / np.sqrt(len(values))
        cells.append(f"{np.mean(values):.4f} ± {half:.4f}")
    trained = np.mean([each.trained[count] for each in runs])
    return f"| {name} | {count} | {cells[0]} | {cells[1]} | {trained:,.0f} |"


def main() -> None:
    """Run all settings on all sets and print the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("sets", nargs="*", default=list(SETS))
    parser.add_argument("--seeds", type=int, default=50)
    parser.add_argument("--only", nargs="*", default=list(SETTINGS))
    given = parser.parse_args()
    results: dict[str, Any] = {}
    for name in given.sets:
        task = task_of(name) if (FOLDER / f"{name}.parquet").exists() else None
        if task is None:
            print(f"{name}: skipped, fewer than {FEWEST} genomes are trained")
            continue
        print(f"\n{name}: {task.model.told()}\n")
        print("| | evaluations | error of the best | hypervolume | epochs trained |\n|---|---|---|---|---|")
        for setting in given.only:
            with multiprocessing.get_context("fork").Pool(None, _OF_THIS_PROCESS.append, (task,)) as pool:
                runs = pool.map(partial(run, SETTINGS[setting]), range(given.seeds), chunksize=1)
            for count in EVALUATIONS:
                print(row(setting, count, runs), flush=True)
            results[f"{name}/{setting}"] = [[each.best, each.hypervolume, each.trained] for each in runs]
    write_result("space", results)


if __name__ == "__main__":
    main()
