"""Memory and time that a cohort takes on a device, by its size: what a share of a GPU must hold.

    python -m tests.bench.driver.bench_memory [--device cuda]

Genomes are as a search draws its first ones, on generated data with the shapes of real sets. The tensors are counted:
those kept per parameter, and those that one step keeps for its backward pass. On a GPU, torch's own peak is printed
too.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch

from haemsa.model.data.folds import Folds
from haemsa.model.network.cohort import CohortRow
from haemsa.model.schema import Schema
from haemsa.model.spec.genome import Genome
from haemsa.model.training.pool import Pool
from haemsa.model.training.train import TrainingSettings, train
from tests.bench.networks.cases import CASES, Case, made_data, sampled

SIZES = (16, 64, 256)
KEPT = 10
"""Arrays of a cohort's size: weights, both moments, rates, decays, direction, gradient, average, and two in passing."""
MIB = 2**20


@dataclass
class Saved:
    """Storages that a forward pass saves for its backward pass, by address; parameters apart."""

    parameters: dict[int, int] = field(default_factory=dict)
    others: dict[int, int] = field(default_factory=dict)

    def pack(self, tensor: torch.Tensor) -> torch.Tensor:
        """Note the storage of the tensor."""
        storage = tensor.untyped_storage()
        place = self.parameters if tensor.requires_grad and tensor.is_leaf else self.others
        place[storage.data_ptr()] = storage.nbytes()
        return tensor

    def bytes(self) -> tuple[int, int]:
        """Of parameters with their padding, and of all other tensors."""
        rest = sum(size for address, size in self.others.items() if address not in self.parameters)
        return sum(self.parameters.values()), rest


def step(genomes: Sequence[Genome], dataset: Any, batch_size: int, device: str) -> tuple[Saved, float]:
    """Train one batch, with what was saved for it and the seconds that a second one took."""
    few = dataset.take(np.arange(batch_size + 1))
    folds = Folds((np.arange(batch_size + 1) >= batch_size)[None], "measure")
    pool, rows = Pool.of(few, device), [CohortRow(genome, seed) for seed, genome in enumerate(genomes)]
    saved, until = Saved(), [1] * len(rows)
    with torch.autograd.graph.saved_tensors_hooks(saved.pack, lambda tensor: tensor):
        train(rows, pool, folds, TrainingSettings(batch_size), until=until)
    start = time.perf_counter()
    train(rows, pool, folds, TrainingSettings(batch_size), until=until)
    return saved, time.perf_counter() - start


def report(case: Case, device: str) -> None:
    """A line for each size."""
    dataset = made_data(case)
    features = sum(item.features.nbytes for item in dataset.modalities.values())
    genomes = sampled(case, Schema.of(dataset), [8])
    print(f"\n{case.name}, batches of {case.batch_size}, {device}; features {features / MIB:.0f} MiB a worker")
    print("  cohort   parameters each   kept MiB   a step's MiB   in all   s for a first step and its scores")
    for size in SIZES:
        cohort = [genomes[number % len(genomes)] for number in range(size)]
        saved, seconds = step(cohort, dataset, case.batch_size, device)
        weights, passing = saved.bytes()
        kept = KEPT * weights
        print(
            f"  {size:6d}   {weights / 4 / size:15,.0f}   {kept / MIB:8.1f}   {passing / MIB:12.1f}"
            f"   {(kept + passing) / MIB:6.1f}   {seconds:.2f}"
        )
        if device != "cpu":
            print(f"           torch's peak on the device: {torch.cuda.max_memory_allocated() / MIB:.0f} MiB")
            torch.cuda.reset_peak_memory_stats()


def main() -> None:
    """Run all cases."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--device", default="cpu", help="cpu or cuda")
    device = parser.parse_args().device
    for case in CASES:
        report(case, device)


if __name__ == "__main__":
    main()
