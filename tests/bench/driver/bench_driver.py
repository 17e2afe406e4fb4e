"""What the driver costs per evaluation, with its journal, if training takes no time; and what its peers cost.

    python -m tests.bench.driver.bench_driver [--quick] [--profile EVALUATIONS,COHORT,RUNGS]

Results are as large as real ones: ten metrics over five replicates, each with the weights of a network of 10,000
parameters. The parts are:

- two Ray workers, next to bare Ray actors that run the same trainer and keep nothing;
- Optuna's NSGA-II with ask and tell, in memory and on SQLite;
- ten thousand genomes in this process, in blocks of a thousand, with the memory at the end.

Times are milliseconds of wall time, and of this process's processor time. A busy machine does not change the latter,
and the workers' time is not in it. Results go to bench-results/driver.json.
"""

from __future__ import annotations

import argparse
import cProfile
import itertools
import json
import logging
import pstats
import re
import resource
import subprocess
import sys
import tempfile
import time
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final, Literal, NamedTuple, get_args

import numpy as np

import haemsa.cluster.search.launch  # noqa: F401 - all that a search loads counts as its memory
from haemsa.cluster.config import SearchConfig
from haemsa.cluster.shared.progress import SilentProgress, Status
from haemsa.cluster.workers.evaluator import Evaluator, InlineEvaluator, JobBatch, TrainCohort
from haemsa.cluster.workers.job import Job, Result
from haemsa.cluster.workers.ray_session import connected
from haemsa.cluster.workers.row_state import RowState
from haemsa.evo.candidate import Candidate, Score
from haemsa.evo.rungs import Fidelity, Ladder, ladder, single
from tests.bench.driver.simulation import driving
from tests.bench.evolution import synthetic
from tests.bench.shared.machine import write_result
from tests.support.apart import apart
from tests.support.places import ROOT

WORKERS: Final = 2
REPLICATES: Final = 5
METRICS: Final = ("mae", "corr", "acc7", "acc5", "acc3", "acc2_has0", "acc2_non0", "f1_has0", "f1_non0", "r2")
SHAPES: Final = (*[(32, 24)] * 8, *[(32, 32)] * 3, *[(32,)] * 24)
"""Weights of a network of about 10,000 parameters."""
BLOCK: Final = 1000
Genes = Literal["twelve", "ours"]


def instant(weights: bool = True) -> Callable[[Any], TrainCohort]:
    """Makes a trainer that answers at once. Within a function, so that Ray sends it by value."""

    def make(_: Any) -> TrainCohort:
        rng = np.random.default_rng(0)
        arrays = {f"part.{n}": rng.normal(size=shape).astype(np.float32) for n, shape in enumerate(SHAPES)}

        def train(cohort: JobBatch) -> list[Result]:
            return [answer(job) for job in cohort]

        def answer(job: Job) -> Result:
            kept = states(job) if weights else {}
            return Result(job.id, scores(job), kept, replicates=job.part or (), purpose=job.purpose)

        def scores(job: Job) -> dict[str, Score]:
            chance = zlib.crc32(b"%d" % job.id) / 2**32
            noise = rng.normal(0, 0.01, (len(METRICS), len(job.replicates)))
            found = {name: Score.of((chance + row).tolist()) for name, row in zip(METRICS, noise, strict=True)}
            return {**found, "params": Score(float(job.id * 7919 % 10007 + 100 * chance))}

        def states(job: Job) -> dict[int, RowState]:
            return {replicate: RowState.of(epochs, arrays) for replicate, epochs in job.waiting().items()}

        return train

    return make


def settings(evaluations: int, cohort: int, rungs: bool, screening: int = 1) -> tuple[SearchConfig, Ladder]:
    """A steady search with its default population. By default it has rungs, and a `screening` of 4."""
    given = {"data": "planted", "evaluations": evaluations, "cohort": cohort * (1 if rungs else REPLICATES)}
    config = SearchConfig.of({**given, "population": 32, "rungs": rungs, "screening": screening})
    return config, ladder(3, max(synthetic.BOUNDS.epochs), REPLICATES) if rungs else single(REPLICATES)


# -- ours and bare actors, on Ray


class Cost(NamedTuple):
    """Milliseconds per evaluation: of wall time, and of this process's processor time."""

    wall: float
    cpu: float


@contextmanager
def timed(evaluations: int) -> Iterator[list[Cost]]:
    """The cost of what is done inside, in the list once that has ended."""
    found: list[Cost] = []
    wall, cpu = time.perf_counter(), time.process_time()
    yield found
    unit = 1e3 / evaluations
    found.append(Cost(unit * (time.perf_counter() - wall), unit * (time.process_time() - cpu)))


def on_ray(evaluations: int, cohort: int, rungs: bool = False, screening: int = 1) -> Cost:
    """A search on two Ray workers."""
    from haemsa.cluster.workers.elastic.crew import Crew
    from haemsa.cluster.workers.ray_evaluator import RayEvaluator

    evaluator = RayEvaluator.of(instant(), None, Crew(WORKERS))
    try:
        with driving(*settings(evaluations, cohort, rungs, screening), evaluator) as search:
            ready(evaluator)
            with timed(evaluations) as cost:
                search.run()
            assert len(search.evolution.archive) == evaluations
    finally:
        evaluator.close()
    return cost[0]


def ready(evaluator: Evaluator) -> None:
    """Wait until the workers have started."""
    job = Job(Candidate(0, synthetic.space().sample(np.random.default_rng(0))), Fidelity(None, REPLICATES))
    for _ in range(WORKERS):
        evaluator.submit([job])
    while evaluator.pending:
        evaluator.collect()


def on_bare_actors(evaluations: int, cohort: int) -> Cost:
    """The same trainer on two actors. Each gets work when it ends its last; nothing is bred or kept."""
    import ray

    class Actor:
        def __init__(self) -> None:
            self.train = instant()(None)

        def evaluate(self, given: JobBatch) -> list[Result]:
            return self.train(given)

    space, rng = synthetic.space(), np.random.default_rng(0)
    genomes = [space.sample(rng) for _ in range(256)]
    jobs = [Job(Candidate(n, genomes[n % 256]), Fidelity(None, REPLICATES)) for n in range(evaluations)]
    cohorts = [jobs[n : n + cohort] for n in range(0, evaluations, cohort)]
    actors = [ray.remote(num_cpus=1)(Actor).remote() for _ in range(WORKERS)]
    ray.get([actor.evaluate.remote(jobs[:1]) for actor in actors])
    with timed(evaluations) as cost:
        running = {actor.evaluate.remote(cohorts.pop()): actor for actor in actors}
        while running:
            (ended,), _ = ray.wait(list(running), num_returns=1)
            actor = running.pop(ended)
            ray.get(ended)
            if cohorts:
                running[actor.evaluate.remote(cohorts.pop())] = actor
    for actor in actors:
        ray.kill(actor)
    return cost[0]


# -- Optuna


def optuna_nsga2(trials: int, storage: Literal["memory", "sqlite"], genes: Genes) -> Cost:
    """NSGA-II by ask and tell: twelve real genes, or a genome of our space."""
    import optuna

    from tests.bench.evolution.suggest import suggest_genome

    optuna.logging.set_verbosity(optuna.logging.ERROR)
    domain, rng = synthetic.space().domain, np.random.default_rng(0)
    with tempfile.TemporaryDirectory() as folder:
        study = optuna.create_study(
            storage=f"sqlite:///{folder}/study.db" if storage == "sqlite" else None,
            directions=["minimize"] * 2,
            sampler=optuna.samplers.NSGAIISampler(population_size=32, seed=0),
        )
        with timed(trials) as cost:
            for _ in range(trials):
                trial = study.ask()
                if genes == "ours":
                    suggest_genome(trial, domain, whole=False)
                else:
                    for number in range(12):
                        trial.suggest_float(f"x{number}", 0, 1)
                study.tell(trial, rng.random(2).tolist())
    return cost[0]


# -- ten thousand genomes


class Blocks(SilentProgress):
    """Notes when each block of evaluations ended."""

    def __init__(self) -> None:
        self.ends = [(time.perf_counter(), time.process_time())]

    def update(self, status: Status) -> None:
        if status.evaluations >= BLOCK * len(self.ends):
            self.ends.append((time.perf_counter(), time.process_time()))

    @property
    def costs(self) -> list[Cost]:
        """Of each block."""
        return [Cost(1e3 * (d - b) / BLOCK, 1e3 * (e - c) / BLOCK) for (b, c), (d, e) in itertools.pairwise(self.ends)]


def inline(evaluations: int, cohort: int, rungs: bool) -> dict[str, Any]:
    """Cost by block, the trainer's included, and the peak memory of this process in MiB."""
    evaluator: Evaluator = InlineEvaluator(instant()(None))
    with driving(*settings(evaluations, cohort, rungs), evaluator) as search:
        search.progress = blocks = Blocks()
        search.run()
    costs = [cost._asdict() for cost in blocks.costs]
    return {"cohort": cohort, "rungs": rungs, "ms_by_block": costs, "peak_mib": peak_mib()}


def peak_mib() -> float:
    """The peak memory of this process. On Linux, what `getrusage` tells begins with the peak of the parent."""
    status = Path("/proc/self/status")
    if status.exists():
        found = re.search(r"VmHWM:\s+(\d+) kB", status.read_text(encoding="utf-8"))
        assert found is not None, "every process has a peak"
        return int(found[1]) / 2**10
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (2**20 if sys.platform == "darwin" else 2**10)


def inline_apart(evaluations: int, cohort: int, rungs: bool) -> dict[str, Any]:
    """The same in its own process, whose memory nothing else has touched."""
    module = ["-m", "tests.bench.driver.bench_driver"]
    command = [sys.executable, *module, "--part", json.dumps([evaluations, cohort, rungs])]
    ran = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    costs: dict[str, Any] = json.loads(ran.stdout)
    return costs


def report(label: str, cost: Cost, note: str = "") -> dict[str, float]:
    print(f"{label:<48} {cost.wall:9.2f} ms {cost.cpu:9.2f} ms of processor time  {note}", flush=True)
    return cost._asdict()


def measure(quick: bool) -> dict[str, Any]:
    count, many = (500, 2000) if quick else (2000, 10_000)
    found: dict[str, Any] = {}
    with apart(), connected(None, 20.0, WORKERS):
        for cohort in (1, 4, 16):
            bare = report(f"bare Ray actors, cohorts of {cohort}", on_bare_actors(count, cohort))
            ours = report(f"haemsa on Ray, cohorts of {cohort}", on_ray(count, cohort))
            climb = report(f"haemsa on Ray, cohorts of {cohort}, with rungs", on_ray(count, cohort, rungs=True))
            learns = report(f"haemsa on Ray, cohorts of {cohort}, as by default", on_ray(count, cohort, True, 4))
            kinds = {"bare_actors": bare, "haemsa": ours, "haemsa_rungs": climb, "haemsa_by_default": learns}
            found[f"cohort_{cohort}"] = kinds
    storages: list[tuple[Literal["memory", "sqlite"], int]] = [("memory", count), ("sqlite", count // 20)]
    for storage, trials in storages:
        for genes in get_args(Genes):
            label = f"Optuna NSGA-II in {storage}, {genes} genes"
            cost = optuna_nsga2(trials, storage, genes)
            found[f"optuna_{storage}_{genes}"] = report(label, cost, f"({trials} trials)")
    found["inline"] = []
    for cohort, rungs in ((16, False), (16, True), (1, False), (1, True)):
        run = inline_apart(many, cohort, rungs)
        found["inline"].append(run)
        climbing = "with rungs" if rungs else "without rungs"
        print(f"inline, cohorts of {cohort}, {climbing}: peak {run['peak_mib']:.0f} MiB, by thousands:")
        for kind in Cost._fields:
            print(f"    ms, {kind:<4} ", " ".join(f"{block[kind]:.2f}" for block in run["ms_by_block"]), flush=True)
    return found


def profile(evaluations: int, cohort: int, rungs: bool) -> None:
    """What costs most, inline."""
    profiler = cProfile.Profile(time.process_time)
    profiler.runcall(inline, evaluations, cohort, rungs)
    pstats.Stats(profiler).sort_stats("cumulative").print_stats(75)
    pstats.Stats(profiler).sort_stats("tottime").print_stats(30)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="a quarter of the evaluations")
    parser.add_argument("--profile", metavar="EVALUATIONS,COHORT,RUNGS", help="profile one search in this process")
    parser.add_argument("--part", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    logging.disable(logging.WARNING)
    if arguments.part:
        print(json.dumps(inline(*json.loads(arguments.part))))
    elif arguments.profile:
        evaluations, cohort, rungs = map(int, arguments.profile.split(","))
        profile(evaluations, cohort, bool(rungs))
    else:
        print(f"written to {write_result('driver', measure(arguments.quick)).relative_to(ROOT)}")


if __name__ == "__main__":
    main()
