"""Evolution against pymoo's NSGA-II with equal operators, population and evaluations; and the cost of ask and tell.

python -m tests.bench.evolution.bench_evolution [--quick]
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from functools import partial

import moocore
import numpy as np
from pymoo.algorithms.moo.nsga2 import NSGA2
from pymoo.core.problem import ElementwiseProblem
from pymoo.optimize import minimize

from haemsa.evo.evolution import Evolution, Mode
from tests.bench.shared.machine import write_result
from tests.support.evo.real_space import RealSpace, Vector, dtlz2, zdt1, zdt2

Problem = Callable[[Vector], dict[str, float]]
PROBLEMS: dict[str, tuple[Problem, int, int]] = {"zdt1": (zdt1, 30, 2), "zdt2": (zdt2, 30, 2), "dtlz2": (dtlz2, 12, 3)}


def ours(problem: Problem, size: int, k: int, seed: int, *, evaluations: int, mode: Mode) -> np.ndarray:
    """Losses of the last population `[n, k]`, as pymoo reports them."""
    names = [f"f{i + 1}" for i in range(k)]
    evolution = Evolution(
        RealSpace(size),
        dict.fromkeys(names, "min"),
        seed=seed,
        population_size=100,
        mode=mode,
        crossover=1.0,  # nine pairs in ten, by the space itself
    )
    told = 0
    while told < evaluations:
        for candidate in evolution.ask(1):
            evolution.tell(candidate, problem(candidate.genome))
            told += 1
    return np.array([individual.losses for individual in evolution.population])


def pymoos(problem: Problem, size: int, k: int, seed: int, *, evaluations: int) -> np.ndarray:
    """Losses `[n, k]` of the last population of pymoo's NSGA2, with its own SBX and polynomial mutation."""

    class Wrapped(ElementwiseProblem):
        def __init__(self) -> None:
            super().__init__(n_var=size, n_obj=k, xl=0.0, xu=1.0)

        def _evaluate(self, x: np.ndarray, out: dict, *args: object, **kwargs: object) -> None:
            out["F"] = list(problem(tuple(x.tolist())).values())

    result = minimize(Wrapped(), NSGA2(pop_size=100), ("n_eval", evaluations), seed=seed)
    return result.F


def quality(evaluations: int, seeds: int) -> dict[str, dict[str, list[float]]]:
    """Print and return hypervolumes by problem and searcher, one per seed; the reference is 1.1 in each objective."""
    volumes_of: dict[str, dict[str, list[float]]] = {}
    for name, case in PROBLEMS.items():
        makers = {
            "pymoo": partial(pymoos, *case, evaluations=evaluations),
            "generational": partial(ours, *case, evaluations=evaluations, mode="generational"),
            "steady": partial(ours, *case, evaluations=evaluations, mode="steady"),
        }
        for label, make in makers.items():
            volumes = [float(moocore.hypervolume(make(seed), ref=[1.1] * case[2])) for seed in range(seeds)]
            volumes_of.setdefault(name, {})[label] = volumes
            error = np.std(volumes, ddof=1) / np.sqrt(seeds)
            least = np.mean(volumes_of[name]["pymoo"]) - np.std(volumes_of[name]["pymoo"], ddof=1) / np.sqrt(seeds)
            lost = " below pymoo's by more than its standard error" if np.mean(volumes) < least else ""
            print(f"{name:6} {evaluations:6} {label:13} {np.mean(volumes):.4f} +- {error:.4f}{lost}", flush=True)
    return volumes_of


def cost(evaluations: int = 10_000) -> dict[str, float]:
    """Print and return the mean milliseconds of ask and tell in a steady search of three objectives."""
    evolution = Evolution(RealSpace(12), {"f1": "min", "f2": "min", "f3": "min"}, seed=0, population_size=100)
    spent = np.zeros((evaluations, 2))
    for number in range(evaluations):
        start = time.perf_counter()
        (candidate,) = evolution.ask(1)
        asked = time.perf_counter()
        scores = dtlz2(candidate.genome)
        evaluated = time.perf_counter()
        evolution.tell(candidate, scores)
        spent[number] = asked - start, time.perf_counter() - evaluated
    ask, tell = 1e3 * spent.mean(axis=0)
    last = 1e3 * spent[-1000:].mean(axis=0)
    print(f"ask {ask:.2f} ms, tell {tell:.2f} ms; last 1,000: {last[0]:.2f}, {last[1]:.2f} ms", end=" ")
    print(f"(front {evolution.archive.front_size}); target: tell at most 5 ms")
    return {"ask_ms": float(ask), "tell_ms": float(tell), "last_ask_ms": float(last[0]), "last_tell_ms": float(last[1])}


def main() -> None:
    """Measure the cost, then ZDT and DTLZ with 5,000 and with 20,000 evaluations."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="three seeds, and only 5,000 evaluations")
    quick = parser.parse_args().quick
    runs = {5000: 3} if quick else {5000: 10, 20_000: 5}
    result = {"cost": cost(3000 if quick else 10_000)}
    result |= {str(evaluations): quality(evaluations, seeds) for evaluations, seeds in runs.items()}
    print(f"written to {write_result('evolution', result)}")


if __name__ == "__main__":
    main()
