"""What a search tells whoever watches it: three records and one protocol.

The run directory is the truth; a tracker is a view on it. A search that is not followed has the `NullTracker`, so there
is no `if tracking` anywhere.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, Protocol

Row = Mapping[str, Any]
"""One line of a table: `id`, `generation`, `on_front`, objectives, genome columns (see cluster/tables.py)."""


@dataclass(frozen=True)
class SearchStarted:
    """A search begins. `fingerprint` is the data's; `objectives` maps names to "min" or "max", in order."""

    name: str
    data_name: str
    fingerprint: str
    config: Mapping[str, Any]
    objectives: Mapping[str, Literal["min", "max"]]
    manifest: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class GenerationEnded:
    """A generation is complete.

    `population`: rows of the survivors; `front`: rows of the front; `evaluated`: id and objectives of all that was
    evaluated so far, the picture's background (may be empty). `metrics`: hypervolume, best_<objective>, front_size,
    evaluations, failures, busy_fraction.
    """

    number: int
    population: Sequence[Row]
    front: Sequence[Row]
    metrics: Mapping[str, float]
    evaluated: Sequence[Row] = ()


@dataclass(frozen=True)
class SearchEnded:
    """A search is over. `summary` is that of summary.json; `run_dir` is where the rest lies."""

    summary: Mapping[str, Any]
    best_genome_json: str | None = None
    run_dir: Path | None = None
    status: Literal["finished", "stopped", "failed"] = "finished"


@dataclass(frozen=True)
class ModelTrained:
    """A model for good. `score`: its `objective`, held out, on data of `fingerprint`; "min": lower is better."""

    name: str
    model_dir: Path
    fingerprint: str
    objective: str
    direction: Literal["min", "max"]
    score: float
    genome_json: str
    data_name: str
    metrics: Mapping[str, float] = field(default_factory=dict)


class Tracker(Protocol):
    """Follows a search. No method raises: a tracker that fails says so once in the log, and the search goes on."""

    def started(self, record: SearchStarted) -> None:
        """Note that a search begins."""

    def generation(self, record: GenerationEnded) -> None:
        """Note a complete generation."""

    def ended(self, record: SearchEnded) -> None:
        """Note the end."""

    def trained(self, record: ModelTrained) -> str | None:
        """Register a model; returns the address it can be loaded from, None if there is none."""


class NullTracker:
    """Follows nothing."""

    def started(self, record: SearchStarted) -> None:
        """Do nothing."""

    def generation(self, record: GenerationEnded) -> None:
        """Do nothing."""

    def ended(self, record: SearchEnded) -> None:
        """Do nothing."""

    def trained(self, record: ModelTrained) -> str | None:  # noqa: ARG002
        """Do nothing."""
        return None


@dataclass
class MemoryTracker:
    """Keeps every record, in order: for tests and notebooks."""

    records: list[SearchStarted | GenerationEnded | SearchEnded | ModelTrained] = field(default_factory=list)

    def started(self, record: SearchStarted) -> None:
        """Keep the record."""
        self.records.append(record)

    def generation(self, record: GenerationEnded) -> None:
        """Keep the record."""
        self.records.append(record)

    def ended(self, record: SearchEnded) -> None:
        """Keep the record."""
        self.records.append(record)

    def trained(self, record: ModelTrained) -> str | None:
        """Keep the record."""
        self.records.append(record)
        return None

    @property
    def generations(self) -> list[GenerationEnded]:
        """The generations seen, in order."""
        return [record for record in self.records if isinstance(record, GenerationEnded)]


def tracker(uri: str | None) -> Tracker:
    """The tracker that the setting `tracking` asks for: "off" gives none, else MLflow at `uri` or at its default."""
    if uri == "off":
        return NullTracker()
    from cluster.mlflow_tracker import MlflowTracker

    return MlflowTracker(uri)
