"""The run directory: everything about one search, on disk, whole at every instant.

- config.yaml, manifest.json: what was asked for, with what versions
- journal.sqlite: every candidate, its outcome, and the evolution's state (cluster/sqlite_journal.py)
- states/ID.safetensors: trained weights
- front.csv, population.parquet, summary.json, best/, search.log
"""

from __future__ import annotations

import json
import logging
import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from cluster.config import SearchConfig, read_yaml
from cluster.files import replacing, write_json, write_text
from cluster.sqlite_journal import Ended, Journal, JournalRow
from cluster.tables import evaluated_rows, genome_columns, score_columns
from evo.candidate import Candidate, Evaluated
from model.spec import Genome

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["Ended", "JournalRow", "RunDirectory"]

AnyArray = np.ndarray[Any, Any]
_JOURNAL: Final = "journal.sqlite"
_LOCK: Final = ".lock"
_MADE_FIRST: Final = frozenset({"config.yaml", "manifest.json", "search.log", "states", _LOCK})


class RunDirectory:
    """One search's folder. Make it with `create` or `open`, and close it: it is a context manager."""

    def __init__(self, path: Path, *, read_only: bool = False) -> None:
        self.path = path
        self._lock = None if read_only else _lock(path)
        self.journal = Journal(path / _JOURNAL, read_only=read_only)

    @classmethod
    def create(cls, path: Path, config: SearchConfig, manifest: Mapping[str, Any]) -> RunDirectory:
        """Make the folder for a new search. Raises ValueError if it holds another search, or anything else."""
        path = Path(path)
        if (path / _JOURNAL).exists():
            raise ValueError(f"run directory {path} already holds a search, expected a new or empty folder")
        if path.exists() and (not path.is_dir() or {item.name for item in path.iterdir()} - _MADE_FIRST):
            raise ValueError(f"run directory {path} already holds other files, expected a new or empty folder")
        try:
            (path / "states").mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise ValueError(f"run directory {path} cannot be made: {error.strerror}") from None
        write_text(path / "config.yaml", config.to_yaml())
        write_json(path / "manifest.json", manifest)
        return cls(path)  # the journal last: a folder with one is complete

    @classmethod
    def open(cls, path: Path, *, read_only: bool = False) -> RunDirectory:
        """Open an existing one. Raises ValueError if there is none, or if another process is writing to it."""
        path = Path(path)
        if not (path / _JOURNAL).is_file():
            raise ValueError(f"run directory {path} holds no search, expected a folder made by haemsa search")
        return cls(path, read_only=read_only)

    # -- the journal

    def asked(self, candidates: Iterable[Candidate[Genome]], state: Mapping[str, Any] | None = None) -> None:
        """Note candidates before they are trained, with the evolution's state after asking."""
        self.journal.asked(candidates, state)

    def record(self, ended: Iterable[Ended], state: Mapping[str, Any] | None = None) -> None:
        """Note outcomes and the state they led to, in one transaction."""
        self.journal.record(ended, state)

    def rows(self) -> Iterator[JournalRow]:
        """Every candidate, by id."""
        return self.journal.rows()

    def state(self) -> dict[str, Any]:
        """The last state written; empty if there is none."""
        return self.journal.state()

    # -- what was asked for

    def config(self) -> SearchConfig:
        """The settings of this search."""
        return SearchConfig.of(read_yaml(self.path / "config.yaml"))

    def manifest(self) -> dict[str, Any]:
        """Versions, data fingerprint, device and seeds, as given to `create`."""
        return _read_json(self.path / "manifest.json") or {}

    # -- weights

    def save_state(self, number: int, arrays: Mapping[str, AnyArray]) -> Path:
        """Keep a candidate's weights: arrays by name. Written beside, then renamed."""
        from safetensors.numpy import save_file

        path = self._state_path(number)
        with replacing(path) as temporary:
            # contiguous: safetensors writes the buffer as it lies
            save_file({name: np.ascontiguousarray(array) for name, array in arrays.items()}, temporary)
        return path

    def load_state(self, number: int) -> dict[str, AnyArray] | None:
        """A candidate's weights, None if they were not kept."""
        from safetensors.numpy import load_file

        path = self._state_path(number)
        return dict(load_file(path)) if path.exists() else None

    def drop_state(self, number: int) -> None:
        """Forget a candidate's weights, if they are there."""
        self._state_path(number).unlink(missing_ok=True)

    def stored_states(self) -> set[int]:
        """The ids of the candidates whose weights are kept."""
        return {int(path.stem) for path in (self.path / "states").glob("*.safetensors") if path.stem.isdecimal()}

    def _state_path(self, number: int) -> Path:
        if isinstance(number, bool) or not isinstance(number, int) or number < 0:
            raise ValueError(f"candidate id is {number!r}, expected a whole number of 0 or more")
        return self.path / "states" / f"{number}.safetensors"

    # -- tables and summary

    def write_front(self, front: Sequence[Evaluated[Genome]]) -> None:
        """front.csv: one row per candidate of the front, in the order given."""
        import pandas as pd

        frame = pd.DataFrame(evaluated_rows(front)).drop(columns=["on_front", "generation"], errors="ignore")
        with replacing(self.path / "front.csv") as temporary:
            frame.to_csv(temporary, index=False)

    def write_population(self) -> None:
        """population.parquet: one row per candidate ever asked for, from the journal."""
        frame = self.population()
        with replacing(self.path / "population.parquet") as temporary:
            frame.to_parquet(temporary, index=False)

    def population(self) -> pd.DataFrame:
        """Every candidate ever asked for, one row each: status, scores, genome columns, failure, time, worker."""
        import pandas as pd

        return pd.DataFrame([_population_row(row) for row in self.rows()])

    def write_summary(self, summary: Mapping[str, Any]) -> None:
        """summary.json."""
        write_json(self.path / "summary.json", summary)

    def summary(self) -> dict[str, Any] | None:
        """What `write_summary` wrote; None while the search has not ended."""
        return _read_json(self.path / "summary.json")

    @property
    def best(self) -> Path:
        """The folder of the best model and genome."""
        return self.path / "best"

    @contextmanager
    def logged(self) -> Iterator[logging.Logger]:
        """While the block runs, what the package `cluster` logs from INFO on goes to search.log too."""
        logger = logging.getLogger("cluster")
        handler = logging.FileHandler(self.path / "search.log", encoding="utf-8")
        handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s: %(message)s"))
        before = logger.level
        logger.setLevel(min(before, logging.INFO) if before else logging.INFO)
        logger.addHandler(handler)
        try:
            yield logger
        finally:
            logger.removeHandler(handler)
            logger.setLevel(before)
            handler.close()

    def close(self) -> None:
        """Close the journal and let others write."""
        self.journal.close()
        if self._lock is not None:
            self._lock.close()

    def __enter__(self) -> RunDirectory:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def _lock(path: Path) -> sqlite3.Connection:
    """Hold the folder for this process. SQLite's lock works on every system, and dies with the process."""
    lock = sqlite3.connect(path / _LOCK, timeout=0, isolation_level=None)
    try:
        lock.execute("BEGIN EXCLUSIVE")
    except sqlite3.OperationalError:
        lock.close()
        raise ValueError(f"run directory {path} is in use by another search that is still running") from None
    return lock


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
        "fidelity": row.fidelity,
        "failure": f"{row.failure.kind}: {row.failure.message}" if row.failure else None,
        "seconds": row.seconds,
        "worker": row.worker,
        "genome": row.genome_json,
    }
