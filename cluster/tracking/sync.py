"""`haemsa sync RUN`: send what MLflow did not take while the search ran."""

from __future__ import annotations

from pathlib import Path

from haemsa.cluster.run_directory.run_directory import RunDirectory
from haemsa.cluster.tracking.outbox import Outbox
from haemsa.cluster.tracking.records import Sink
from haemsa.model.errors import error_line


def sync(path: Path, tracking: str | None = None) -> tuple[int, str]:
    """Send all records that wait in the run directory `path`; returns how many, and where to.

    Raises ValueError if there is no search, if it is still running, or if a record is not taken.
    """
    with RunDirectory.open(path) as run:
        return send_waiting(run, tracking or run.config().tracking)


def send_waiting(run: RunDirectory, tracking: str | None) -> tuple[int, str]:
    """Send all that waits in an open run directory; returns how many, and where to. ValueError as `sync`."""
    from haemsa.cluster.tracking.client import store_uri
    from haemsa.cluster.tracking.mlflow_sink import MlflowSink

    search = Outbox.of(run.path).search()
    if search is None or tracking == "off":
        raise ValueError(
            f"the search in {run.path} was not followed (tracking off), expected one whose records can wait"
        )
    place = store_uri(tracking)
    return _send(run, MlflowSink(tracking, search), place), place


def _send(run: RunDirectory, sink: Sink, place: str) -> int:
    outbox = Outbox.of(run.path)
    waiting = outbox.waiting()
    for number, file in enumerate(waiting, start=1):
        try:
            address = outbox.send(file, sink)
        except Exception as error:
            text = error_line(error)
            raise ValueError(f"MLflow at {place} did not take record {number} of {len(waiting)}: {text}") from None
        outbox.remove(file)
        summary = run.summary() if address is not None else None
        if summary is not None:
            run.write_summary({**summary, "model": address})
    return len(waiting)
