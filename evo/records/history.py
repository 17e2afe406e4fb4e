"""Descent as DEAP's `History`, made of the records on demand: nothing of it is kept while a search runs."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from deap import tools

from haemsa.evo.candidate import Candidate, Failed
from haemsa.evo.operators.individual import Individual
from haemsa.evo.records.archive import Archive


def history_of(archive: Archive[Any], pending: Iterable[Candidate[Any]]) -> tools.History:
    """The history of all candidates, by their ids. One that failed or is pending has no fitness.

    Returns:
        `genealogy_tree`: the ids of the parents by id. `genealogy_history`: the individuals by id.
    """
    history = tools.History()
    individuals = {number: archive.individual(number) for number in archive.evaluated}
    others: list[Candidate[Any] | Failed[Any]] = [*archive.failed.values(), *pending]
    for item in others:
        individuals.setdefault(item.id, Individual(item.genome, id=item.id, parents=item.parents))
    for number in sorted(individuals):
        history.genealogy_history[number] = individuals[number]
        history.genealogy_tree[number] = individuals[number].parents
    history.genealogy_index = max(individuals, default=0)
    return history
