"""Genomes trained per second: in cohorts, and the same networks one by one in idiomatic torch.

    python -m tests.bench.networks.bench_cohort [--quick] [--device cuda] [--case N] [--profile]

One process with one thread runs both sides in turn, on the same generated data, with the same epochs and batches.
Ratios are of processor time, on a GPU of wall time. On a GPU each side takes as many of a thousand genomes as it
needs, evenly spread over their sizes. Raw figures of both clocks go to bench-results/cohort.json or cohort-cuda.json.
With --profile, it only tells where the time of a step of 64 networks goes on a CPU.
"""

from __future__ import annotations

import argparse
import json
import time
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Literal

import numpy as np

from haemsa.evo.expert_space.bounds import Bounds
from haemsa.evo.expert_space.space import ExpertSpace
from haemsa.model.cost import cost
from haemsa.model.data.dataset import Dataset, Modality, step_mask
from haemsa.model.data.folds import Folds, holdout
from haemsa.model.data.task import Task
from haemsa.model.network.cohort import CohortRow
from haemsa.model.spec.genome import Genome
from haemsa.model.training.pool import Pool, batch_count
from haemsa.model.training.process import prepare_process
from haemsa.model.training.train import TrainingSettings, train
from tests.bench.networks.idiomatic_training import PLAIN, train_alone
from tests.bench.networks.profiled import StepProfile, named_parts
from tests.support.places import ROOT

SIZES = (16, 32, 64)
GENOMES = 64
EPOCHS = (3, 4, 5, 6, 8, 10, 12, 16)
GPU_SIZES = (16, 64, 256, 1024)
GPU_ALONE = 8
GPU_TARGET = 25.0


@dataclass(frozen=True)
class Case:
    """Made data like a real set: (T, D, mean length) per modality, samples for training and validation, batch size."""

    name: str
    modalities: dict[str, tuple[int, int, int]]
    train: int
    valid: int
    batch_size: int
    target: float


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


MOSEI = {"text": (1, 768, 1), "audio": (1, 40, 1), "vision": (1, 35, 1)}
MOSI = {"text": (40, 384, 15), "audio": (1, 73, 1)}
CASES = (
    Case("MOSEI-922 utterances", MOSEI, 635, 143, 32, 6.0),
    Case("MOSI tokens", MOSI, 1284, 229, 32, 5.0),
    Case("MOSEI-922 utterances, large batches", MOSEI, 635, 143, 128, 3.0),
    Case("MOSI tokens, large batches", MOSI, 1284, 229, 128, 3.0),
)


def made_data(case: Case) -> Dataset:
    """Noise features of the right shapes, labels that depend on them a little."""
    rng = np.random.default_rng(0)
    count = case.train + case.valid
    signal = rng.normal(size=count)
    modalities = {}
    for name, (steps, width, mean) in case.modalities.items():
        lengths = np.clip(rng.gamma(3, mean / 3, count), 1, steps).astype(np.int64)
        features = rng.normal(size=(count, steps, width)) + 0.3 * signal[:, None, None] * rng.normal(size=width)
        features *= step_mask(lengths, steps)[:, :, None]
        modalities[name] = Modality(features.astype(np.float32), lengths)
    return Dataset(
        name="made",
        modalities=modalities,
        tasks={"sentiment": Task("regression", np.clip(signal, -3, 3).astype(np.float32), bounds=(-3.0, 3.0))},
        splits={"train": np.arange(case.train), "valid": np.arange(case.train, count)},
        ids=tuple(map(str, range(count))),
        groups=np.arange(count),
    )


def sampled(case: Case, pool: Pool, epochs: Sequence[int], count: int = GENOMES) -> list[Genome]:
    """Genomes as a search draws its first ones, of plain training, sorted as it sorts them before it cuts cohorts."""
    steps = {name: shape[0] for name, shape in case.modalities.items()}
    space = ExpertSpace(list(case.modalities), bounds=Bounds(epochs=tuple(epochs), **PLAIN), steps=steps)
    rng = np.random.default_rng(1)
    genomes = [space.sample(rng) for _ in range(count)]
    return sorted(genomes, key=lambda genome: cost(genome.network, pool.schema)["flops"] * genome.training.epochs)


def measure(case: Case, epochs: Sequence[int], sizes: Sequence[int] = SIZES) -> Measured:
    """Train all genomes in cohorts of each size and one by one, turn about in pieces of sixteen."""
    dataset = made_data(case)
    pool, folds = Pool.of(dataset), holdout(dataset)
    genomes = sampled(case, pool, epochs)
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
    genomes = sampled(case, pool, epochs, max(sizes))
    few, measured = _spread(genomes, GPU_ALONE), Measured()
    _in_cohort(few[:2], pool, folds, case.batch_size)  # warm up
    _one_by_one(few[:1], pool, folds, case.batch_size)
    measured.alone.run(len(few), partial(_one_by_one, few, pool, folds, case.batch_size))
    for size in sizes:
        measured.cohorts[size].run(size, partial(_in_cohort, _spread(genomes, size), pool, folds, case.batch_size))
    return measured


def _spread(genomes: Sequence[Genome], count: int) -> list[Genome]:
    """So many of them, at equal distances."""
    return [genomes[place] for place in np.linspace(0, len(genomes) - 1, count).round().astype(int)]


def _in_cohort(genomes: Sequence[Genome], pool: Pool, folds: Folds, batch_size: int) -> None:
    rows = [CohortRow(genome, seed) for seed, genome in enumerate(genomes)]
    train(rows, pool, folds, TrainingSettings(batch_size=batch_size))


def _one_by_one(genomes: Sequence[Genome], pool: Pool, folds: Folds, batch_size: int) -> None:
    for genome in genomes:
        for values in train_alone(genome, pool, folds, batch_size).values():
            values.cpu()  # waits for the device


def profile_steps(case: Case) -> None:
    """Tell where the time of a step goes."""
    dataset = made_data(case)
    pool, folds = Pool.of(dataset), holdout(dataset)
    genomes = [replace(g, training=replace(g.training, epochs=4)) for g in sampled(case, pool, EPOCHS)]
    rows = [CohortRow(genome, seed) for seed, genome in enumerate(genomes)]
    steps = StepProfile(batch_count(folds.trained, case.batch_size))
    with named_parts():
        train(rows, pool, folds, TrainingSettings(batch_size=case.batch_size), steps.on_epoch)
    print(f"\n{case.name}, batches of {case.batch_size}")
    steps.report()


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
    cases = CASES[:3] if arguments.quick else CASES
    if arguments.case is not None:
        cases = CASES[arguments.case : arguments.case + 1]
    if arguments.profile:
        for case in cases:
            profile_steps(case)
        return
    device, measuring = arguments.device, measure if arguments.device == "cpu" else measure_gpu
    results = {case.name: report(case, measuring(case, epochs), device) for case in cases}
    path = ROOT / "bench-results" / ("cohort.json" if device == "cpu" else f"cohort-{device}.json")
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps(results, indent=1) + "\n")
    print(f"\nwritten to {path.relative_to(ROOT)}")


if __name__ == "__main__":
    main()
