"""A tuning that has not ended: a file says line by line what happened to its trials, so that it can go on.

Ray Tune could restore a tuning from its own files. But these are pickles, which run code when they are read, and they
do not hold what ASHA has seen.
"""

from __future__ import annotations

import json
import os
import shutil
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from haemsa.cluster.config import SearchConfig
from haemsa.cluster.shared.files import to_json, write_text
from haemsa.model.spec.genome import Genome

FOLDER: Final = "unfinished-trials"
"""In the folder of a tuning. It is removed when the tuning has ended."""
_EVENTS: Final = "events.jsonl"
_SAME: Final = ("validation", "objectives", "tasks", "seed", "batch_size", "space")
"""Settings that change what a trial gives. A tuning may go on elsewhere, and with more trials or time."""

Event = Mapping[str, Any]
"""What happened to a trial, as `Follower` has it."""


@dataclass(frozen=True)
class Unfinished:
    """What is known of a tuning: its `settings`, and the `events` of its trials from before it was cut off."""

    folder: Path
    settings: Mapping[str, Any]
    events: Sequence[Event] = ()

    @classmethod
    def read(cls, folder: Path, settings: Mapping[str, Any], *, force: bool = False) -> Unfinished:
        """What `folder` holds, which may not be there. `force`: forget it if it has other settings.

        Raises ValueError if a tuning with other settings was cut off there, and `force` is not given.
        """
        settings = dict(json.loads(to_json(settings)))
        begun_with, *events = _lines(folder) or [settings]
        differing = [name for name, value in settings.items() if begun_with.get(name) != value]
        if differing and not force:
            name = differing[0]
            raise ValueError(
                f"{name} is {begun_with.get(name)!r} in {folder.parent}, where a tuning was cut off, and cannot become "
                f"{settings[name]!r} when it goes on, expected the same, another --out, or --force to begin again"
            )
        return cls(folder, settings, () if differing else events)

    @property
    def seconds(self) -> float:
        """How long the tuning ran before it was cut off."""
        return float(self.events[-1]["seconds"]) if self.events else 0.0

    @contextmanager
    def kept(self) -> Iterator[Callable[[Event], None]]:
        """Gives a function that keeps what happens in the block, also if the machine stops right after that."""
        if not self.events:
            self.remove()
        self.folder.mkdir(parents=True, exist_ok=True)
        path = self.folder / _EVENTS
        write_text(path, "".join(to_json(line) + "\n" for line in (self.settings, *self.events)))
        began = time.monotonic() - self.seconds
        with path.open("ab", buffering=0) as file:

            def keep(event: Event) -> None:
                file.write(to_json({**event, "seconds": time.monotonic() - began}).encode() + b"\n")
                os.fsync(file.fileno())

            yield keep

    def remove(self) -> None:
        """Remove the folder: nothing needs it any more."""
        shutil.rmtree(self.folder, ignore_errors=True)


def settings_of(original: Genome, config: SearchConfig, scheduler: str, fingerprint: str) -> dict[str, Any]:
    """What may not change when a tuning goes on. With pbt the trials are one population, so their number may not."""
    trials = {"trials": config.evaluations} if scheduler == "pbt" else {}
    facts = {"genome": original.key, "fingerprint of the data": fingerprint, "scheduler": scheduler, **trials}
    return {**facts, **{name: getattr(config, name) for name in _SAME}}


def is_of_another(folder: Path, original: Genome) -> bool:
    """Whether the tuning of another genome was cut off in the folder of a tuning."""
    lines = _lines(folder / FOLDER)
    return bool(lines) and lines[0].get("genome") != original.key


def _lines(folder: Path) -> list[dict[str, Any]]:
    """The settings, then what happened. Lines from the first one that is damaged are left out: the last one may be.

    Empty if nothing happened.
    """
    lines = list[dict[str, Any]]()
    with suppress(FileNotFoundError, ValueError):
        for line in (folder / _EVENTS).read_bytes().splitlines():
            lines.append(json.loads(line))
    return lines if len(lines) > 1 else []
