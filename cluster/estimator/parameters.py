"""The parameters of an estimator as settings of a search, checked before anything is computed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import numpy as np

from haemsa.cluster.config import SearchConfig

SETTINGS: Final = (
    "evaluations",
    "time",
    "objectives",
    "validation",
    "confirm",
    "backend",
    "workers",
    "run",
    "tracking",
)
"""Parameters that are settings of a search of the same name."""
_OWN: Final = ("data", "seed")
"""Settings that an estimator gives itself."""


def config_of(parameters: Mapping[str, Any], seed: int) -> SearchConfig:
    """The settings of the search. `mode` is generational, unless it is set: then the same seed gives the same model.

    Args:
        parameters: The parameters of the estimator, as `get_params` gives them.
        seed: The seed of the search.

    Raises:
        ValueError: In one sentence, for a parameter that is not as expected.
    """
    seeds = parameters["seeds"]
    if isinstance(seeds, bool) or not isinstance(seeds, (int, np.integer)) or seeds < 1:
        raise ValueError(f"seeds is {seeds!r}, expected 1 or more")
    further = parameters["settings"] or {}
    if not isinstance(further, Mapping):
        raise ValueError(f"settings is {further!r}, expected a dictionary of settings by name")
    for name in further:
        if name in SETTINGS or name in _OWN:
            instead = "random_state" if name == "seed" else "X and y" if name == "data" else f"the parameter {name}"
            raise ValueError(f"settings has {name!r}, expected {instead} in its place")
    named = {name: _plain(parameters[name]) for name in SETTINGS if parameters[name] is not None}
    return SearchConfig.of({"mode": "generational", **named, **further, "seed": seed})


def seed_of(random_state: Any) -> int:
    """A seed: the integer itself, or one that a random state of numpy draws (None: the global one)."""
    from sklearn.utils import check_random_state

    if isinstance(random_state, (int, np.integer)):
        return int(random_state)
    return int(check_random_state(random_state).randint(2**31 - 1))


def _plain(value: Any) -> Any:
    """Without types of numpy, as grids of parameters have them; paths as text."""
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, tuple):
        return list(value)
    return str(value) if hasattr(value, "__fspath__") else value
