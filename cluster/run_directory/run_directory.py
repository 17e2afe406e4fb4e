"""The run directory: everything about one search, on disk, complete at every moment.

- config.yaml, manifest.json: the settings, and the versions that ran
- journal.sqlite: every candidate, its outcomes, and the evolution's state (journal.py)
- states/: trained weights (weights.py)
- outbox/: records that MLflow has not taken yet (cluster/tracking/outbox.py)
- front.csv, population.parquet, summary.json, best/, ensemble/, search.log
"""

from __future__ import annotations

import json
import logging
import sqlite3
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Final

from haemsa.cluster.config import SearchConfig
from haemsa.cluster.run_directory.journal import Journal
from haemsa.cluster.run_directory.lock import LOCK, locked
from haemsa.cluster.run_directory.places import found_again
from haemsa.cluster.run_directory.rows import JournalRow
from haemsa.cluster.run_directory.tables import evaluated_rows, genome_columns, score_columns
from haemsa.cluster.run_directory.weights import WeightStore
from haemsa.cluster.shared.files import replacing, write_csv, write_json, write_text
from haemsa.cluster.shared.noted import BESIDE, informed
from haemsa.evo.candidate import Evaluated
from haemsa.model.spec.genome import Genome
from haemsa.model.yaml_file import read_yaml

if TYPE_CHECKING:
    import pandas as pd

_CONFIG: Final = "config.yaml"
_JOURNAL: Final = "journal.sqlite"
_MADE_FIRST: Final = frozenset({_CONFIG, "manifest.json", "search.log", "states", LOCK, f"{LOCK}-journal"})


class RunDirectory:
    """The folder of one search. Make it with `create` or `open`, and close it: it is a context manager.

    Attributes:
        path: the folder.
        journal: every candidate with its outcomes.
        states: trained weights.

    Example:
        >>> with RunDirectory.open(Path("runs/planted"), read_only=True) as run:  # doctest: +SKIP
        ...     frame, summary = run.population(), run.summary()
    """

    def __init__(self, path: Path, *, read_only: bool = False, lock: sqlite3.Connection | None = None) -> None:
        self.path = path
        self._lock = None if read_only else lock or locked(path)
        self.journal = Journal(path / _JOURNAL, read_only=read_only)
        self.states = WeightStore(path / "states")

    @classmethod
    def create(cls, path: Path, config: SearchConfig, manifest: Mapping[str, Any]) -> RunDirectory:
        """Make the folder for a new search.

        Args:
            path: the folder, new or empty.
            config: the settings of the search.
            manifest: versions, the fingerprint of the data, device and seeds.

        Raises:
            ValueError: the folder holds a search or other files, or it cannot be made.
        """
        path = Path(path)
        cls.check_vacant(path)
        try:
            (path / "states").mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise ValueError(f"run directory {path} cannot be made: {error.strerror}") from None
        lock = locked(path)
        cls.check_vacant(path)  # another search may have taken it just now
        write_text(path / _CONFIG, config.to_yaml())
        write_json(path / "manifest.json", manifest)
        return cls(path, lock=lock)  # the journal comes last: a folder with a journal is complete

    @staticmethod
    def check_vacant(path: Path) -> None:
        """Raise ValueError if the folder holds a search or other files."""
        if (path / _JOURNAL).exists():
            raise ValueError(f"run directory {path} already holds a search, expected a new or empty folder")
        if path.exists() and (not path.is_dir() or {entry.name for entry in path.iterdir()} - _MADE_FIRST):
            raise ValueError(f"run directory {path} already holds other files, expected a new or empty folder")

    @classmethod
    def open(cls, path: Path, *, read_only: bool = False) -> RunDirectory:
        """Open the folder of a search.

        Args:
            path: the folder.
            read_only: only read, which is possible while the search runs.

        Raises:
            ValueError: the folder holds no search, or another process writes to it.
        """
        path = Path(path)
        if not (path / _JOURNAL).is_file():
            raise ValueError(f"run directory {path} holds no search, expected a folder made by haemsa search")
        return cls(path, read_only=read_only)

    # -- what was asked for

    def config(self) -> SearchConfig:
        """The settings of this search, with its places found again (places.py), and without genes that went since."""
        from haemsa.evo.expert_space.bounds import without_removed

        settings = read_yaml(self.path / _CONFIG, "a configuration", "settings")
        if isinstance(bounds := settings.get("space"), dict):
            settings["space"] = without_removed(bounds)
        return found_again(SearchConfig.of(settings), self.manifest().get("run"), self.path)

    def reopen(self, config: SearchConfig) -> None:
        """Continue the search with these settings: it no longer counts as ended."""
        write_text(self.path / _CONFIG, config.to_yaml())
        (self.path / "summary.json").unlink(missing_ok=True)
        self.journal.forget_confirmed()

    def manifest(self) -> dict[str, Any]:
        """Versions, the fingerprint of the data, device and seeds, as given to `create`."""
        return _read_json(self.path / "manifest.json") or {}

    # -- tables and summary

    def write_front(
        self, front: Sequence[Evaluated[Genome]], searched: Mapping[int, Evaluated[Genome]] | None = None
    ) -> None:
        """Write front.csv: one row for each candidate of the front, in the given order.

        Args:
            front: the candidates, with confirmed scores if there are any.
            searched: the same candidates by id, with the scores of the search. They become columns search_<name>.
        """
        rows = evaluated_rows(front)
        for row in rows:
            del row["on_front"], row["generation"]
            if searched and row["id"] in searched:
                scores = searched[row["id"]].scores
                row |= {f"search_{name}": score.mean for name, score in scores.items()}
        with replacing(self.path / "front.csv") as temporary:
            write_csv(temporary, rows)

    def write_population(self) -> None:
        """Write population.parquet: one row for each candidate in the journal."""
        frame = self.population()
        with replacing(self.path / "population.parquet") as temporary:
            frame.to_parquet(temporary, index=False)

    def population(self) -> pd.DataFrame:
        """All candidates as a table, one row for each: status, scores, genome columns, failure, time, worker."""
        import pandas as pd

        return pd.DataFrame([_population_row(row) for row in self.journal.rows()])

    def write_summary(self, summary: Mapping[str, Any]) -> None:
        """Write summary.json."""
        write_json(self.path / "summary.json", summary)

    def summary(self) -> dict[str, Any] | None:
        """The content of summary.json. None while the search has not ended."""
        return _read_json(self.path / "summary.json")

    @property
    def best(self) -> Path:
        """The folder of the best model and genome."""
        return self.path / "best"

    @property
    def ensemble(self) -> Path:
        """The folder of the best ensemble."""
        return self.path / "ensemble"

    @contextmanager
    def logged(self) -> Iterator[logging.Logger]:
        """While the block runs, search.log also gets what `haemsa` logs at level INFO and above.

        What searches log that run beside this one in other threads is left out.
        """
        mine = threading.current_thread().name
        handler = logging.FileHandler(self.path / "search.log", encoding="utf-8")
        handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s: %(message)s"))
        handler.addFilter(lambda record: record.threadName == mine or not str(record.threadName).startswith(BESIDE))
        with informed() as logger:
            logger.addHandler(handler)
            try:
                yield logger
            finally:
                logger.removeHandler(handler)
                handler.close()

    def close(self) -> None:
        """Close the journal. Other processes may write now."""
        self.journal.close()
        if self._lock is not None:
            self._lock.close()

    def __enter__(self) -> RunDirectory:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def _read_json(path: Path) -> dict[str, Any] | None:
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    except (ValueError, RecursionError) as error:
        raise ValueError(f"{path} is no valid JSON: {error}") from None
    if not isinstance(value, dict):
        raise ValueError(f"{path} holds {type(value).__name__}, expected an object")
    return value


def _population_row(row: JournalRow) -> dict[str, Any]:
    return {
        "id": row.id,
        "generation": row.generation,
        "status": row.status,
        **score_columns(row.scores),
        **genome_columns(row.genome),
        "parents": " ".join(map(str, row.parents)),
        "rung": row.rung,
        "failure": f"{row.failure.kind}: {row.failure.message}" if row.failure else None,
        "seconds": row.seconds,
        "worker": row.worker,
        "genome": row.genome_json,
    }
