"""Searches of haemsa, started as a user starts them, and what they leave: a trace, and fronts over time, confirmed.

A variant is a search as by default, or the same search that never breeds: random search.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import time
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np

from haemsa.cluster.config import SearchConfig
from haemsa.cluster.run_directory.run_directory import RunDirectory
from haemsa.cluster.search.problem import Problem, worker_data
from haemsa.cluster.workers.cohort_trainer import CohortTrainer
from haemsa.cluster.workers.job import Job
from haemsa.evo.candidate import Candidate
from haemsa.evo.rungs import Fidelity
from haemsa.model.seeds import SeedPurpose
from haemsa.model.spec.genome import Genome
from tests.bench.driver.workers import CONTEXT
from tests.bench.evolution.traces import Evaluation, Trace
from tests.bench.full.rescore import Volumes, front, hypervolume
from tests.bench.shared.setting import PROCESSES
from tests.support.places import ROOT

VARIANTS: Final[dict[str, tuple[str, ...]]] = {
    "haemsa": (),
    "random": ("--population", "1000000"),  # candidates are sampled until there are so many
}
PATIENCE: Final = 600.0
"""A search that has not ended so many seconds after its time has failed."""
COHORT: Final = 6
"""Genomes confirmed together, all folds of each."""


def run_ours(
    data: str, variant: str, seconds: float, seed: int, run: Path, space: Mapping[str, Any] | None = None
) -> Path:
    """Search for so many seconds, start-up included, on two workers. Returns the trace next to the run directory.

    What is confirmed at the end of a search is left out: the benchmark confirms the fronts of all, the same way.
    A run directory without a trace was cut off, and is begun anew. `space`: bounds that are not default.
    """
    trace = run.with_suffix(".jsonl")
    if trace.exists():
        return trace
    shutil.rmtree(run, ignore_errors=True)
    start = time.time()
    options = ["--data", data, "--seed", str(seed), "--run", str(run), "--workers", "2", "--objectives", "mae,params"]
    spent = ["--time", f"{seconds:g}s", "--confirm", "0", "--tracking", "off", "--validation", "folds:5"]
    command = [
        sys.executable,
        "-c",
        "from haemsa.cluster.commands.main import main; main()",
        "search",
        *options,
        *spent,
    ]
    if space is not None:
        config = run.with_suffix(".json")  # which YAML reads too
        config.parent.mkdir(parents=True, exist_ok=True)
        config.write_text(json.dumps({"space": dict(space)}))
        command += ["--config", str(config)]
    subprocess.run(
        [*command, *VARIANTS[variant]], cwd=ROOT, check=True, capture_output=True, timeout=seconds + PATIENCE
    )
    write_trace(run, start, trace)
    return trace


def write_trace(run: Path, start: float, path: Path) -> None:
    """Every outcome of a run directory, of each rung, with the seconds since `start`."""
    with RunDirectory.open(run, read_only=True) as directory:
        rows = list(directory.journal.rows())
        full = int(directory.journal.state()["evolution"]["ladder"][1])
    trace = Trace.begin(path)
    for row in rows:
        for rung, (scores, ended) in enumerate(zip(row.outcomes, row.ended, strict=True)):
            means = {name: score.mean for name, score in scores.items()}
            info = {"id": row.id, "rung": rung, "level": min(rung, full), "epochs": row.genome.training.epochs}
            trace.append(row.genome, means, seconds=ended - start, **info)


def confirm_all(data: str, seed: int, genomes: Iterable[Genome]) -> dict[str, Any]:
    """Objectives by key of each genome, trained from scratch on all folds. Seeds depend only on the genome."""
    problem = _problem(data, seed)[1]
    ordered = sorted({genome.key: genome for genome in genomes}.values(), key=problem.size)
    parts = [ordered[place : place + COHORT] for place in range(0, len(ordered), COHORT)]
    with CONTEXT.Pool(PROCESSES, _begin, (data, seed)) as pool:
        return {key: scores for part in pool.imap(_confirm, reversed(parts)) for key, scores in part.items()}


def _problem(data: str, seed: int) -> tuple[SearchConfig, Problem]:
    config = SearchConfig.of({"data": data, "seed": seed, "validation": "folds:5", "objectives": ["mae", "params"]})
    return config, Problem.of(config)


_own: list[tuple[Problem, CohortTrainer]] = []


def _begin(data: str, seed: int) -> None:
    config, problem = _problem(data, seed)
    _own[:] = [(problem, CohortTrainer(worker_data(config, problem)))]


def _confirm(genomes: Sequence[Genome]) -> dict[str, Any]:
    """Objectives of a cohort; none of a genome that diverged."""
    problem, trial = _own[0]
    fidelity = Fidelity(None, len(problem.folds))
    jobs = [Job(Candidate(int(one.key[:7], 16), one), fidelity, purpose=SeedPurpose.CONFIRMATION) for one in genomes]
    found: dict[str, Any] = {}
    for genome, result in zip(genomes, trial(jobs), strict=True):
        scores = result.outcome if isinstance(result.outcome, Mapping) else {}
        found[genome.key] = {name: scores[name].mean for name in problem.objectives} if scores else {}
    return found


def curves(
    evaluations: Sequence[Evaluation], scores: Mapping[str, Any], objectives: Sequence[str], at: Sequence[float],
    reference: Sequence[float],
) -> tuple[Volumes, Volumes]:  # fmt: skip
    """Over time: the confirmed error of whom the search held for best, and the front's confirmed hypervolume."""
    best, volumes = Volumes(), Volumes()
    main, params = objectives
    for seconds in at:
        items = front(evaluations, objectives, seconds)
        kept = [scores[item.genome.key] for item in items if scores.get(item.genome.key)]
        losses = np.array([[one[main], np.log10(one[params])] for one in kept]).reshape(-1, 2)
        volumes.append((seconds, hypervolume(losses, reference)))
        leader = min(items, key=lambda item: item.scores[main], default=None)
        confirmed = scores.get(leader.genome.key) if leader else None
        best.append((seconds, confirmed[main] if confirmed else float("nan")))
    return best, volumes
