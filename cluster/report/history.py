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
_Event = tuple[float, int, int]


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

    moments: 400 at most, and the end of every generation. They begin with the first final scores.
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
    """See `Replay.history`."""
    return Replay().history(rows, objectives, state)


class Replay:
    """Tells an archive everything that ended. Asked again while a search runs, it goes on with what ended since."""

    def __init__(self) -> None:
        self._told: _Told | None = None

    def history(self, rows: Sequence[JournalRow], objectives: Mapping[str, Any], state: Mapping[str, Any]) -> History:
        """How the search came to its front. At least one row is done.

        Args:
            rows: all candidates of the journal.
            objectives: by name, "min" or "max".
            state: the evolution's state, as the journal has it. Empty: unknown.
        """
        events, told = sorted(_events(rows)), self._told
        about = dict(objectives), _ladder(rows, state), int(state.get("population_size", _POPULATION))
        if told is None or told.about != about or told.events != events[: len(told.events)]:
            told = self._told = _Told(*about)
        told.tell(events, rows)
        return told.history(rows)


@dataclass(frozen=True)
class _Note:
    """A moment whose front may be of any level. `number`: of the event before it; None: a generation ended."""

    number: int | None
    level: int
    generation: int
    evaluations: int
    at: float
    front: tuple[Mapping[str, Any], ...]
    losses: Losses


class _Told:
    """What was told so far: the `events`, and what they are `about`."""

    def __init__(self, objectives: Mapping[str, Any], ladder: Ladder, size: int) -> None:
        self.about, self.events = (dict(objectives), ladder, size), list[_Event]()
        self._archive: Archive[str] = Archive(Objectives.of(objectives), ladder=ladder)
        self._size, self._generation = size, 0  # the generation of the last candidate that ended
        self._done = 0
        self._members: list[int] = []
        self._notes: list[_Note] = []
        self._populations: dict[int, tuple[int, ...]] = {}

    def tell(self, events: list[_Event], rows: Sequence[JournalRow]) -> None:
        """Tell those that follow what was told."""
        stride, by_id = _stride(len(events)), {row.id: row for row in rows}
        self._notes = [note for note in self._notes if note.number is None or note.number % stride == 0]
        for number, (_, identity, rung) in enumerate(events[len(self.events) :], start=len(self.events)):
            row = by_id[identity]
            if rung == 0:
                self._begin(row.generation or 0)
                self._members.append(identity)
            self._tell(row, rung)
            self.events.append(events[number])
            if number % stride == 0:
                self._notes += self._noted(number)

    def history(self, rows: Sequence[JournalRow]) -> History:
        """What was told, as if the last generation ended now. Only fronts of today's level can be compared."""
        archive, start = self._archive, min(row.asked_at for row in rows)
        level = archive.ladder.level(max(len(row.outcomes) for row in rows if row.status == "done") - 1)
        box = Box.around(_final(archive.objectives, rows, archive.ladder, level))
        moments = [
            Moment(note.generation, note.evaluations, note.at - start, box.share(note.losses), note.front)
            for note in (*self._notes, *self._noted(None, self._done + 1))
            if note.level == level
        ]
        return History(tuple(moments), {**self._populations, self._generation: tuple(self._survivors())})

    def _begin(self, generation: int) -> None:
        if self.events and generation > self._generation:
            self._members = self._survivors()
            self._populations[self._generation] = tuple(self._members)
            self._done += 1
            self._notes += self._noted(None)
        self._generation = max(generation, self._generation)

    def _tell(self, row: JournalRow, rung: int) -> None:
        if rung < len(row.outcomes):
            self._archive.add(Evaluated(row.id, row.genome_json, row.parents, row.outcomes[rung], rung))
        else:
            assert row.failure is not None
            self._archive.fail(Failed(row.id, row.genome_json, row.parents, row.failure))

    def _noted(self, number: int | None, generation: int | None = None) -> list[_Note]:
        """The front as it is now. None while there is none."""
        archive = self._archive
        if archive.top_level < 0:
            return []
        names, ended = archive.objectives.names, self._done if generation is None else generation
        front = tuple({"id": item.id} | {name: item.scores[name].mean for name in names} for item in archive.front())
        now = self.events[-1][0]
        return [_Note(number, archive.top_level, ended, len(archive), now, front, archive.front_losses())]

    def _survivors(self) -> list[int]:
        """Choose as the search does: the best of the last population and of all that ended after it."""
        archive = self._archive
        alive = [number for number in self._members if number in archive.evaluated]
        if not alive:
            return []
        with confined(np.random.default_rng(0)):
            return [individual.id for individual in survive([archive.individual(n) for n in alive], self._size)]


def _stride(events: int) -> int:
    """A moment is noted after so many events: a power of two, so that with more events some moments stay."""
    return 1 << max(0, (events // _MOMENTS).bit_length() - 1)


def _events(rows: Sequence[JournalRow]) -> Iterator[_Event]:
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
