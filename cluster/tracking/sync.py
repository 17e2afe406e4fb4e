"""`haemsa sync RUN`: send MLflow the records that it did not take while the search ran."""

from __future__ import annotations

import logging
from pathlib import Path

from haemsa.cluster.run_directory.run_directory import RunDirectory
from haemsa.cluster.shared.progress import Progress
from haemsa.cluster.tracking.outbox import Outbox
from haemsa.cluster.tracking.records import Sink
from haemsa.model.errors import error_line

log = logging.getLogger(__name__)


def sync_run(run: Path, tracking: str | None = None) -> tuple[int, str]:
    """Send MLflow the records that wait in a run directory.

    Args:
        run: the run directory of a search that does not run now.
        tracking: MLflow's store (None: as the search had it).

    Returns:
        How many records were sent, and where to.

    Raises:
        ValueError: there is no search, it still runs, it was not tracked, or MLflow does not take a record.

    Example:
        >>> sync_run(Path("runs/planted"))  # doctest: +SKIP
        (3, 'sqlite:///mlflow.db')
    """
    with RunDirectory.open(run) as directory:
        return send_waiting(directory, tracking or directory.config().tracking)


def send_waiting(run: RunDirectory, tracking: str | None) -> tuple[int, str]:
    """The same for an open run directory. Raises ValueError as `sync_run` does."""
    from haemsa.cluster.tracking.client import store_uri
    from haemsa.cluster.tracking.mlflow_sink import MlflowSink

    search = Outbox.of(run.path).search()
    if search is None or tracking == "off":
        raise ValueError(
            f"the search in {run.path} was not followed (tracking off), expected one whose records can wait"
        )
    place = store_uri(tracking)
    return _send(run, MlflowSink(tracking, search), place), place


def send_rest(run: RunDirectory, tracking: str | None, progress: Progress) -> None:
    """Send what MLflow did not take before the search ended, if MLflow takes it now."""
    if not Outbox.of(run.path).waiting():
        return
    try:
        count, place = send_waiting(run, tracking)
        progress.note(f"sent {count} records to {place}")
    except ValueError as error:
        log.warning("%s", error)


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
