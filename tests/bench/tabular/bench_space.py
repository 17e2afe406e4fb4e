"""Settings of a search on a model of the real space: many seeds in minutes, and no training.

    python -m tests.bench.tabular.bench_space [SET ...] [--seeds N] [--only NAME ...] [--learner forest|kernel]

Prints how good the model of each set is, and a table. For each budget it has the expected error of the best genome that
the search confirms, and the hypervolume of its front (error, log10 parameters), both by what the model holds for true.
The first row has the figures of the default settings. All other rows are gains against it, seed by seed: more than 0 is
better. Means with 95 % intervals over seeds. A budget is a number of genomes, or of epochs of one network on one fold:
by the latter, settings that train more are not ahead only because they do.
"""

from __future__ import annotations

import argparse
import multiprocessing
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any, Final

import numpy as np
from deap import base, tools

from haemsa.evo.candidate import Score
from haemsa.evo.expert_space.operators import WEIGHTS, some_mutations
from haemsa.evo.rungs import ladder, single
from haemsa.model.cost import cost
from haemsa.model.spec.genome import Genome
from tests.bench.shared.machine import write_result
from tests.bench.tabular.collect import FOLDER
from tests.bench.tabular.simulated_search import Found, Spent, Task, evolve_with, search
from tests.bench.tabular.space_model import LEARNERS, Learner, SpaceModel, TrainedGenomes
from tests.bench.tabular.trainings import FOLDS, SETS, problem

BUDGETS: Final = (*(Spent(count) for count in (64, 200, 1000)), Spent(epochs=3000))
FEWEST: Final = 200
"""Trained genomes from which a model is worth asking."""
WORST: Final = 0.9
"""The hypervolume counts what is better than so many of the trained genomes, and smaller than a million parameters."""
DEFAULT: Final = "as by default, but all children are trained"
"""A model that chooses among children would take most of the time."""
USUAL: Final = 16
"""The usual designs come first, at most half a population of them."""
MOST_EPOCHS: Final = 24


def _mutations(count: int, box: base.Toolbox) -> None:
    box.register("mutate", some_mutations, box, WEIGHTS, counts={count: 1.0})


def _any_parents(box: base.Toolbox) -> None:
    box.register("select", tools.selRandom)


SETTINGS: Final[Mapping[str, Mapping[str, Any]]] = {
    DEFAULT: {},
    "random": {"population_size": 10**6},
    "a model chooses among 4 children": {"screening": 4},
    **{f"crossover {rate:g}": {"crossover": rate} for rate in (0.0, 0.4, 1.0)},
    **{f"{count} mutations a child": {"operators": partial(_mutations, count)} for count in (1, 3)},
    "parents at random": {"operators": _any_parents},
    **{f"{size} survivors": {"population_size": size} for size in (16, 64)},
    **{f"first rung of {epochs} epochs": {"ladder": ladder(epochs, MOST_EPOCHS, FOLDS)} for epochs in (1, 6, 12)},
    **{f"eta {eta}": {"ladder": ladder(3, MOST_EPOCHS, FOLDS, eta=eta)} for eta in (2, 4)},
    "no rungs": {"ladder": single(FOLDS)},
    "first objective not favoured": {"favour_first": False},
    "little skill climbs too": {"skill": None},
    "no usual designs": {"first": ()},
    "no suggestions without a modality": {"simpler": lambda _: ()},
    "generational": {"mode": "generational"},
}
_OF_THIS_PROCESS: Final[list[Task]] = []
"""The task of a process that was forked for searches. It cannot be sent, because spaces hold functions."""


def task_of(name: str, learner: Learner = "forest") -> Task | None:
    """The set as a task. None if too few genomes were trained."""
    _, found = problem(name)
    path, tasks = FOLDER / f"{name}.parquet", list(found.pool.tasks)
    metric = found.main_metric[0]
    trained = TrainedGenomes.read(path, metric)
    if len(trained.genomes) < FEWEST:
        return None
    model = SpaceModel(trained, tuple(found.pool.modalities), tasks if len(tasks) > 1 else (), learner)
    parameters = dict[str, float]()

    def size(genome: Genome) -> float:
        if genome.key not in parameters:
            parameters[genome.key] = float(cost(genome.network, found.schema)["params"])
        return parameters[genome.key]

    worst = float(np.quantile(trained.errors[:, -1].mean(axis=1), WORST))

    def skill(scores: Mapping[str, Score]) -> float:
        return found.skill({metric: scores["mae"]})

    return Task(
        model, found.space, size, (worst, 6.0), found.space.without_each_modality, found.plain_designs()[:USUAL], skill
    )


def run(setting: str, seed: int) -> dict[str, Found]:
    """One search of the task that this process has."""
    task = _OF_THIS_PROCESS[0]
    given = {"ladder": ladder(3, MOST_EPOCHS, FOLDS), "skill": task.skill, **SETTINGS[setting]}
    changes = {name: given.pop(name) for name in ("first", "simpler") if name in given}
    task, evolve = replace(task, **changes), evolve_with(task.space, **given)
    return {str(budget): search(task, evolve(seed), budget) for budget in BUDGETS}


def row(name: str, runs: Sequence[Mapping[str, Found]], usual: Sequence[Mapping[str, Found]] = ()) -> str:
    """A row of the table. `usual`: the runs with the default settings, of the same seeds; none: `runs` are these."""
    cells = []
    for budget in map(str, BUDGETS):
        found = np.array([each[budget][:2] for each in runs])
        if usual:
            other = np.array([each[budget][:2] for each in usual])
            cells += [_interval(other[:, 0] - found[:, 0], "+"), _interval(found[:, 1] - other[:, 1], "+")]
        else:
            cells += [_interval(column) for column in found.T]
    return f"| {name} | {' | '.join(cells)} |"


def _interval(values: Any, sign: str = "") -> str:
    half = 1.96 * np.std(values, ddof=1) / np.sqrt(len(values))
    return f"{np.mean(values):{sign}.4f} ± {half:.4f}"


def main() -> None:
    """Run all settings on all sets and print the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("sets", nargs="*", default=list(SETS))
    parser.add_argument("--seeds", type=int, default=50)
    parser.add_argument("--only", nargs="*", default=list(SETTINGS))
    parser.add_argument("--learner", choices=LEARNERS, default="forest", help="what the model of the space is")
    given = parser.parse_args()
    results: dict[str, Any] = {}
    for name in given.sets:
        task = task_of(name, given.learner) if (FOLDER / f"{name}.parquet").exists() else None
        if task is None:
            print(f"{name}: skipped, fewer than {FEWEST} genomes are trained")
            continue
        print(f"\n{name}: {task.model.told()}\n")
        print(f"| | {' | '.join(f'{budget}: error | hypervolume' for budget in BUDGETS)} |")
        print("|---" * (1 + 2 * len(BUDGETS)) + "|")
        usual: list[dict[str, Found]] = []
        for setting in dict.fromkeys((DEFAULT, *given.only)):
            with multiprocessing.get_context("fork").Pool(None, _OF_THIS_PROCESS.append, (task,)) as pool:
                runs = pool.map(partial(run, setting), range(given.seeds), chunksize=1)
            print(row(setting, runs, usual), flush=True)
            usual = usual or runs
            results[f"{name}/{setting}"] = runs
    write_result("space", results)


if __name__ == "__main__":
    main()
