"""Genomes trained per second: in cohorts, and the same networks one by one in idiomatic torch.

    python -m tests.bench.networks.bench_cohort [--quick] [--device cuda] [--case N] [--profile]

One process with one thread runs both sides in turn, on the same generated data, with the same epochs and batches.
Ratios are of processor time, on a GPU of wall time. On a GPU each side takes as many of a thousand genomes as it
needs, evenly spread over their sizes. Raw figures of both clocks go to bench-results/cohort.json or cohort-cuda.json.
With --profile, it only tells where the time of a step of 64 networks goes.

With --device cuda it also tells the kernels of a step of 64 and of 1,024 networks, and networks a second of one to four
workers. It takes both kinds of features with batches of 32, and about five minutes.
"""

from __future__ import annotations

import argparse
import json
import time
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any, Literal, TypeVar

from haemsa.cluster.workers.cohort_trainer import WorkerData
from haemsa.model.data.folds import Folds, holdout
from haemsa.model.network.cohort import CohortRow
from haemsa.model.schema import Schema
from haemsa.model.spec.genome import Genome
from haemsa.model.training.pool import Pool, batch_count
from haemsa.model.training.process import prepare_process
from haemsa.model.training.train import TrainingSettings, train
from tests.bench.networks.cases import CASES, EPOCHS, GENOMES, Case, made_data, sampled, spread
from tests.bench.networks.idiomatic_training import train_alone
from tests.bench.networks.on_gpu import WORKERS, KernelProfile, memory_mib, rate
from tests.bench.networks.profiled import StepProfile, named_parts
from tests.support.places import ROOT

SIZES = (16, 32, 64)
GPU_SIZES = (16, 64, 256, 1024)
GPU_ALONE = 8
WORKER_COHORT = 256
GPU_TARGET = 25.0
P = TypeVar("P", StepProfile, KernelProfile)


@dataclass
class Clock:
    """Seconds of processor and wall time spent in training so many genomes."""

    cpu: float = 0.0
    wall: float = 0.0
    genomes: int = 0

    def run(self, genomes: int, work: Callable[[], object]) -> None:
        """Run what trains so many genomes and add up its time. It must leave no work on the device."""
        cpu, wall = time.process_time(), time.perf_counter()
        work()
        self.cpu += time.process_time() - cpu
        self.wall += time.perf_counter() - wall
        self.genomes += genomes


@dataclass
class Measured:
    """The clocks of both sides for one case; cohorts by their size."""

    alone: Clock = field(default_factory=Clock)
    cohorts: dict[int, Clock] = field(default_factory=lambda: defaultdict(Clock))


def measure(case: Case, epochs: Sequence[int], sizes: Sequence[int] = SIZES) -> Measured:
    """Train all genomes in cohorts of each size and one by one, turn about in pieces of sixteen."""
    dataset = made_data(case)
    pool, folds = Pool.of(dataset), holdout(dataset)
    genomes = sampled(case, pool.schema, epochs)
    measured = Measured()
    _in_cohort(genomes[:2], pool, folds, case.batch_size)  # warm up
    for start in range(0, GENOMES, 16):
        alone = genomes[start : start + 16]
        measured.alone.run(len(alone), partial(_one_by_one, alone, pool, folds, case.batch_size))
        for size in sizes:
            if (start + 16) % size == 0:
                cohort = genomes[start + 16 - size : start + 16]
                measured.cohorts[size].run(size, partial(_in_cohort, cohort, pool, folds, case.batch_size))
    return measured


def measure_gpu(case: Case, epochs: Sequence[int], sizes: Sequence[int] = GPU_SIZES, device: str = "cuda") -> Measured:
    """Train some genomes one by one, and one cohort of each size."""
    dataset = made_data(case)
    pool, folds = Pool.of(dataset, device), holdout(dataset)
    genomes = sampled(case, pool.schema, epochs, max(sizes))
    few, measured = spread(genomes, GPU_ALONE), Measured()
    _in_cohort(few[:2], pool, folds, case.batch_size)  # warm up
    _one_by_one(few[:1], pool, folds, case.batch_size)
    measured.alone.run(len(few), partial(_one_by_one, few, pool, folds, case.batch_size))
    for size in sizes:
        measured.cohorts[size].run(size, partial(_in_cohort, spread(genomes, size), pool, folds, case.batch_size))
    return measured


def _in_cohort(
    genomes: Sequence[Genome],
    pool: Pool,
    folds: Folds,
    batch_size: int,
    on_epoch: Callable[[int], None] | None = None,
) -> None:
    rows = [CohortRow(genome, seed) for seed, genome in enumerate(genomes)]
    train(rows, pool, folds, TrainingSettings(batch_size=batch_size), on_epoch)


def _one_by_one(genomes: Sequence[Genome], pool: Pool, folds: Folds, batch_size: int) -> None:
    for genome in genomes:
        for values in train_alone(genome, pool, folds, batch_size).values():
            values.cpu()  # waits for the device


def profile_steps(case: Case) -> None:
    """Tell where the time of a step goes on a CPU, by part of the program."""
    with named_parts():
        _profile(case, "cpu", GENOMES, StepProfile).report()


def profile_kernels(case: Case, rows: int, device: str = "cuda") -> dict[str, float]:
    """Tell where the time of a step goes on a GPU, by kernel."""
    return _profile(case, device, rows, partial(KernelProfile, device=device)).report()


def _profile(case: Case, device: str, rows: int, kind: Callable[[int], P]) -> P:
    """The profile of a cohort of so many networks, which train four epochs."""
    dataset = made_data(case)
    pool, folds = Pool.of(dataset, device), holdout(dataset)
    genomes = [replace(g, training=replace(g.training, epochs=4)) for g in sampled(case, pool.schema, EPOCHS, rows)]
    profiled = kind(batch_count(folds.trained, case.batch_size))
    _in_cohort(genomes, pool, folds, case.batch_size, profiled.on_epoch)
    print(f"\n{case.name}, batches of {case.batch_size}, {rows} networks", flush=True)
    return profiled


def compare_workers(
    case: Case,
    epochs: Sequence[int],
    counts: Sequence[int] = WORKERS,
    size: int = WORKER_COHORT,
    cohorts: int = 4,
    device: str = "cuda",
) -> dict[int, float]:
    """Networks a second of so many workers on a GPU, which do all that a search asks of them."""
    dataset = made_data(case)
    data = WorkerData(dataset, holdout(dataset), seed=0, batch_size=case.batch_size, device=device)
    genomes = sampled(case, Schema.of(dataset), epochs, size)
    found = {workers: rate(data, genomes, workers, cohorts) for workers in counts}
    print(f"\n{case.name}, {cohorts} cohorts of {size} for each worker: networks a second, share of the most")
    for workers, networks in found.items():
        print(f"  {workers} workers  {networks:7.1f}  {networks / max(found.values()):.2f}", flush=True)
    return found


def report(case: Case, measured: Measured, device: str) -> dict[str, object]:
    """Print and return the figures of one case."""
    alone, target = measured.alone, case.target if device == "cpu" else GPU_TARGET
    clock: Literal["cpu", "wall"] = "cpu" if device == "cpu" else "wall"
    kind = "processor" if clock == "cpu" else "wall"
    print(f"\n{case.name}, batches of {case.batch_size}; target {target:g}", flush=True)
    print(f"                   genomes, per second of processor time, of wall time, ratio of {kind} times")
    print(f"  one by one       {alone.genomes:4d}  {_rates(alone)}")
    found: dict[str, object] = {"batch_size": case.batch_size, "target": target, "alone": vars(alone)}
    for size, own in measured.cohorts.items():
        ratio, wall_ratio = (_rate(own, name) / _rate(alone, name) for name in (clock, "wall"))
        print(f"  cohorts of {size:4d}  {own.genomes:4d}  {_rates(own)}  {ratio:.2f}", flush=True)
        found[f"cohort_{size}"] = {**vars(own), "ratio": ratio, "wall_ratio": wall_ratio}
    return found


def _rate(clock: Clock, name: str) -> float:
    return clock.genomes / float(vars(clock)[name])


def _rates(clock: Clock) -> str:
    return f"{_rate(clock, 'cpu'):7.2f}  {_rate(clock, 'wall'):7.2f}"


def main() -> None:
    """Run all cases."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="a fifth of the epochs, and no large batches of tokens")
    parser.add_argument("--case", type=int, choices=range(len(CASES)), help="only this case")
    parser.add_argument("--device", choices=("cpu", "cuda"), default="cpu")
    parser.add_argument("--profile", action="store_true", help="only where the time of a step goes")
    arguments = parser.parse_args()
    prepare_process()
    epochs = (2, 3, 4) if arguments.quick else EPOCHS
    device = arguments.device
    cases = CASES[:2] if device == "cuda" else CASES[:3] if arguments.quick else CASES
    if arguments.case is not None:
        cases = CASES[arguments.case : arguments.case + 1]
    if arguments.profile:
        for case in cases:
            profile_steps(case) if device == "cpu" else profile_kernels(case, GENOMES)
        return
    measuring = measure if device == "cpu" else measure_gpu
    results: dict[str, Any] = {case.name: report(case, measuring(case, epochs), device) for case in cases}
    if device == "cuda":
        print(f"\nmost memory: {memory_mib():.0f} MiB")
        results["steps"] = [profile_kernels(case, rows) for case in cases for rows in (GENOMES, max(GPU_SIZES))]
        results["workers"] = compare_workers(cases[0], epochs)
    path = ROOT / "bench-results" / ("cohort.json" if device == "cpu" else f"cohort-{device}.json")
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps(results, indent=1) + "\n")
    print(f"\nwritten to {path.relative_to(ROOT)}")


if __name__ == "__main__":
    main()
