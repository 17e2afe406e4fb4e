"""MLflow's own page, on the store that searches use."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import Final

from cluster.mlflow_tracker import store_uri

_SMALL: Final = {"MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false", "MLFLOW_DISABLE_TELEMETRY": "true"}
"""MLflow would start eight more processes, for jobs that this page has none of."""


def serve(port: int, tracking: str | None) -> int:
    """Serve the page on loopback until Ctrl-C; returns MLflow's exit status. An http address is only named."""
    uri = store_uri(tracking)
    if uri.startswith(("http://", "https://")):
        print(f"MLflow's page is at {uri}")
        return 0
    print(f"MLflow's page on {uri}: http://127.0.0.1:{port}/#/experiments?workflowType=machine_learning", flush=True)
    command = [sys.executable, "-m", "mlflow", "ui", "--backend-store-uri", uri, "--host", "127.0.0.1"]
    try:
        return subprocess.run([*command, "--port", str(port)], check=False, env={**_SMALL, **os.environ}).returncode
    except KeyboardInterrupt:
        return 0
