"""The commands that make a search again, and that use what it found."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import yaml

from haemsa.cluster.config import SearchConfig

OPTIONS: Final = (
    "data", "evaluations", "time", "patience", "objectives", "limits", "validation", "rungs", "inherit", "confirm",
    "population", "mode", "workers", "backend", "gpus_per_worker", "cohort", "batch_size", "seed", "name",
)  # fmt: skip
"""Settings that are options of `haemsa search`."""
_PRIVATE: Final = frozenset({"run", "tracking", "address", "address_timeout"})
"""Of one machine; an address may hold a password."""
_BUDGET: Final = frozenset({"evaluations", "time", "patience"})
SETTINGS_FILE: Final = "search.yaml"


def search_command(config: SearchConfig) -> tuple[str, str]:
    """The command that repeats a search, and what `SETTINGS_FILE` must hold for it; "" where it needs none.

    Only what differs from the defaults is named.
    """
    changed = dict(_changed(config))
    options = [word for name in OPTIONS if name in changed for word in _words(name, changed.pop(name))]
    file = ["--config", SETTINGS_FILE] if changed else []
    command = shlex.join(["haemsa", "search", *options[:2], *file, *options[2:]])
    return command, yaml.safe_dump(changed, sort_keys=False) if changed else ""


def next_commands(run: Path, config: SearchConfig, *, ended: bool) -> list[str]:
    """What to do with a search: go on with it, or train its best, compare it, and predict."""
    if not ended:
        return [shlex.join(["haemsa", "search", "--resume", str(run)])]
    model = f"models/{config.title}"
    data = ["--data", config.data]
    commands = [
        ["haemsa", "train", str(run), *data, "--seeds", "5", "--out", model],
        ["haemsa", "evaluate", model, *data, "--missing"],
        ["haemsa", "predict", model, *data, "--out", "predictions.csv"],
        ["haemsa", "compare", "--run", str(run)],
    ]
    return [shlex.join(command) for command in commands]


def _changed(config: SearchConfig) -> Iterator[tuple[str, Any]]:
    given = config.model_dump(mode="json")
    plain = SearchConfig.of({"data": config.data}).model_dump(mode="json")
    for name, value in given.items():
        kept = name == "data" or (name in _BUDGET and value is not None)
        if name not in _PRIVATE and (kept or value != plain[name]) and value is not None:
            yield name, value


def _words(name: str, value: Any) -> list[str]:
    """An option on the command line."""
    flag = f"--{name.replace('_', '-')}"
    if isinstance(value, bool):
        return [flag if value else f"--no-{name}"]
    if name == "limits":
        return [word for key, limit in value.items() for word in ("--limit", f"{key}={limit:g}")]
    if isinstance(value, list):
        return [flag, ",".join(value)]
    return [flag, f"{value:g}s" if name == "time" else str(value)]
