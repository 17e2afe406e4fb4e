"""MLflow's own page, for the store that searches use."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from typing import TYPE_CHECKING, Final

from haemsa.cluster.tracking.client import connect, store_uri
from haemsa.cluster.tracking.runs.views import NETWORKS, SEARCHES, address, has_view

if TYPE_CHECKING:
    from mlflow.entities import Experiment

_SMALL: Final = {"MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false", "MLFLOW_DISABLE_TELEMETRY": "true"}
"""Without this, MLflow starts eight more processes for jobs, which this page does not have."""
_MOST_LINKS: Final = 20


def serve_page(port: int = 5000, tracking: str | None = None) -> int:
    """Serve MLflow's page on this machine until Ctrl-C. If the store is a server, only its address is printed.

    Args:
        port: the port on the loopback address 127.0.0.1.
        tracking: MLflow's store (None: MLFLOW_TRACKING_URI or sqlite:///mlflow.db).

    Returns:
        The exit status of MLflow; 130 after Ctrl-C.

    Raises:
        ValueError: the port cannot be used.

    Example:
        >>> serve_page(5000, "http://tracker:5000")
        MLflow's page is at http://tracker:5000
        0
    """
    uri = store_uri(tracking)
    if uri.startswith(("http://", "https://")):
        print(f"MLflow's page is at {uri}")
        return 0
    _check_port(port)
    for line in _links(uri, f"http://127.0.0.1:{port}"):
        print(line, flush=True)
    command = [sys.executable, "-m", "mlflow", "ui", "--backend-store-uri", uri, "--host", "127.0.0.1"]
    server = subprocess.Popen([*command, "--port", str(port)], env={**_SMALL, **os.environ})
    before = signal.signal(signal.SIGTERM, lambda *_: server.terminate())  # or the server would go on after us
    try:
        return server.wait()
    except KeyboardInterrupt:
        server.wait()  # the server got the same Ctrl-C
        return 130
    finally:
        signal.signal(signal.SIGTERM, before)


def _check_port(port: int) -> None:
    try:
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(("127.0.0.1", port))
    except (OSError, OverflowError) as error:
        reason = error.strerror if isinstance(error, OSError) else "no such port"
        raise ValueError(f"port {port} cannot be used: {reason}; choose another with --port") from None


def _links(uri: str, page: str) -> list[str]:
    """The address of each experiment's searches. MLflow's own start page leads to a page for language models."""
    experiments = connect(uri).search_experiments(max_results=_MOST_LINKS, order_by=["last_update_time DESC"])
    links = [line for one in experiments if one.name != "Default" for line in _of_experiment(one, page)]
    return [f"MLflow's page on {uri}, by data set:", *links, f"  registered models: {page}/#/models"]


def _of_experiment(experiment: Experiment, page: str) -> list[str]:
    """The address of its runs, and of the views that a search has given it."""
    found = f"{page}/#/experiments/{experiment.experiment_id}"
    views = [
        f"    {what}: {page}/{address(experiment.experiment_id, view)}"
        for what, view in (("searches", SEARCHES), ("networks", NETWORKS))
        if has_view(experiment, view)
    ]
    return [f"  {experiment.name}: {found}?workflowType=machine_learning", *views]
