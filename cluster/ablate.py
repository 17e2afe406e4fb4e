"""What each idea is worth: the search again without hierarchy, evolution, transfer or multi-task learning.

The four axes are those of HAEMSA's abstract (arXiv 2503.22715). Each search has as many evaluations as the one that it
is compared with, and what it finds is trained and tested alike.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from cluster.compare import Comparison, ours, tested
from cluster.config import SearchConfig
from cluster.contenders import Judged, tuned_network
from cluster.problem import Problem
from cluster.progress import Progress

RANDOM: Final = 1_000_000
"""A population that is never full: every candidate is drawn at random."""


def ablations(problem: Problem, judged: Judged) -> dict[str, Mapping[str, Any]]:
    """Changes of the configuration by name; without multi-task learning only where there are several tasks."""
    found: dict[str, Mapping[str, Any]] = {
        "no_hierarchy": {"design": "one_level"},
        "no_evolution": {"population": RANDOM},
        "no_transfer": {"design": "no_transfer"},
    }
    if len(problem.pool.tasks) > 1:
        alone = {"tasks": [judged.task], "objectives": _objectives(problem, judged)}
        found["single_task"] = alone
    return found


def ablate(config: SearchConfig, run: Path, out: Path, trials: int, seeds: int, progress: Progress) -> Comparison:
    """The best of `run` beside what its search finds without each idea, in `out`; the test split is read once."""
    problem = Problem.of(config)
    judged = Judged.of(problem)
    tuned = {name: item for name, item in ours(run) if name == "best"}
    for name, changes in ablations(problem, judged).items():
        progress.note(f"searching again, {name.replace('_', ' ')}: {trials} evaluations")
        tuned[name] = tuned_network(config, changes, trials, out / name, progress)
    return tested(config, problem, judged, tuned, seeds)


def _objectives(problem: Problem, judged: Judged) -> list[str]:
    """The objectives that remain with one task: their names are without it then."""
    names = [name for name in problem.objectives if "/" not in name or name.startswith(f"{judged.task}/")]
    return [name.rpartition("/")[2] for name in names]
