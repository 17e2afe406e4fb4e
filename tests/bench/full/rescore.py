"""Fronts over time of several searches, rescored by one plain trainer on the same folds, with its own seeds.

    python -m tests.bench.full.rescore ours=a.jsonl nsga2=b.jsonl --data PATH --seconds 600 --cache scores.json

A search's own scores are lucky where it chose by them, and its own trainer made them. So they only say which genomes
were on the front at some times. Every genome that ever was on a front is trained again, in the same way for all
searches. The hypervolume is of (main loss, log10 of parameters) below a reference point that is fixed beforehand.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import math
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import moocore
import numpy as np

from haemsa.cluster.shared.files import write_text
from haemsa.model.spec.genome import Genome
from tests.bench.driver.workers import CONTEXT
from tests.bench.evolution.traces import Evaluation, read
from tests.bench.full.sets import REFERENCES
from tests.bench.shared.machine import write_result
from tests.bench.shared.setting import PROCESSES, Scores, Setting, keep_scorer, kept_scorer

Volumes = list[tuple[float, float]]
"""Seconds, and the hypervolume of the front at that time."""


def times(seconds: float, count: int = 20) -> list[float]:
    """When to look: evenly in the logarithm, from a fiftieth of the seconds to all of them."""
    return np.geomspace(seconds / 50, seconds, count).tolist()


def front(evaluations: Iterable[Evaluation], objectives: Sequence[str], seconds: float) -> list[Evaluation]:
    """What no other evaluation that had ended by then dominates, by the search's own scores.

    Of a search with rungs (`level` in the info), those of the highest level that any had reached by then.
    """
    ended = [item for item in evaluations if item.scores and item.seconds <= seconds]
    if not ended:
        return []
    top = max(item.info.get("level", 0) for item in ended)
    latest = {item.info.get("id", ~place): item for place, item in enumerate(ended) if item.info.get("level", 0) == top}
    ended = list(latest.values())
    kept = moocore.is_nondominated([[item.scores[name] for name in objectives] for item in ended])
    return [item for item, is_kept in zip(ended, kept, strict=True) if is_kept]


def rescoring_seeds(replicate: int, folds: int) -> list[int]:
    """A seed per fold, the same for all genomes; 2**32 or more, so none is ever one of `search_seeds`."""
    return [2**32 + 1000 * replicate + fold for fold in range(folds)]


class Rescorer:
    """Trains each genome again, `replicates` times over all folds, and keeps its objectives in the file `cache`.

    The file is written after each genome, so work that was cut off goes on where it was. Raises ValueError for a file
    of other data, folds or replicates.
    """

    def __init__(self, setting: Setting, cache: Path, *, replicates: int = 1, processes: int = 1) -> None:
        problem = setting.problem()
        self.setting, self.cache, self.replicates, self.processes = setting, cache, replicates, processes
        self.objectives = tuple(problem.objectives)
        self.protocol = {
            "data": problem.fingerprint,
            "folds": hashlib.sha256(np.packbits(problem.folds.held_out).tobytes()).hexdigest()[:16],
            "score": problem.folds.kind,
            "replicates": replicates,
            "objectives": list(self.objectives),
        }
        self.scores = self._read()

    def __call__(self, genomes: Iterable[Genome]) -> Mapping[str, Scores]:
        """Scores by the genome's key; empty ones for a network that diverged."""
        missing = {genome.key: genome for genome in genomes if genome.key not in self.scores}
        tasks = [(genome, self.replicates) for genome in missing.values()]
        if not tasks:
            return self.scores
        if self.processes == 1:
            keep_scorer(self.setting)
            self._keep(map(_rescore, tasks))
        else:
            with CONTEXT.Pool(self.processes, keep_scorer, (self.setting,)) as pool:
                self._keep(pool.imap_unordered(_rescore, tasks))
        return self.scores

    def _keep(self, found: Iterable[tuple[str, Scores]]) -> None:
        for key, scores in found:
            self.scores[key] = scores
            write_text(self.cache, json.dumps({"protocol": self.protocol, "scores": self.scores}, indent=1) + "\n")

    def _read(self) -> dict[str, Scores]:
        if not self.cache.exists():
            return {}
        data = json.loads(self.cache.read_text())
        if data["protocol"] != self.protocol:
            raise ValueError(f"{self.cache} holds scores by {data['protocol']}, expected {self.protocol}")
        return data["scores"]


def _rescore(task: tuple[Genome, int]) -> tuple[str, Scores]:
    (genome, replicates), scorer = task, kept_scorer()
    seeds = [rescoring_seeds(replicate, len(scorer.folds)) for replicate in range(replicates)]
    found = [scorer.alone(genome, own) for own in seeds]
    scores = {name: float(np.mean([one[name] for one in found])) for name in scorer.objectives} if all(found) else {}
    return genome.key, scores


def compare(
    paths: Mapping[str, Path], rescorer: Rescorer, at: Sequence[float], reference: Sequence[float]
) -> dict[str, Volumes]:
    """Hypervolume over time of each trace's fronts, rescored."""
    objectives = rescorer.objectives
    fronts = {name: _fronts(read(path), objectives, at) for name, path in paths.items()}
    scores = rescorer(genome for own in fronts.values() for genomes in own for genome in genomes)
    found = {}
    for name, own in fronts.items():
        volumes = [hypervolume(points(genomes, scores, objectives), reference) for genomes in own]
        found[name] = list(zip(at, volumes, strict=True))
    return found


def _fronts(evaluations: Sequence[Evaluation], objectives: Sequence[str], at: Sequence[float]) -> list[list[Genome]]:
    return [[item.genome for item in front(evaluations, objectives, seconds)] for seconds in at]


def points(genomes: Sequence[Genome], scores: Mapping[str, Scores], objectives: Sequence[str]) -> np.ndarray:
    """Main loss and log10 of parameters [n, 2] of what did not diverge."""
    main, params = objectives
    kept = [scores[genome.key] for genome in genomes if scores[genome.key]]
    return np.array([[one[main], math.log10(one[params])] for one in kept]).reshape(-1, 2)


def hypervolume(losses: np.ndarray, reference: Sequence[float]) -> float:
    """The area that points [n, 2] dominate below the reference; 0 for none."""
    return float(moocore.hypervolume(losses, ref=list(reference))) if len(losses) else 0.0


def seconds_to(volumes: Volumes, target: float) -> float | None:
    """The first time at which the hypervolume is at least `target`. None if it never is."""
    return next((seconds for seconds, volume in volumes if volume >= target), None)


def main() -> None:
    """Rescore, print hypervolumes and the time that each search takes to the last value of each other."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("traces", nargs="+", metavar="NAME=FILE")
    parser.add_argument("--data", required=True)
    parser.add_argument("--validation", default="holdout")
    parser.add_argument("--seed", type=int, default=0, help="the searches' seed, which folds come from")
    parser.add_argument("--seconds", type=float, default=600.0, help="what each search was given")
    parser.add_argument("--replicates", type=int, default=1)
    parser.add_argument("--reference", type=float, nargs=2, default=REFERENCES["mosi"])
    parser.add_argument("--cache", type=Path, required=True)
    parser.add_argument("--out", default="rescored", help="bench-results/OUT.json")
    given = parser.parse_args()
    paths = {name: Path(path) for name, _, path in (item.partition("=") for item in given.traces)}
    setting = Setting(given.data, given.seconds, given.seed, given.validation)
    rescorer = Rescorer(setting, given.cache, replicates=given.replicates, processes=PROCESSES)
    found = compare(paths, rescorer, times(given.seconds), given.reference)
    print(f"written to {write_result(given.out, report(found, paths, given.reference))}")


def report(found: Mapping[str, Volumes], paths: Mapping[str, Path], reference: Sequence[float]) -> dict[str, Any]:
    """Print and return all figures: volumes, and the seconds from each search (first) to the last value of another."""
    last = {name: volumes[-1][1] for name, volumes in found.items()}
    reached = {name: {other: seconds_to(volumes, last[other]) for other in last} for name, volumes in found.items()}
    counts = {name: len(read(path)) for name, path in paths.items()}
    for name in found:
        times_to = ", ".join(f"{other} {_seconds(value)}" for other, value in reached[name].items() if other != name)
        print(f"{name:20} {counts[name]:6d} evaluations, hypervolume {last[name]:.4f}; seconds to: {times_to or '-'}")
    return {"reference": list(reference), "evaluations": counts, "hypervolume": dict(found), "seconds_to": reached}


def _seconds(value: float | None) -> str:
    return "never" if value is None else f"{value:.0f}"


if __name__ == "__main__":
    main()
