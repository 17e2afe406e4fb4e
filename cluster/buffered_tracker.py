"""A tracker that never keeps a search waiting: records go to the outbox, and a thread sends them from there.

While the sink fails or is slow they wait on disk, and are sent later, in order, each once: when it answers again, when
the search is resumed, or by `haemsa sync`.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Final

from cluster.outbox import Outbox, one_line
from cluster.tracking import Draw, GenerationEnded, ModelTrained, Record, SearchEnded, SearchStarted, Sink

log = logging.getLogger(__name__)
RETRY: Final = 1.0
"""Seconds until a record that was not taken is sent again; twice as long each further time."""
LONGEST_RETRY: Final = 60.0
PATIENCE: Final = 30.0
"""Seconds that the end of a search waits for a sink that is slow, but answers."""


class BufferedTracker:
    """Records through `outbox` to the sink that `connect` gives for a search."""

    def __init__(
        self,
        outbox: Outbox,
        connect: Callable[[SearchStarted], Sink],
        *,
        retry: float = RETRY,
        patience: float = PATIENCE,
    ) -> None:
        self._outbox, self._connect, self._retry, self._patience = outbox, connect, retry, patience
        self._changed = threading.Condition()
        self._closing = self._hurry = self._told = False
        self._tries = self._failed_try = 0
        self._model: Path | None = None
        self._address: str | None = None

    def started(self, record: SearchStarted) -> None:
        """Begin to send, what an earlier session left first."""
        self._put(record)
        sink = self._connect(record)
        threading.Thread(target=self._work, args=(sink,), name="tracker", daemon=True).start()

    def generation(self, record: GenerationEnded) -> None:
        """Let the record follow those before it."""
        self._put(record)

    def ended(self, record: SearchEnded, draw: Draw | None = None) -> None:
        """Let the record follow those before it, with its pictures."""
        self._put(record, draw)

    def trained(self, record: ModelTrained) -> str | None:
        """Let the record follow those before it; returns the model's address, if the sink takes it now."""
        self._model, self._address = self._put(record), None
        self._drain()
        return self._address

    def close(self) -> tuple[int, str | None]:
        """Try once more to send what waits, and stop; returns how many records still wait, and the model's address."""
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
        """Wait until nothing waits, the sink fails once more, or patience is at its end."""
        with self._changed:
            before, self._hurry = self._tries, True
            self._changed.notify_all()
            self._changed.wait_for(lambda: self._failed_try > before or not self._outbox.waiting(), self._patience)
            self._hurry = False

    def _work(self, sink: Sink) -> None:
        pause = self._retry
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
        """The first that waits, as soon as one does; None once the tracker is closed."""
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
                    "MLflow did not take %s, the search goes on and it is sent again: %s", path, one_line(error)
                )
            self._told, self._failed_try = True, self._tries
            self._changed.notify_all()
            self._changed.wait_for(lambda: self._closing or self._hurry, pause)
