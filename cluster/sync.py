"""`haemsa sync RUN`: send what MLflow did not take while the search ran."""

from __future__ import annotations

from pathlib import Path

from cluster.journal import RunDirectory
from cluster.outbox import one_line
from cluster.tracking import Sink


def sync(path: Path, tracking: str | None = None) -> tuple[int, str]:
    """Send all records that wait in the run directory `path`; returns how many, and where to.

    Raises ValueError if there is no search, if it is still running, or if a record is not taken.
    """
    with RunDirectory.open(path) as run:
        return send_waiting(run, tracking or run.config().tracking)


def send_waiting(run: RunDirectory, tracking: str | None) -> tuple[int, str]:
    """Send all that waits in an open run directory; returns how many, and where to. ValueError as `sync`."""
    from cluster.mlflow_sink import MlflowSink, store_uri

    search = run.outbox.search()
    if search is None or tracking == "off":
        raise ValueError(
            f"the search in {run.path} was not followed (tracking off), expected one whose records can wait"
        )
    place = store_uri(tracking)
    return _send(run, MlflowSink(tracking, search), place), place


def _send(run: RunDirectory, sink: Sink, place: str) -> int:
    waiting = run.outbox.waiting()
    for number, file in enumerate(waiting, start=1):
        try:
            address = run.outbox.send(file, sink)
        except Exception as error:
            text = one_line(error)
            raise ValueError(f"MLflow at {place} did not take record {number} of {len(waiting)}: {text}") from None
        run.outbox.remove(file)
        summary = run.summary() if address is not None else None
        if summary is not None:
            run.write_summary({**summary, "model": address})
    return len(waiting)
