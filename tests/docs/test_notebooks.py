"""The notebooks run, on little data; and what is kept in them is whole, clean and small."""

from __future__ import annotations

import re
from itertools import pairwise
from pathlib import Path

import nbformat
import pytest

from notebooks.run import execute, warnings_in
from tests.support.places import ROOT
from tests.support.versions import needs

pytestmark = pytest.mark.slow

NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))
MOST_BYTES = 2 * 2**20
ODD = re.compile(r"/(home|root|tmp|work|Users)/|\d{1,3}(\.\d{1,3}){3}:\d|Traceback|Warning")
"""Places and addresses of one machine, and what went wrong."""


def test_there_are_seven_notebooks_that_lead_from_one_to_the_next() -> None:
    assert [path.name[:2] for path in NOTEBOOKS] == [f"0{number}" for number in range(1, 8)]
    for path, after in pairwise(NOTEBOOKS):
        assert f"({after.name})" in nbformat.read(path, as_version=4).cells[-1].source


@needs("ray", "2.56", "prints a tip of its own")
@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_runs_without_warnings(path: Path, tmp_path: Path) -> None:
    assert not warnings_in(execute(path, tmp_path, "tiny"))


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_what_a_notebook_keeps_is_whole_and_of_no_machine(path: Path) -> None:
    notebook = nbformat.read(path, as_version=4)
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    assert [cell.execution_count for cell in code] == list(range(1, len(code) + 1))
    assert code[0].source.count("HAEMSA_NOTEBOOK_SIZE") == 1
    assert not warnings_in(notebook)
    texts = [text for cell in code for output in cell.outputs for text in written(output)]
    assert not [text for text in texts if ODD.search(text)]


def written(output: nbformat.NotebookNode) -> list[str]:
    """What an output says, in whatever form."""
    data = output.get("data", {})
    return [output.get("text", ""), *(str(value) for kind, value in data.items() if kind.startswith("text/"))]


def test_all_notebooks_together_are_small() -> None:
    assert sum(path.stat().st_size for path in NOTEBOOKS) < MOST_BYTES
