"""How a search came to its front: its outcomes, told to an archive again in the order in which they ended."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from haemsa.cluster.run_directory.rows import JournalRow
from haemsa.evo.candidate import Evaluated, Failed
from haemsa.evo.nsga2 import Losses
from haemsa.evo.objectives import Box, Objectives
from haemsa.evo.operators.confined import confined
from haemsa.evo.operators.selection import survive
from haemsa.evo.records.archive import Archive
from haemsa.evo.rungs import Fidelity, Ladder

_MOMENTS: Final = 200
_POPULATION: Final = 32  # where the state does not tell it


@dataclass(frozen=True)
class Moment:
    """The front at one time. Each candidate of it has its `id` and each objective; the best in the first comes first.

    generation: how many generations had ended. evaluations: distinct candidates so far. seconds: since the first
    candidate was requested. hypervolume: the share, from 0 to 1, that the front dominates of one region for all
    moments: from the best of each objective to beyond the worst of all final scores.
    """

    generation: int
    evaluations: int
    seconds: float
    hypervolume: float
    front: tuple[Mapping[str, Any], ...]


@dataclass(frozen=True)
class History:
    """The moments of a search, and its populations.

    moments: about 200 at most, and the end of every generation. They begin with the first final scores.
    populations: by generation, the ids of the survivors of all candidates that had ended by then.
    """

    moments: tuple[Moment, ...]
    populations: dict[int, tuple[int, ...]]

    @property
    def survivors(self) -> tuple[int, ...]:
        """The last population."""
        return next(reversed(self.populations.values()))

    def fronts(self, most: int = 8) -> list[Moment]:
        """The fronts at the ends of at most `most` generations, evenly chosen. The last one is among them."""
        by_generation: dict[int, Moment] = {}
        for moment in self.moments:
            by_generation.setdefault(moment.generation, moment)
        ends = [moment for moment in by_generation.values() if moment.generation]
        chosen = np.unique(np.linspace(0, len(ends) - 1, min(most, len(ends))).round().astype(int))
        return [ends[place] for place in chosen]


def replay(rows: Sequence[JournalRow], objectives: Mapping[str, Any], state: Mapping[str, Any]) -> History:
    """Tell an archive everything that ended. At least one row is done.

    Args:
        rows: all candidates of the journal.
        objectives: by name, "min" or "max".
        state: the evolution's state, as the journal has it. Empty: unknown.
    """
    return _Replay(rows, Objectives.of(objectives), state).history()


class _Replay:
    def __init__(self, rows: Sequence[JournalRow], objectives: Objectives, state: Mapping[str, Any]) -> None:
        self._archive: Archive[str] = Archive(objectives, ladder=_ladder(rows, state))
        self._rows = {row.id: row for row in rows}
        self._events = sorted(_events(rows))
        self._level = self._archive.ladder.level(max(len(row.outcomes) for row in rows if row.status == "done") - 1)
        self._box = Box.around(_final(objectives, rows, self._archive.ladder, self._level))
        self._size = int(state.get("population_size", _POPULATION))
        self._start = self._now = min(row.asked_at for row in rows)
        self._generation: int | None = None  # that of the last candidate that ended
        self._done = 0
        self._members: list[int] = []
        self._moments: list[Moment] = []
        self._populations: dict[int, tuple[int, ...]] = {}

    def history(self) -> History:
        stride = max(1, len(self._events) // _MOMENTS)
        for number, (time, identity, rung) in enumerate(self._events):
            row = self._rows[identity]
            if rung == 0:
                self._begin(row.generation or 0)
                self._members.append(identity)
            self._tell(row, rung)
            self._now = time
            if number % stride == 0:
                self._note()
        self._end_generation()
        return History(tuple(self._moments), self._populations)

    def _begin(self, generation: int) -> None:
        if self._generation is not None and generation > self._generation:
            self._end_generation()
        self._generation = max(generation, self._generation or 0)

    def _end_generation(self) -> None:
        self._members = self._survivors()
        self._populations[self._generation or 0] = tuple(self._members)
        self._done += 1
        self._note()

    def _tell(self, row: JournalRow, rung: int) -> None:
        if rung < len(row.outcomes):
            self._archive.add(Evaluated(row.id, row.genome_json, row.parents, row.outcomes[rung], rung))
        else:
            assert row.failure is not None
            self._archive.fail(Failed(row.id, row.genome_json, row.parents, row.failure))

    def _note(self) -> None:
        """Keep a moment if its front has the level of today's front. Other levels cannot be compared with it."""
        archive = self._archive
        if archive.top_level != self._level:
            return
        names = archive.objectives.names
        front = tuple({"id": item.id} | {name: item.scores[name].mean for name in names} for item in archive.front())
        seconds = self._now - self._start
        share = self._box.share(archive.front_losses())
        self._moments.append(Moment(self._done, len(archive), seconds, share, front))

    def _survivors(self) -> list[int]:
        """Choose as the search does: the best of the last population and of all that ended after it."""
        archive = self._archive
        alive = [number for number in self._members if number in archive.evaluated]
        if not alive:
            return []
        with confined(np.random.default_rng(0)):
            return [individual.id for individual in survive([archive.individual(n) for n in alive], self._size)]


def _events(rows: Sequence[JournalRow]) -> Iterator[tuple[float, int, int]]:
    """Time, candidate and rung of each outcome. A failure is on the rung after the last one with scores."""
    for row in rows:
        yield from ((time, row.id, rung) for rung, time in enumerate(row.ended))
        if row.status == "failed":
            yield row.ended_at or row.asked_at, row.id, len(row.outcomes)


def _ladder(rows: Sequence[JournalRow], state: Mapping[str, Any]) -> Ladder:
    if "ladder" in state:
        eta, full, *rungs = state["ladder"]
        return Ladder(tuple(Fidelity(*rung) for rung in rungs), eta, full)
    top = max(len(row.outcomes) for row in rows)
    return Ladder((Fidelity(),) * top, full=top - 1)


def _final(objectives: Objectives, rows: Sequence[JournalRow], ladder: Ladder, level: int) -> Losses:
    """The losses `[n, k]` of all outcomes on a level."""
    every = [
        objectives.means(outcome)
        for row in rows
        for rung, outcome in enumerate(row.outcomes)
        if ladder.level(rung) == level
    ]
    return np.array(every)
