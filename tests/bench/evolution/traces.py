"""Every searcher leaves a trace: one line of JSON per evaluation, appended when it ends, so a crash loses nothing.

    {"seconds": 12.3, "genome": {...}, "scores": {"mae": 0.9, "params": 4211.0}, "info": {"number": 4}}

`seconds` count from the start of the search, including its set-up. Scores are empty where training diverged.
(The module is not called `trace`, because Python has one of that name.)
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from haemsa.model.spec.genome import Genome


@dataclass(frozen=True)
class Evaluation:
    """One evaluated genome: when it ended, its scores by name, and anything else that the searcher wrote down."""

    seconds: float
    genome: Genome
    scores: Mapping[str, float]
    info: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Trace:
    """A trace that one or several processes write. `start` is a time of the monotonic clock, which processes share."""

    path: Path
    start: float

    @classmethod
    def begin(cls, path: Path) -> Trace:
        """An empty trace. Its clock starts now. Raises FileExistsError if there is a file at `path`."""
        start = time.monotonic()
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch(exist_ok=False)
        return cls(path.resolve(), start)

    @property
    def elapsed(self) -> float:
        """Seconds since the start."""
        return time.monotonic() - self.start

    def append(
        self, genome: Genome, scores: Mapping[str, float], *, seconds: float | None = None, **info: object
    ) -> None:
        """Add an evaluation that ended now, or at `seconds`."""
        line = json.dumps(
            {
                "seconds": round(self.elapsed if seconds is None else seconds, 3),
                "genome": genome.to_dict(),
                "scores": dict(scores),
                "info": info,
            },
            allow_nan=False,
        )
        file = os.open(self.path, os.O_WRONLY | os.O_APPEND)
        try:
            os.write(file, f"{line}\n".encode())  # in one write, so lines of two processes never mix
        finally:
            os.close(file)


def read(path: Path) -> list[Evaluation]:
    """The evaluations of a trace, by time. A torn last line is left out; any other bad line raises ValueError."""
    whole, _, _ = path.read_text(encoding="utf-8").rpartition("\n")
    lines = enumerate(whole.splitlines(), start=1)
    return sorted((_parse(path, number, line) for number, line in lines), key=lambda item: item.seconds)


def _parse(path: Path, number: int, line: str) -> Evaluation:
    try:
        data = json.loads(line)
        genome = Genome.from_dict(data["genome"])
        return Evaluation(float(data["seconds"]), genome, data["scores"], data["info"])
    except (ValueError, KeyError, TypeError) as error:
        raise ValueError(f"line {number} of {path} is no evaluation: {error}") from None
