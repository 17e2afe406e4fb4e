"""Trackers. A search never waits for one: records go to the outbox, and a thread sends them from there.

While MLflow fails or is slow, records wait on disk. They are sent later, in order and each once: when MLflow answers
again, when the search is resumed, or by `haemsa sync`.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Final, Protocol

from haemsa.cluster.tracking.outbox import Outbox
from haemsa.cluster.tracking.records import (
    Draw,
    GenerationEnded,
    ModelTrained,
    Record,
    SearchEnded,
    SearchStarted,
    Sink,
)
from haemsa.model.errors import error_line

if TYPE_CHECKING:
    from haemsa.cluster.run_directory.run_directory import RunDirectory

log = logging.getLogger(__name__)
RETRY: Final = 1.0
"""Seconds until a record that was not taken is sent again. Each further time it is twice as long."""
LONGEST_RETRY: Final = 60.0
REST: Final = 5.0
"""Seconds before the first record of a search is sent. To load MLflow takes a core, which workers need to start."""
PATIENCE: Final = 30.0
"""Seconds that the end of a search waits for a sink that is slow but answers."""


class BufferedTracker:
    """Sends records through an outbox to a sink.

    Args:
        outbox: where records wait.
        connect: gives the sink for a search.
        draw: draws the pictures that belong to the end of a search.
        retry: seconds until a failed record is sent again.
        patience: seconds that `trained` and `close` wait for the sink.
        rest: seconds before the first record is sent, unless the search ends before.
    """

    def __init__(
        self,
        outbox: Outbox,
        connect: Callable[[SearchStarted], Sink],
        draw: Draw | None = None,
        *,
        retry: float = RETRY,
        patience: float = PATIENCE,
        rest: float = 0.0,
    ) -> None:
        self._outbox, self._connect, self._draw = outbox, connect, draw
        self._retry, self._patience, self._rest = retry, patience, rest
        self._changed = threading.Condition()
        self._closing = self._hurry = self._told = False
        self._tries = self._failed_try = 0
        self._model: Path | None = None
        self._address: str | None = None

    def started(self, record: SearchStarted) -> None:
        """Begin to send. Records that an earlier session left go first."""
        self._put(record)
        sink = self._connect(record)
        threading.Thread(target=self._work, args=(sink,), name="tracker", daemon=True).start()

    def generation(self, record: GenerationEnded) -> None:
        """Send the record after those before it."""
        self._put(record)

    def ended(self, record: SearchEnded) -> None:
        """Send the record after those before it, with the pictures of the search."""
        self._put(record, self._draw)

    def trained(self, record: ModelTrained) -> str | None:
        """Send the record after those before it. Returns the model's address, if the sink takes it now."""
        self._model, self._address = self._put(record), None
        self._drain()
        return self._address

    def close(self) -> tuple[int, str | None]:
        """Try once more to send what waits, then stop. Returns how many records still wait, and the model's address."""
        self._drain()
        with self._changed:
            self._closing = True
            self._changed.notify_all()
        return len(self._outbox.waiting()), self._address

    def _put(self, record: Record, draw: Draw | None = None) -> Path:
        with self._changed:
            path = self._outbox.put(record, draw)
            self._changed.notify_all()
            return path

    def _drain(self) -> None:
        """Wait until no record waits, the sink fails once more, or the patience ends."""
        with self._changed:
            before, self._hurry = self._tries, True
            self._changed.notify_all()
            self._changed.wait_for(lambda: self._failed_try > before or not self._outbox.waiting(), self._patience)
            self._hurry = False

    def _work(self, sink: Sink) -> None:
        pause = self._retry
        with self._changed:
            self._changed.wait_for(lambda: self._closing or self._hurry, self._rest)
        while (path := self._next()) is not None:
            try:
                address = self._outbox.send(path, sink)
            except Exception as error:
                self._failed(path, error, pause)
                pause = min(2 * pause, LONGEST_RETRY)
            else:
                pause = self._retry
                self._sent(path, address)

    def _next(self) -> Path | None:
        """The first record that waits, as soon as there is one. None after the tracker is closed."""
        with self._changed:
            self._changed.wait_for(lambda: self._closing or self._outbox.waiting())
            self._tries += 1
            return None if self._closing else self._outbox.waiting()[0]

    def _sent(self, path: Path, address: str | None) -> None:
        with self._changed:
            self._outbox.remove(path)
            if self._told:
                log.info("MLflow answers again")
            self._told = False
            self._address = address if path == self._model else self._address
            self._changed.notify_all()

    def _failed(self, path: Path, error: Exception, pause: float) -> None:
        with self._changed:
            if not self._told:
                log.warning(
                    "MLflow did not take %s, the search goes on and it is sent again: %s", path, error_line(error)
                )
            self._told, self._failed_try = True, self._tries
            self._changed.notify_all()
            self._changed.wait_for(lambda: self._closing or self._hurry, pause)


class Tracker(Protocol):
    """Follows a search. Whatever happens to the records, no method raises or waits for long."""

    def started(self, record: SearchStarted) -> None:
        """Note that a search begins."""

    def generation(self, record: GenerationEnded) -> None:
        """Note a complete generation."""

    def ended(self, record: SearchEnded) -> None:
        """Note the end of the search."""

    def trained(self, record: ModelTrained) -> str | None:
        """Register a model. Returns the address that it can be loaded from (None: it has none yet)."""

    def close(self) -> tuple[int, str | None]:
        """End. Returns how many records were not delivered, and the address of the last model."""


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

    def close(self) -> tuple[int, str | None]:
        """Nothing waits."""
        return 0, None


def tracker(uri: str | None, run: RunDirectory) -> Tracker:
    """The tracker that the setting `tracking` asks for: none for "off", otherwise MLflow at `uri` or at its default.

    What MLflow does not take waits in the outbox of the run directory.
    """
    if uri == "off":
        return NullTracker()
    from haemsa.cluster.tracking.mlflow_sink import MlflowSink

    return BufferedTracker(
        Outbox.of(run.path), lambda search: MlflowSink(uri, search), lambda folder: _draw(run, folder), rest=REST
    )


def _draw(run: RunDirectory, folder: Path) -> None:
    """The pictures and the words of a search that has ended."""
    from haemsa.cluster.tracking.runs.note import draw

    draw(run, folder)
