"""The parts that a search is made of, with its state as JSON, so that it can go on as if it had never stopped."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Generic

from haemsa.evo import checkpoint
from haemsa.evo.candidate import Candidate, G
from haemsa.evo.climbing import Climbing
from haemsa.evo.operators.breeding import Breeder
from haemsa.evo.pace import Pace
from haemsa.evo.population import Population
from haemsa.evo.records.archive import Archive
from haemsa.evo.records.logbook import GenerationLog


@dataclass
class Parts(Generic[G]):
    """The parts. `settings`: what a saved search must have in common with the one that goes on from it.

    `pending`: asked for and not told, by id. `generation`: how many ended.
    """

    settings: Mapping[str, Any]
    archive: Archive[G]
    breeder: Breeder[G]
    climbing: Climbing[G]
    population: Population[G]
    pace: Pace[G]
    log: GenerationLog[G]
    pending: dict[int, Candidate[G]] = field(default_factory=dict)
    generation: int = 0

    def state_dict(self, encode: Callable[[G], Any], *, rows: bool) -> dict[str, Any]:
        """See `Evolution.state_dict`."""
        reference = self.archive.reference
        saved = {
            **self.settings,
            **self.breeder.state_dict(encode),
            **self.population.state_dict(),
            **self.pace.state_dict(encode),
            "generation": self.generation,
            "reference": None if reference is None else reference.tolist(),
            "pending": list(self.pending),
            "logbook": self.log.state_dict(),
        }
        return {**saved, "rows": checkpoint.rows_to_json(self.archive, self.pending, encode)} if rows else saved

    def load_state_dict(
        self,
        saved: Mapping[str, Any],
        decode: Callable[[Any], G],
        rows: Iterable[checkpoint.CandidateRow] | None,
    ) -> None:
        """See `Evolution.load_state_dict`."""
        saved = checkpoint.upgraded(saved, self.settings)
        for name, value in self.settings.items():
            if saved.get(name) != value:
                raise ValueError(f"the saved search has {name} {saved.get(name)!r}, this one {value!r}")
        if self.breeder.keys:
            raise ValueError("a state is loaded into a search that has begun, expected a new one")
        self.generation = saved["generation"]
        self.breeder.load_state_dict(saved, decode)
        self.pace.load_state_dict(saved, decode)
        rows = saved["rows"] if rows is None else rows
        self.pending = checkpoint.restore(rows, saved, decode, self.archive, self.breeder, self.climbing)
        self.population.load_state_dict(saved)
        self.log.load_state_dict(saved["logbook"])
        for candidate in (*self.pace.waiting, *self.pending.values()):
            self.breeder.remember([candidate.genome])
            self.climbing.mark_climbed(candidate.id, candidate.rung)
