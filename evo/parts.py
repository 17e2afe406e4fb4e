"""The parts that a search is made of, with its state as JSON, so that it can go on as if it had never stopped."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Generic

from deap import base

from haemsa.evo import checkpoint
from haemsa.evo.candidate import Candidate, G, Skill
from haemsa.evo.climbing import Climbing
from haemsa.evo.learning.described import Described
from haemsa.evo.learning.score_model import ScoreModel
from haemsa.evo.learning.screening import Screening
from haemsa.evo.operators.breeding import Breeder
from haemsa.evo.pace import Generational, Pace, Steady
from haemsa.evo.population import Population
from haemsa.evo.records.archive import Archive
from haemsa.evo.records.logbook import GenerationLog
from haemsa.evo.settings import Settings
from haemsa.evo.space import Space


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
    model: ScoreModel[G] | None = None
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
            **({"model": self.model.state_dict()} if self.model else {}),
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
        if self.model:
            self.model.load_state_dict(saved.get("model"))
        for candidate in (*self.pace.waiting, *self.pending.values()):
            self.breeder.remember([candidate.genome])
            self.climbing.mark_climbed(candidate.id, candidate.rung)


def assembled(
    space: Space[G],
    toolbox: base.Toolbox,
    settings: Settings,
    archive: Archive[G],
    *,
    batch: int,
    favour_first: bool,
    skill: Skill | None,
) -> Parts[G]:
    """The parts of a new search; for the arguments see `Evolution`."""
    size, steady = settings.population_size, settings.mode == "steady"
    model = None
    if settings.screening > 1 and isinstance(space, Described):
        model = ScoreModel(space, archive, settings.seed, wait=not steady)
    breeder = Breeder(
        space,
        toolbox,
        settings.seed,
        size,
        crossover=settings.crossover,
        mutation=settings.mutation,
        screen=Screening(model, settings.screening) if model else None,
    )
    climbing = Climbing(archive, favours_first=favour_first, skill=skill)
    population = Population(archive, size, breeder.survive)
    pace: Pace[G] = (
        Steady(archive, breeder, climbing, population, batch) if steady else Generational(breeder, climbing, population)
    )
    return Parts(settings.to_json(), archive, breeder, climbing, population, pace, GenerationLog(archive), model)
