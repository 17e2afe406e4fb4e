"""Settings of the engine on a made space of which everything is known: many seeds in a minute.

    python -m tests.bench.tabular.bench_cells [--seeds N] [--tasks N]

Prints, for each setting and number of evaluations, the true hypervolume of the front that the search shows, as a share
of the most, and how far the best true error on it is from the least; means with 95 % intervals.
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from typing import Any, Final

import numpy as np

from haemsa.evo.evolution import Evolution
from tests.bench.shared.machine import write_result
from tests.bench.tabular.made_cells import Cell, Cells, CellSpace

EVALUATIONS: Final = (64, 200, 500)
SETTINGS: Final[Mapping[str, Mapping[str, Any]]] = {
    "random": {"population_size": 10**6},
    **{f"crossover {rate:g}": {"crossover": rate} for rate in (0.0, 0.3, 0.5, 0.7, 1.0)},
    **{f"population {size}": {"population_size": size} for size in (8, 16, 24, 50)},
    "generational": {"mode": "generational"},
}


def search(task: Cells, seed: int, **settings: Any) -> dict[int, tuple[float, float]]:
    """The share of the hypervolume and the distance to the least error, after each of `EVALUATIONS`."""
    directions: Any = {"error": "min", "price": "min"}
    given = {"population_size": 32, **settings}
    evolution: Evolution[Cell] = Evolution(CellSpace(), directions, seed=seed, **given)
    found, told = {}, 0
    while told < EVALUATIONS[-1]:
        for candidate in evolution.ask(4):
            evolution.tell(candidate, task.score(candidate.genome, seed))
            told += 1
            if told in EVALUATIONS:
                front = [record.genome for record in evolution.front()]
                best = task.table[front[0]][0]  # by its noisy score, as a person would choose
                found[told] = task.hypervolume(front), best - task.best()
    return found


def main() -> None:
    """Run all settings and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=50)
    parser.add_argument("--tasks", type=int, default=2)
    given = parser.parse_args()
    tasks = [Cells(seed) for seed in range(given.tasks)]
    results: dict[str, Any] = {}
    print("| | evaluations | share of the hypervolume | best error minus the least |")
    print("|---|---|---|---|")
    for name, settings in SETTINGS.items():
        runs = [search(task, seed, **settings) for task in tasks for seed in range(given.seeds)]
        for count in EVALUATIONS:
            values = np.array([run[count] for run in runs])
            mean, half = values.mean(axis=0), 1.96 * values.std(axis=0, ddof=1) / np.sqrt(len(values))
            print(f"| {name} | {count} | {mean[0]:.4f} ± {half[0]:.4f} | {mean[1]:.4f} ± {half[1]:.4f} |", flush=True)
            results.setdefault(name, {})[count] = values.tolist()
    write_result("cells", results)


if __name__ == "__main__":
    main()
