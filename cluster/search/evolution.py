"""The evolution of a search: a new one, or as its run directory left it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Final

from haemsa.cluster.config import SearchConfig
from haemsa.cluster.run_directory.run_directory import RunDirectory
from haemsa.cluster.search.problem import Problem
from haemsa.cluster.search.sizing import ladder_of
from haemsa.evo.candidate import Skill
from haemsa.evo.evolution import Evolution
from haemsa.evo.objectives import Direction
from haemsa.evo.rungs import Ladder
from haemsa.evo.space import Space
from haemsa.model.spec.genome import Genome

LEADERS: Final = 2
"""After each generation the simpler variants of so many candidates are tried, those best in the first objective."""


def evolution_of(
    config: SearchConfig, problem: Problem, run: RunDirectory, start: Sequence[Genome] = ()
) -> Evolution[Genome]:
    """The evolution as the run directory left it. A new one begins with `start`, then with the usual designs."""
    ladder = ladder_of(config, problem.folds)
    evolution = new_evolution(config, problem.space, problem.objectives, ladder, skill=problem.skill)
    state = run.journal.state()
    if state:
        evolution.load_state_dict(
            state["evolution"], Genome.from_json, (row.for_evolution() for row in run.journal.rows())
        )
    else:
        evolution.suggest([*start, *problem.plain_designs()[: evolution.population_size // 2]])
    return evolution


def new_evolution(
    config: SearchConfig,
    space: Space[Genome],
    objectives: Mapping[str, Direction],
    rungs: Ladder,
    *,
    crossover: float = 0.7,
    skill: Skill | None = None,
) -> Evolution[Genome]:
    """An evolution that has not begun. The sizes in `config` must be numbers, not "auto"."""
    assert config.population != "auto" and config.cohort != "auto"
    return Evolution(
        space,
        objectives,
        seed=config.seed,
        population_size=config.population,
        mode=config.mode,
        ladder=rungs,
        batch=config.cohort,
        favour_first=True,
        screening=config.screening,
        crossover=crossover,
        skill=skill,
    )


def suggest_simpler(evolution: Evolution[Genome], simpler: Callable[[Genome], Sequence[Genome]]) -> None:
    """Try the leaders without each of their modalities. Otherwise a useless one stays for many generations."""
    best = max((item.level for item in evolution.population), default=0)
    leaders = [item for item in evolution.population if item.level == best]
    for leader in sorted(leaders, key=lambda item: (item.losses[0], item.id))[:LEADERS]:
        evolution.suggest(simpler(leader.genome), leader.id)
