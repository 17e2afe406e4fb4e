"""What may change when a search is resumed, and what may not."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from haemsa.cluster.config import SearchConfig
from haemsa.cluster.search.problem import Problem
from haemsa.model.yaml_file import merged

BUDGET: Final = ("evaluations", "time", "patience", "confirm")
"""A search that has ended goes on if one of these grows."""
PLACE: Final = (
    "data",
    "stream",
    "workers",
    "backend",
    "address",
    "address_timeout",
    "gpus_per_worker",
    "resources",
    "node_labels",
    "node_timeout",
    "cohort",
    "tracking",
    "candidate_time",
    "memory_per_worker",
)
"""Where the work is done, and by whom. Data may have moved: its content is checked."""
DIGESTS: Final = "own_objectives"
"""In the manifest: a digest of the code of each objective of one's own."""


def changed(config: SearchConfig, changes: Mapping[str, Any], path: Path) -> SearchConfig:
    """The settings of the search in `path` with `changes`, by name; "space.widths" names one within `space`.

    Raises ValueError for values that a setting cannot have, and for changes that would make it another search.
    """
    given = dict(changes)
    if Path(given.get("run") or path).resolve() == path.resolve():  # the run directory may have moved
        given.pop("run", None)
    new = SearchConfig.of(merged(config.model_dump(), given))
    for name in dict.fromkeys(key.partition(".")[0] for key in given):
        before, after = getattr(config, name), getattr(new, name)
        if before != after and name not in BUDGET + PLACE:
            raise ValueError(
                f"{name} is {before!r} in {path} and cannot become {after!r} when the search is resumed, expected "
                f"changes of {', '.join(BUDGET + PLACE)} only"
            )
    return new


def check_evaluations(config: SearchConfig, before: SearchConfig, counts: Mapping[str, int], path: Path) -> None:
    """Raise ValueError if fewer evaluations are asked for than are done already. `counts`: as the journal has them."""
    done = counts["done"] + counts["failed"]
    if config.evaluations is not None and config.evaluations != before.evaluations and config.evaluations < done:
        raise ValueError(
            f"evaluations is {config.evaluations}, but the search in {path} has done {done} already, expected more"
        )


def changed_objectives(problem: Problem, begun_with: Mapping[str, Any]) -> list[str]:
    """A sentence for each objective of one's own whose code has changed since the search began.

    `begun_with`: the manifest of the search. Raises ValueError if the search has other objectives than it began with.
    """
    objectives, before = dict(problem.objectives), begun_with.get("objectives")
    if before is not None and objectives != dict(before):
        raise ValueError(f"objectives are {_listed(objectives)}, the search began with {_listed(before)}")
    known = begun_with.get(DIGESTS, {})
    return [
        f"note: the code of objective {name} has changed since the search began, its older scores stay as they are"
        for name, own in problem.own.items()
        if own.digest != known.get(name, own.digest)
    ]


def digests(problem: Problem) -> dict[str, dict[str, str]]:
    """What the manifest keeps of the code of one's own objectives. Empty if there are none."""
    return {DIGESTS: {name: own.digest for name, own in problem.own.items()}} if problem.own else {}


def _listed(objectives: Mapping[str, str]) -> str:
    return ", ".join(f"{name} ({direction})" for name, direction in objectives.items())


def has_more(config: SearchConfig, before: SearchConfig) -> bool:
    """Whether a search that has ended may have something left to do."""
    return any(_is_more(getattr(config, name), getattr(before, name)) for name in BUDGET)


def _is_more(now: float | None, before: float | None) -> bool:
    """Whether a limit (None: there is none) was raised."""
    return before is not None and (now is None or now > before)
