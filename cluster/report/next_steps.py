"""The command that repeats a search, and the commands that use what it found."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

import yaml

from haemsa.cluster.config import SearchConfig
from haemsa.cluster.report.trained_models import free_folder, trained_models
from haemsa.cluster.run_directory.ranking import cut_off
from haemsa.cluster.run_directory.run_directory import RunDirectory
from haemsa.model.spec.genome import Genome

OPTIONS: Final = (
    "data", "evaluations", "time", "patience", "objectives", "limits", "validation", "rungs", "confirm",
    "start", "population", "mode", "workers", "backend", "gpus_per_worker", "cohort", "batch_size", "seed", "name",
)  # fmt: skip
"""Settings that are options of `haemsa search`."""
_PRIVATE: Final = frozenset({"run", "tracking", "experiment", "address", "address_timeout"})
"""Settings of one machine. An address may hold a password."""
_BUDGET: Final = frozenset({"evaluations", "time", "patience"})
SETTINGS_FILE: Final = "search.yaml"
"""The file that the repeated search reads for settings that are no options."""
PLACE: Final = "FILE"
"""What commands name as the data that was given from Python."""


def search_command(config: SearchConfig) -> tuple[str, str]:
    """The command that repeats a search. It names only what differs from the defaults.

    Returns:
        The command, and what `SETTINGS_FILE` must hold for it ("": no file is needed).

    Example:
        >>> search_command(SearchConfig.of({"data": "planted", "seed": 3}))[0]
        'haemsa search --data planted --evaluations 200 --seed 3'
    """
    changed = dict(_changed(config))
    options = [word for name in OPTIONS if name in changed for word in _words(name, changed.pop(name))]
    file = ["--config", SETTINGS_FILE] if changed else []
    command = shlex.join(["haemsa", "search", *options[:2], *file, *options[2:]])
    return command, yaml.safe_dump(changed, sort_keys=False) if changed else ""


def next_steps(run: Path) -> list[str]:
    """The commands that continue a search, or that use what it found.

    Args:
        run: the run directory of the search. The search may still run.

    Returns:
        The commands, the most useful one first. None if the search has ended and every candidate failed.

    Raises:
        ValueError: `run` holds no search.

    Example:
        >>> next_steps(Path("runs/planted"))[0]  # doctest: +SKIP
        'haemsa train runs/planted --data planted --seeds 5 --out models/planted'
    """
    with RunDirectory.open(run, read_only=True) as directory:
        return next_commands(run, directory.config(), directory.summary())


def next_commands(run: Path, config: SearchConfig, summary: Mapping[str, Any] | None) -> list[str]:
    """The same for the settings and the summary of a search. The summary is None while the search has not ended.

    A model that was trained of the best network of now is used. Another one is left where it is.
    """
    resume = shlex.join(["haemsa", "search", "--resume", str(run)])
    if summary is None:
        return [resume]
    commands = [resume] if cut_off(summary) else []
    if best := summary.get("best"):
        genome = Genome.from_dict(best["genome"])
        trained = [one.folder for one in trained_models(run, summary.get("fingerprint"), genome) if one.of_best]
        model = (trained or [free_folder(config.title)])[0].as_posix()
        source = config.data or PLACE
        data = ["--data", source]
        commands += [
            *([] if trained else [train_command(run, source, model)]),
            shlex.join(["haemsa", "evaluate", model, *data, "--missing"]),
            shlex.join(["haemsa", "predict", model, *data, "--out", "predictions.csv"]),
            *(["haemsa ui"] if config.tracking != "off" else []),
            shlex.join(["haemsa", "compare", "--run", str(run)]),
        ]
    return commands


def train_command(source: Path | str, data: str, out: str | None = None) -> str:
    """The command that trains the genome at `source` for good.

    Args:
        source: a run directory, a genome.json, or an address in MLflow.
        data: the name or the path of the data.
        out: the folder for the model (None: the default of `haemsa train`).

    Example:
        >>> train_command("tuned/mine/genome.json", "mine.h5")
        'haemsa train tuned/mine/genome.json --data mine.h5 --seeds 5'
    """
    folder = ["--out", out] if out else []
    return shlex.join(["haemsa", "train", str(source), "--data", data, "--seeds", "5", *folder])


def _changed(config: SearchConfig) -> Iterator[tuple[str, Any]]:
    """The settings that the command must name: the data, the budget, and what is not at its default."""
    defaults = SearchConfig.of({"data": config.data}).model_dump(mode="json")
    for name, value in {**config.model_dump(mode="json"), "data": config.data or PLACE}.items():
        always = name == "data" or name in _BUDGET
        if name not in _PRIVATE and value is not None and (always or value != defaults[name]):
            yield name, value


def _words(name: str, value: Any) -> list[str]:
    """A setting as words of the command line."""
    flag = f"--{name.replace('_', '-')}"
    if isinstance(value, bool):
        return [flag if value else f"--no-{name}"]
    if name == "limits":
        return [word for key, limit in value.items() for word in ("--limit", f"{key}={limit:g}")]
    if name == "start":
        return [word for source in value for word in (flag, source)]
    if isinstance(value, list):
        return [flag, ",".join(value)]
    return [flag, f"{value:g}s" if name == "time" else str(value)]
