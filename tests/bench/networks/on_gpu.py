"""What a GPU makes of cohorts: networks a second with several workers, and where the time of a recorded step goes."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from typing import Final

import torch
from torch.autograd import DeviceType
from torch.profiler import ProfilerActivity, profile

from haemsa.cluster.workers.cohort_trainer import CohortTrainer, WorkerData
from haemsa.cluster.workers.job import Job
from haemsa.evo.candidate import Candidate, Failure
from haemsa.evo.rungs import Fidelity
from haemsa.model.spec.genome import Genome
from tests.bench.networks.profiled import EpochProfile

WORKERS: Final = (1, 2, 3, 4)
LONGEST_START: Final = 120.0
"""Seconds after which workers do not wait any longer for one that does not start."""
SHOWN: Final = 12
"""So many kernels are shown, those that take longest."""


def rate(data: WorkerData, genomes: Sequence[Genome], workers: int, cohorts: int) -> float:
    """Networks a second of so many processes at the same time, each of which trains the genomes so many times."""
    context = get_context("spawn")
    with context.Manager() as manager, ProcessPoolExecutor(workers, mp_context=context) as processes:
        ready = manager.Barrier(workers, timeout=LONGEST_START)
        parts = [processes.submit(work, data, genomes, cohorts, ready.wait) for _ in range(workers)]
        times = [part.result() for part in parts]
    seconds = max(ended for _, ended in times) - min(began for began, _ in times)
    return workers * cohorts * len(genomes) / seconds


def work(
    data: WorkerData, genomes: Sequence[Genome], cohorts: int, when_ready: Callable[[], object]
) -> tuple[float, float]:
    """Do what a worker does with cohorts. Returns when it began and ended, by a clock of the machine."""
    trainer = CohortTrainer(data)
    jobs = [Job(Candidate(number, genome), Fidelity()) for number, genome in enumerate(genomes)]
    trainer(jobs[:2])  # what torch and CUDA set up
    when_ready()
    began = time.perf_counter()
    for _ in range(cohorts):
        failed = [result.outcome for result in trainer(jobs) if isinstance(result.outcome, Failure)]
        assert not failed, failed[0].message
    return began, time.perf_counter()


class KernelProfile(EpochProfile):
    """Tells the kernels of a step on a GPU. The epoch before the profiled one records the step."""

    def __init__(self, steps: int, device: str) -> None:
        on_gpu = device == "cuda"
        self._kind = DeviceType.CUDA if on_gpu else DeviceType.CPU
        listens = [ProfilerActivity.CUDA if on_gpu else ProfilerActivity.CPU]
        with profile(activities=listens):  # before steps are recorded, so that it hears what their replays launch
            torch.zeros(1, device=device)
        super().__init__(steps, profile(activities=listens), time.perf_counter)

    def report(self) -> dict[str, float]:
        """Print and return the milliseconds and kernels of a step, and print the kernels that take longest."""
        kernels = [item for item in self.profile.key_averages() if item.device_type == self._kind]
        took = {item.key: item.self_device_time_total + item.self_cpu_time_total for item in kernels}
        count = {item.key: item.count / self.steps for item in kernels}
        step = {
            "wall_ms": 1000 * self.took / self.steps,
            "kernels_ms": sum(took.values()) / self.steps / 1000,
            "kernels": sum(count.values()),
        }
        print("  a step: {wall_ms:.2f} ms, of which kernels {kernels_ms:.2f} ms; {kernels:.0f} kernels".format(**step))
        for name in sorted(took, key=lambda name: -took[name])[:SHOWN]:
            print(f"    {took[name] / self.steps / 1000:7.3f} ms {count[name]:6.1f} times  {name[:90]}")
        return step


def memory_mib() -> float:
    """The most memory of the GPU that was taken since this was asked last."""
    most = torch.cuda.max_memory_allocated() / 2**20
    torch.cuda.reset_peak_memory_stats()
    return most
