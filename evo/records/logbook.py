"""What is recorded when a generation ends: DEAP's statistics of the population, in DEAP's logbook."""

from __future__ import annotations

import json
from collections.abc import Sequence
from functools import partial
from typing import Any, Final, Generic

import numpy as np
from deap import tools

from haemsa.evo.candidate import G
from haemsa.evo.operators.individual import Individual
from haemsa.evo.records.archive import Archive

FIELDS: Final = ("generation", "evaluations", "front_size", "hypervolume")
"""What a record says of the whole search. `hypervolume` is a share, from 0 to 1."""
STATISTICS: Final = ("mean", "best", "spread")
"""What the chapter of each objective says of the population. `spread` is the standard deviation."""
MOST_MEASURED: Final = 5
"""The hypervolume of a front in more dimensions takes minutes, so it is not recorded."""


class GenerationLog(Generic[G]):
    """A logbook with a record per generation, and a chapter per objective."""

    def __init__(self, archive: Archive[G]) -> None:
        self.logbook = tools.Logbook()
        self.logbook.header = (*FIELDS, *archive.objectives.names)
        self._archive = archive
        self._rows: list[str] = []  # each record as JSON, because the state of a search is saved often
        self._statistics = tools.MultiStatistics()
        for place, (name, direction) in enumerate(archive.objectives.directions):
            statistics = tools.Statistics(partial(_value, place))
            statistics.register("mean", np.mean)
            statistics.register("best", min if direction == "min" else max)
            statistics.register("spread", np.std)
            self._statistics[name] = statistics
            self.logbook.chapters[name].header = STATISTICS

    def record(self, generation: int, population: Sequence[Individual[G]]) -> None:
        """A generation has ended with this population; what is not known is None."""
        archive = self._archive
        measured = len(archive.objectives.names) <= MOST_MEASURED
        found = self._statistics.compile(population) if population else {}
        self._add(
            [
                generation,
                len(archive),
                archive.front_size,
                archive.covered() if measured else None,
                *([float(found[name][what]) for what in STATISTICS] if found else [None] * len(STATISTICS)
                  for name in archive.objectives.names),
            ]
        )  # fmt: skip

    def state_dict(self) -> str:
        """All records as JSON text."""
        return f"[{','.join(self._rows)}]"

    def load_state_dict(self, saved: str) -> None:
        """Go on from `state_dict`'s value."""
        for row in json.loads(saved):
            self._add(row)

    def _add(self, row: list[Any]) -> None:
        self._rows.append(json.dumps(row))
        fields = dict(zip(FIELDS, row, strict=False))
        self.logbook.record(**fields)
        for name, values in zip(self._archive.objectives.names, row[len(FIELDS) :], strict=True):
            self.logbook.chapters[name].record(generation=row[0], **dict(zip(STATISTICS, values, strict=True)))


def _value(place: int, individual: Individual[Any]) -> float:
    value: float = individual.fitness.values[place]
    return value
