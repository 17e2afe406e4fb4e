"""Larger batches when there is more data: what they cost, and how good the networks are.

    python -m tests.bench.networks.bench_batch [--samples 1500,6000] [--batches 16,32,64,128] [--seeds 1] [--quick]
    python -m tests.bench.networks.bench_batch --data PATH [--objectives wf1,params]

The plain designs with which a search begins, all genes at their defaults, are trained in one cohort, on planted data
of so many training samples or on a data set. They are scored on held-out samples; no test split is read. The mean is
over designs.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np

from haemsa.cluster.config import SearchConfig
from haemsa.cluster.search.problem import Problem
from haemsa.model.data.builtin.planted import planted
from haemsa.model.metrics import direction
from haemsa.model.training.batch_size import fit_batch
from tests.bench.shared.machine import write_result
from tests.bench.shared.setting import Scorer, search_seeds

SAMPLES: Final = (1500, 6000)
BATCHES: Final = (16, 32, 64, 128)
HELD_OUT: Final = 1000


def problems(data: str | None, objectives: Sequence[str], samples: Sequence[int]) -> Iterator[tuple[str, Problem]]:
    """The data sets by name. Planted data is scored on one split, so it has exactly the training samples asked for."""
    if data:
        found = SearchConfig.of({"data": data, "objectives": objectives})
        yield Path(data).stem, Problem.of(found)
        return
    config = SearchConfig.of({"data": "planted", "validation": "holdout"})
    for count in samples:
        yield f"planted, {count:,} samples", Problem.of(config, planted(1, (count, HELD_OUT, HELD_OUT)))


def measure(problem: Problem, batches: Sequence[int], seeds: int) -> dict[int, dict[str, Any]]:
    """By size of batches: seconds a seed, and the held-out metric of each design, the mean over seeds."""
    scorer, metric, designs = Scorer.of(problem), problem.main_metric[0], problem.plain_designs()
    found: dict[int, dict[str, Any]] = {}
    for batch_size in batches:
        scores, begun = [], time.perf_counter()
        for seed in range(seeds):
            own = [search_seeds(seed, 0, len(problem.folds))] * len(designs)
            scores.append([one[metric] for one in scorer.together(designs, own, seed, batch_size)])
        seconds = (time.perf_counter() - begun) / seeds
        found[batch_size] = {"seconds": seconds, "scores": np.mean(scores, axis=0).tolist()}
    return found


def report(name: str, problem: Problem, found: dict[int, dict[str, Any]]) -> None:
    """One line for each size of batches, a star at what a search would choose."""
    metric = problem.main_metric[0]
    best = min if direction(metric) == "min" else max
    chosen, first = fit_batch("auto", len(problem.pool)), next(iter(found.values()))["seconds"]
    print(f"\n{name}, {metric}: batches, seconds, times as fast as the first, mean, best, each design")
    for batch_size, one in found.items():
        scores, seconds = one["scores"], one["seconds"]
        mark, each = "*" if batch_size == chosen else " ", " ".join(f"{score:.3f}" for score in scores)
        figures = f"{seconds:7.1f} {first / seconds:5.2f}  {np.mean(scores):.4f} {best(scores):.4f}"
        print(f"{mark}{batch_size:4d} {figures}  {each}")


def main() -> None:
    """Measure and print every data set."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", help="a data set in place of planted ones")
    parser.add_argument("--objectives", default="", help="as of haemsa search")
    parser.add_argument("--samples", type=_numbers, default=SAMPLES, help="training samples of planted data")
    parser.add_argument("--batches", type=_numbers, default=BATCHES)
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--quick", action="store_true", help="the smallest planted data, and two sizes of batches")
    given = parser.parse_args()
    objectives = [name for name in given.objectives.split(",") if name]
    samples, batches = (SAMPLES[:1], BATCHES[::2]) if given.quick else (given.samples, given.batches)
    results = {}
    for name, problem in problems(given.data, objectives, samples):
        found = measure(problem, batches, given.seeds)
        report(name, problem, found)
        results[name] = found
    print(f"\nwritten to {write_result('batch', results)}")


def _numbers(text: str) -> tuple[int, ...]:
    return tuple(map(int, text.split(",")))


if __name__ == "__main__":
    main()
