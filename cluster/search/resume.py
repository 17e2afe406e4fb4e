"""What may change when a search is resumed, and what may not."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from haemsa.cluster.config import SearchConfig
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
    "cohort",
    "tracking",
    "candidate_time",
    "memory_per_worker",
)
"""Where the work is done, and by whom. Data may have moved: its content is checked."""


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


def has_more(config: SearchConfig, before: SearchConfig) -> bool:
    """Whether a search that has ended may have something left to do."""
    return any(_is_more(getattr(config, name), getattr(before, name)) for name in BUDGET)


def _is_more(now: float | None, before: float | None) -> bool:
    """Whether a limit (None: there is none) was raised."""
    return before is not None and (now is None or now > before)
