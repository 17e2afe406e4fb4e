"""What a search tells whoever watches it: four records, who takes them, and where they go.

The run directory is the truth; a tracker is a view on it. A search that is not followed has the `NullTracker`, so there
is no `if tracking` anywhere.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Protocol

if TYPE_CHECKING:
    from cluster.outbox import Outbox

Draw = Callable[[Path], None]
Row = Mapping[str, Any]
"""One line of a table: `id`, `generation`, `on_front`, objectives, genome columns (see cluster/tables.py)."""


@dataclass(frozen=True)
class SearchStarted:
    """A search begins, or goes on. `id` tells it from all others, and stays when it is resumed.

    `fingerprint` is the data's; `objectives` maps names to "min" or "max", in order. `dataset`: the data as
    cluster/lineage.py describes it. `cluster`: backend, workers, nodes and the like, at the beginning of this session.
    """

    name: str
    data_name: str
    fingerprint: str
    config: Mapping[str, Any]
    objectives: Mapping[str, Literal["min", "max"]]
    manifest: Mapping[str, Any] = field(default_factory=dict)
    id: str = ""
    dataset: Mapping[str, Any] = field(default_factory=dict)
    cluster: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class GenerationEnded:
    """A generation is complete.

    `population`: rows of the survivors; `front`: rows of the front; `evaluated`: id and objectives of what was
    evaluated so far, or of a part of it, the picture's background; all empty in a generation that is not shown.
    `metrics`: hypervolume, best_<objective>, front_size, evaluations, failures, busy_fraction, system/<name>.
    `at`: when it ended, in seconds since 1970.
    """

    number: int
    population: Sequence[Row] = ()
    front: Sequence[Row] = ()
    metrics: Mapping[str, float] = field(default_factory=dict)
    evaluated: Sequence[Row] = ()
    at: float = 0.0


@dataclass(frozen=True)
class SearchEnded:
    """A search is over. `summary` is that of summary.json; `run_dir` is where the rest lies.

    `pictures`: a folder of them; whoever keeps the record for later has them drawn.
    """

    summary: Mapping[str, Any]
    best_genome_json: str | None = None
    run_dir: Path | None = None
    status: Literal["finished", "stopped", "failed"] = "finished"
    pictures: Path | None = None


@dataclass(frozen=True)
class ModelTrained:
    """A model for good. `score`: its `objective`, held out, on data of `fingerprint`; "min": lower is better.

    `alias`: "champion" goes to the best score, "trained" to the last that was trained for good. `metrics`: figures of
    the whole model; `seeds`: of each of its seeds; `params`: how it was trained; `dataset`: on what, as
    cluster/lineage.py describes it.
    """

    name: str
    model_dir: Path
    fingerprint: str
    objective: str
    direction: Literal["min", "max"]
    score: float
    genome_json: str
    data_name: str
    metrics: Mapping[str, float] = field(default_factory=dict)
    alias: Literal["champion", "trained"] = "champion"
    seeds: Sequence[Mapping[str, float]] = ()
    params: Mapping[str, Any] = field(default_factory=dict)
    dataset: Mapping[str, Any] = field(default_factory=dict)


def shows(number: int) -> bool:
    """Whether a generation has a table and pictures of its own: each at first, later one in ten.

    The 313 generations of 10,000 genomes make 76 runs so, of the hundred that MLflow's page loads at once, and a
    quarter of the work.
    """
    return number <= 50 or number % 10 == 0


Record = SearchStarted | GenerationEnded | SearchEnded | ModelTrained


class Sink(Protocol):
    """Where records go in the end, in order. Sending one again, whole or half sent before, leaves it there once."""

    def send(self, record: Record) -> str | None:
        """Deliver it; returns the address of a model. Raises whatever goes wrong on the way."""


class Tracker(Protocol):
    """Follows a search. No method raises, or waits for long, because of who it tells."""

    def started(self, record: SearchStarted) -> None:
        """Note that a search begins."""

    def generation(self, record: GenerationEnded) -> None:
        """Note a complete generation."""

    def ended(self, record: SearchEnded, draw: Draw | None = None) -> None:
        """Note the end; `draw` puts pictures into a folder that it makes, and is called where they are wanted."""

    def trained(self, record: ModelTrained) -> str | None:
        """Register a model; returns the address it can be loaded from, None if there is none (yet)."""

    def close(self) -> tuple[int, str | None]:
        """Nothing more will come; returns how many records were not delivered, and the last model's address."""


class NullTracker:
    """Follows nothing."""

    def started(self, record: SearchStarted) -> None:
        """Do nothing."""

    def generation(self, record: GenerationEnded) -> None:
        """Do nothing."""

    def ended(self, record: SearchEnded, draw: Draw | None = None) -> None:
        """Do nothing."""

    def trained(self, record: ModelTrained) -> str | None:  # noqa: ARG002
        """Do nothing."""
        return None

    def close(self) -> tuple[int, str | None]:
        """Nothing waits."""
        return 0, None


@dataclass
class MemoryTracker:
    """Keeps every record, in order: for tests and notebooks."""

    records: list[Record] = field(default_factory=list)

    def started(self, record: SearchStarted) -> None:
        """Keep the record."""
        self.records.append(record)

    def generation(self, record: GenerationEnded) -> None:
        """Keep the record."""
        self.records.append(record)

    def ended(self, record: SearchEnded, draw: Draw | None = None) -> None:  # noqa: ARG002
        """Keep the record."""
        self.records.append(record)

    def trained(self, record: ModelTrained) -> str | None:
        """Keep the record."""
        self.records.append(record)
        return None

    def close(self) -> tuple[int, str | None]:
        """Nothing waits."""
        return 0, None

    @property
    def generations(self) -> list[GenerationEnded]:
        """The generations seen, in order."""
        return [record for record in self.records if isinstance(record, GenerationEnded)]


def tracker(uri: str | None, outbox: Outbox) -> Tracker:
    """The tracker that the setting `tracking` asks for: "off" gives none, else MLflow at `uri` or at its default.

    What MLflow does not take waits in `outbox`.
    """
    if uri == "off":
        return NullTracker()
    from cluster.buffered_tracker import BufferedTracker
    from cluster.mlflow_sink import MlflowSink

    return BufferedTracker(outbox, lambda search: MlflowSink(uri, search))
