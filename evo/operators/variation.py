"""Children of parents, by DEAP's `varAnd`. Each child notes the parents that it truly has."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from copy import copy
from dataclasses import replace
from functools import wraps
from typing import Any

from deap import algorithms, base

from haemsa.evo.operators.individual import Individual


def with_descent(box: base.Toolbox) -> base.Toolbox:
    """The same toolbox, whose operators hand parents down; the given one stays as it is."""
    noting = copy(box)
    for name in ("mate", "mutate"):
        noting.decorate(name, _descending)
    return noting


def children(
    parents: Sequence[Individual[Any]], box: base.Toolbox, crossover: float, mutation: float
) -> list[Individual[Any]]:
    """A child of each parent. Call it inside `confined`.

    A child has two parents if it was mated, the fitter one first. Otherwise it has one.

    Args:
        parents: by twos, they may be mated.
        box: a toolbox `with_descent`.
        crossover: how often two parents are mated.
        mutation: how often a child is mutated.
    """
    handed = [replace(parent, parents=(parent.id,)) for parent in parents]
    found: list[Individual[Any]] = algorithms.varAnd(handed, box, crossover, mutation)
    return found


def _descending(operator: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(operator)
    def noted(*args: Any, **kwargs: Any) -> Any:
        given = [value for value in args if isinstance(value, Individual)]
        given.sort(key=lambda individual: individual.fitness, reverse=True)
        parents = tuple(dict.fromkeys(number for individual in given for number in individual.parents))
        changed = operator(*args, **kwargs)
        for individual in changed:
            individual.parents = parents
        return changed

    return noted
