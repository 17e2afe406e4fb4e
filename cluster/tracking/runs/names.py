"""The names of metrics in MLflow, the same for searches, generations, networks, models and trainings.

- `valid/TASK/METRIC`: a score on samples that the network was not trained on.
- `test/TASK/METRIC`: a score on the test split, of what the model predicts. `test_each_seed/` is the mean over its
  seeds one by one, and `test_by_seed/` has a step for each seed.
- `best/`, `mean/` and `spread/` before an objective: the best of the front, and the population of a generation.
- an objective by its own name, such as `mae` or `params`: what a network is judged by.
- `standard_error/` before any of these names: the standard error of that score.
- `place`: of a network, where it stands among those of its search (networks.py says how).
- `system/`: figures of the machines.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Final

from haemsa.model.cost import is_cost
from haemsa.model.metrics import DIRECTIONS, without_missing

VALID: Final = "valid"
TEST: Final = "test"
EACH_SEED: Final = "test_each_seed"
BY_SEED: Final = "test_by_seed"
PLACE: Final = "place"


def scored(scope: str, name: str, tasks: Collection[str]) -> str:
    """The full name of a score. What is no score of a task keeps its name: costs, and functions of the user's.

    Args:
        scope: where it was scored: `VALID`, `TEST`, `EACH_SEED` or `BY_SEED`.
        name: the metric, with or without its task.
        tasks: the tasks of the data. If there is only one, `name` need not say it.

    Example:
        >>> [scored("valid", name, ["sentiment"]) for name in ("mae", "sentiment/mae", "params")]
        ['valid/sentiment/mae', 'valid/sentiment/mae', 'params']
    """
    task, _, metric = name.rpartition("/")
    if is_cost(name) or without_missing(metric) not in DIRECTIONS:
        return name
    if not task and len(tasks) == 1:
        (task,) = tasks
    return "/".join(part for part in (scope, task, metric) if part)


def standard_error(name: str) -> str:
    """The name of the standard error of a score. It differs from the name of the score in its first letters."""
    return f"standard_error/{name}"


def all_scored(scope: str, values: Mapping[str, float], tasks: Collection[str]) -> dict[str, float]:
    """Values by the full names of their scores."""
    return {scored(scope, name, tasks): value for name, value in values.items()}
