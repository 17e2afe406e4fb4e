"""What a tracker is told about a search, and where it goes."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, Protocol

Draw = Callable[[Path], None]
"""Makes a folder at a path and puts pictures into it."""
TableRow = Mapping[str, Any]
"""A row of a table: `id`, `generation`, `on_front`, objectives, genome columns (run_directory/tables.py)."""


@dataclass(frozen=True)
class SearchStarted:
    """A search begins, or is resumed.

    fingerprint: of the data. objectives: names to "min" or "max", in order. id: it differs from that of every other
    search, and stays when the search is resumed. dataset: the data as dataset_input.py takes it. cluster: backend,
    workers and nodes at the beginning of this session. at: when it began, in seconds since 1970 (0: not known).
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
    at: float = 0.0


@dataclass(frozen=True)
class GenerationEnded:
    """A generation is complete.

    population: rows of the survivors. front: rows of the front. evaluated: id and objectives of candidates evaluated so
    far, or of some of them, for the background of the picture. All three are empty if the generation is not shown.
    metrics: hypervolume, best/<objective> of the front, mean/<objective> and spread/<objective> of the population,
    front_size, evaluations, failures, busy_fraction, system/<name>. at: when it ended, in seconds since 1970. began:
    when it began (0: not known).
    """

    number: int
    population: Sequence[TableRow] = ()
    front: Sequence[TableRow] = ()
    metrics: Mapping[str, float] = field(default_factory=dict)
    evaluated: Sequence[TableRow] = ()
    at: float = 0.0
    began: float = 0.0


@dataclass(frozen=True)
class SearchEnded:
    """A search has ended.

    summary: the content of summary.json. run_dir: the run directory. pictures: the folder of its pictures, which the
    outbox sets when it reads the record. networks: those that are shown one by one, the best first, as
    run_directory/networks.py gives them. at: when it ended, in seconds since 1970 (0: not known).
    """

    summary: Mapping[str, Any]
    best_genome_json: str | None = None
    run_dir: Path | None = None
    status: Literal["finished", "stopped", "failed"] = "finished"
    pictures: Path | None = None
    networks: Sequence[TableRow] = field(default_factory=list)
    at: float = 0.0


@dataclass(frozen=True)
class ModelTrained:
    """A trained model.

    score: its value of `objective` on held-out samples of the data with this fingerprint. direction: "min" if a lower
    score is better. measured: how the score was found, in words. alias: "trained" if `haemsa train` made the model,
    "champion" if it is a search's own network (registry.py says what the aliases mean).
    metrics: of the whole model. seeds: metrics of each seed. All have the names of runs/names.py. params: how it was
    trained. dataset: the data as dataset_input.py takes it. commit: of the checkout that trained it. what: the model in
    a few words, for the name of its run. better_plain: a plain model that is better on the same held-out samples, such
    as "a linear model". confirmed: False if the score is not final, because the search was cut off, or because the
    network could not be trained again. began: when its training began, in seconds since 1970 (0: not known).
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
    measured: str = ""
    commit: str | None = None
    what: str = ""
    better_plain: str = ""
    confirmed: bool = True
    began: float = 0.0


def shows(number: int) -> bool:
    """Whether a generation has a table and a picture of its own: the first 50 have, then one in ten.

    MLflow's page loads a hundred runs at once. The 313 generations of 10,000 genomes make 76 runs in this way.
    """
    return number <= 50 or number % 10 == 0


Record = SearchStarted | GenerationEnded | SearchEnded | ModelTrained


class Sink(Protocol):
    """Takes records in order. A record that is sent twice, because it was sent only in part, is there once."""

    def send(self, record: Record) -> str | None:
        """Deliver a record. Returns the address of a model. Any error may be raised."""
