"""What a tracker is told of a search, and who takes it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Protocol

if TYPE_CHECKING:
    pass

Draw = Callable[[Path], None]
TableRow = Mapping[str, Any]
"""One line of a table: `id`, `generation`, `on_front`, objectives, genome columns (run_directory/tables.py)."""


@dataclass(frozen=True)
class SearchStarted:
    """A search begins, or goes on. `id` tells it from all others, and stays when it is resumed.

    `fingerprint` is the data's; `objectives` maps names to "min" or "max", in order. `dataset`: the data as
    dataset_input.py takes it. `cluster`: backend, workers, nodes and the like, at the beginning of this session.
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
    population: Sequence[TableRow] = ()
    front: Sequence[TableRow] = ()
    metrics: Mapping[str, float] = field(default_factory=dict)
    evaluated: Sequence[TableRow] = ()
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
    dataset_input.py takes it.
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
