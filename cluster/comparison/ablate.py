"""What each idea is worth: a search again without hierarchy, evolution, transfer or multi-task learning.

These four ideas are those of the abstract of HAEMSA (arXiv 2503.22715). All searches that are
compared have equally many evaluations. What it finds is trained and tested in the same way.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from haemsa.cluster.comparison.compare import Comparison, bench, checked, tested
from haemsa.cluster.comparison.contenders import ComparisonSetup, TestMetric
from haemsa.cluster.search.problem import Problem
from haemsa.cluster.shared.progress import Progress
from haemsa.cluster.shared.steps import Steps


def ablations(problem: Problem, judged: TestMetric, trials: int) -> dict[str, Mapping[str, Any]]:
    """The settings that each search changes, by name. "single_task" is only there where the data has several tasks.

    Without evolution the population is not full before the search ends. So every candidate is drawn at random, except
    for the usual designs at the start.
    """
    changes: dict[str, Mapping[str, Any]] = {
        "no_hierarchy": {"design": "one_level"},
        "no_evolution": {"population": max(2, trials)},
        "no_transfer": {"design": "no_transfer"},
    }
    if len(problem.pool.tasks) > 1:
        changes["single_task"] = {"tasks": [judged.task], "objectives": _objectives(problem, judged)}
    return changes


def ablate(setup: ComparisonSetup, seeds: int, progress: Progress) -> Comparison:
    """Compare the best network of a search with what the same search finds without each idea.

    Args:
        setup: The search. Other searches that are in its folder go on.
        seeds: How many times each network is trained in the end.
        progress: Shows how the searches stand.

    Returns:
        All networks on the test split, which is read once.

    Raises:
        ValueError: Before any training, for what cannot be compared.
    """
    problem, judged = checked(setup, seeds)
    steps = Steps(progress, 2, sizes=(setup.trials, seeds))
    with bench(setup, problem, judged, steps) as models:
        found = models.tuned(ablations(problem, judged, setup.trials), (), steps)
        found.pop("ensemble", None)
        alone = {name: item if isinstance(item, str) else replace(item, ensemble=None) for name, item in found.items()}
        return tested(models, alone, seeds, steps)


def _objectives(problem: Problem, judged: TestMetric) -> list[str]:
    """The objectives that remain with one task, by their names without the task."""
    names = [name for name in problem.references() if "/" not in name or name.startswith(f"{judged.task}/")]
    return [name.rpartition("/")[2] for name in names]
