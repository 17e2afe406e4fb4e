"""What each idea is worth: the search again without hierarchy, evolution, transfer or multi-task learning.

The four axes are those of HAEMSA's abstract (arXiv 2503.22715). Each search has as many evaluations as the one that it
is compared with, and what it finds is trained and tested alike.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from haemsa.cluster.comparison.compare import KEPT, Comparison, checked, ours, tested
from haemsa.cluster.comparison.contenders import TestMetric, tuned_network
from haemsa.cluster.config import SearchConfig
from haemsa.cluster.search.problem import Problem
from haemsa.cluster.shared.progress import Progress


def ablations(problem: Problem, judged: TestMetric, trials: int) -> dict[str, Mapping[str, Any]]:
    """Changes of the configuration by name; without multi-task learning only where there are several tasks.

    Without evolution the population is never full before the search ends: but for the usual designs that it begins
    with, every candidate is drawn at random.
    """
    found: dict[str, Mapping[str, Any]] = {
        "no_hierarchy": {"design": "one_level"},
        "no_evolution": {"population": max(2, trials)},
        "no_transfer": {"design": "no_transfer"},
    }
    if len(problem.pool.tasks) > 1:
        alone = {"tasks": [judged.task], "objectives": _objectives(problem, judged)}
        found["single_task"] = alone
    return found


def ablate(config: SearchConfig, run: Path, out: Path, trials: int, seeds: int, progress: Progress) -> Comparison:
    """The best of `run` beside what its search finds without each idea, in `out`; the test split is read once."""
    problem, judged = checked(config, run, seeds)
    tuned = {"best": ours(run, judged)["best"]}
    for name, changes in ablations(problem, judged, trials).items():
        progress.note(f"searching again, {name.replace('_', ' ')}: {trials} evaluations")
        found = tuned_network(config, changes, trials, out / name, judged, progress)
        tuned[name] = replace(found, ensemble=None)
    return tested(config, problem, judged, tuned, seeds, out / KEPT, progress)


def _objectives(problem: Problem, judged: TestMetric) -> list[str]:
    """The objectives that remain with one task: their names are without it then."""
    names = [name for name in problem.objectives if "/" not in name or name.startswith(f"{judged.task}/")]
    return [name.rpartition("/")[2] for name in names]
