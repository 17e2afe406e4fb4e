"""Run notebooks and keep what they show: `make notebooks`, or `python notebooks/run.py FILE...`.

Each notebook runs in its own empty folder. What is kept has no times, warnings or paths of this machine. So a notebook
that is run again changes only if its results change. A notebook that writes to standard error fails.
"""

from __future__ import annotations

import os
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import nbformat
from nbclient import NotebookClient
from traitlets.config import Config

HERE = Path(__file__).resolve().parent
CELL_SECONDS = 1800


def execute(path: Path, folder: Path, size: str = "normal") -> Any:
    """Run a notebook.

    Args:
        path: the notebook. The file is not changed.
        folder: where it runs.
        size: "normal", or "tiny" as the tests run it.

    Returns:
        The notebook with its outputs.

    Raises:
        CellExecutionError: a cell fails.
    """
    notebook = nbformat.read(path, as_version=4)
    with tempfile.TemporaryDirectory() as sockets:  # the kernel listens on files, not on ports
        client = NotebookClient(
            notebook,
            timeout=CELL_SECONDS,
            startup_timeout=CELL_SECONDS,
            coalesce_streams=True,
            resources={"metadata": {"path": str(folder)}},
            config=Config({"KernelManager": {"transport": "ipc", "ip": f"{sockets}/kernel"}}),
        )
        client.execute(env=_environment(folder, size))
    return notebook


def _environment(folder: Path, size: str) -> dict[str, str]:
    """What the kernel sees: the packages of this checkout, no personal settings of IPython, no other MLflow or Ray."""
    theirs = ("MLFLOW_", "RAY_ADDRESS")
    variables = {name: value for name, value in os.environ.items() if not name.startswith(theirs)}
    return variables | {
        "HAEMSA_NOTEBOOK_SIZE": size,
        "IPYTHONDIR": str(folder / ".ipython"),
        "PYDEVD_DISABLE_FILE_VALIDATION": "1",  # otherwise the debugger warns of frozen modules
        "PYTHONPATH": os.pathsep.join(filter(None, (str(HERE.parent), variables.get("PYTHONPATH")))),
    }


def warnings_in(notebook: Any) -> list[str]:
    """What the cells of a notebook wrote to standard error."""
    outputs = [output for cell in notebook.cells for output in cell.get("outputs", ())]
    return [output.text for output in outputs if output.get("name") == "stderr"]


def clean(notebook: Any) -> Any:
    """The notebook without what changes from run to run while the results are the same."""
    kernel = {"display_name": "Python 3", "language": "python", "name": "python3"}
    notebook.metadata = {"kernelspec": kernel, "language_info": {"name": "python"}}
    for number, cell in enumerate(cell for cell in notebook.cells if cell.cell_type == "code"):
        cell.metadata, cell.execution_count = {}, number + 1
        for output in cell.outputs:
            if "execution_count" in output:
                output.execution_count = number + 1
            output.get("data", {}).pop("application/vnd.jupyter.widget-view+json", None)
    return notebook


def main(paths: list[Path]) -> None:
    """Run the notebooks in place, one after another."""
    for path in paths or sorted(HERE.glob("*.ipynb")):
        began = time.monotonic()
        with tempfile.TemporaryDirectory() as folder:
            notebook = clean(execute(path, Path(folder)))
        for text in warnings_in(notebook):
            raise SystemExit(f"{path.name} wrote to standard error: {text}")
        nbformat.write(notebook, path)
        print(f"{path.name}: {time.monotonic() - began:.0f} seconds", flush=True)


if __name__ == "__main__":
    main([Path(argument) for argument in sys.argv[1:]])
