"""What each idea is worth: a search again without hierarchy, evolution, transfer or multi-task learning.

These four ideas are those of the abstract of HAEMSA (arXiv 2503.22715). All searches that are
compared have equally many evaluations. What it finds is trained and tested in the same way.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from haemsa.cluster.comparison.compare import Comparison, checked, tested
from haemsa.cluster.comparison.contenders import ComparisonSetup, TestMetric, tuned_network
from haemsa.cluster.comparison.ours import ours, with_trials
from haemsa.cluster.search.problem import Problem
from haemsa.cluster.shared.progress import Progress
from haemsa.cluster.shared.steps import Steps
from haemsa.cluster.workers.tasks.place import shared_ray


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
    config, trials = setup.config, setup.trials
    ended, ideas = ours(setup.run, judged), ablations(problem, judged, trials)
    again = ended["best"].trials != trials
    steps = Steps(progress, again + len(ideas) + 1)
    with shared_ray(config.compute):
        if again:
            steps.begin("our search")
        tuned = {"best": with_trials(ended, setup, judged, steps)["best"]}
        for name, changes in ideas.items():
            words = name.replace("_", " ")
            steps.begin(words, f"searching again, {words}: {trials} evaluations")
            found = tuned_network(config, changes, trials, setup.out / name, judged, steps, setup.dataset)
            tuned[name] = replace(found, ensemble=None)
        return tested(setup, problem, judged, tuned, seeds, steps)


def _objectives(problem: Problem, judged: TestMetric) -> list[str]:
    """The objectives that remain with one task, by their names without the task."""
    names = [name for name in problem.references() if "/" not in name or name.startswith(f"{judged.task}/")]
    return [name.rpartition("/")[2] for name in names]
