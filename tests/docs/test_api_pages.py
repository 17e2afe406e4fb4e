"""`make docs` makes pages of the public modules, and every docstring and annotation in them can be read."""

from __future__ import annotations

import shlex
import subprocess
import warnings
from pathlib import Path

import pdoc
import pdoc.render
import pytest

from tests.support.places import ROOT
from tests.support.versions import needs

pytestmark = pytest.mark.slow


@needs("pydantic", "2.14", "has annotations that pdoc cannot read")
def test_pages_of_the_public_modules_are_made_without_warnings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    recipe = subprocess.run(["make", "-n", "docs"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    words = shlex.split(next(line for line in recipe.splitlines() if "pdoc" in line))
    assert words[words.index("--output-directory") + 1] == "docs/api"
    modules = words[words.index("docs/api") + 1 :]
    assert {"haemsa.evo", "haemsa.cluster.api", "haemsa.model.spec"} <= set(modules)
    monkeypatch.setenv("PDOC_ALLOW_EXEC", words[0].removeprefix("PDOC_ALLOW_EXEC="))
    pdoc.render.configure(docformat=words[words.index("--docformat") + 1])
    with warnings.catch_warnings():
        warnings.simplefilter("error", UserWarning)
        warnings.filterwarnings("ignore", message=words[words.index("-W") + 1].removeprefix("ignore:"))
        pdoc.pdoc(*modules, output_directory=tmp_path)
    page = (tmp_path / "haemsa" / "cluster" / "api.html").read_text(encoding="utf-8")
    assert "Search as configured" in page
    assert 'id="search_custom"' in page
    assert 'id="Evolution.ask"' in (tmp_path / "haemsa/evo.html").read_text(encoding="utf-8")
