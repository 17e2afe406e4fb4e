"""The examples in docstrings give what they say, each module's in an empty folder."""

from __future__ import annotations

import doctest
from importlib import import_module
from pathlib import Path

import pytest

from tests.support.places import ROOT

pytestmark = pytest.mark.slow

MODULES = [
    ".".join(["haemsa", *path.relative_to(ROOT).with_suffix("").parts])
    for house in ("evo", "model", "cluster")
    for path in sorted((ROOT / house).rglob("*.py"))
    if ">>> " in path.read_text(encoding="utf-8")
]


@pytest.mark.parametrize("module", MODULES)
def test_examples_give_what_they_say(module: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    name = module.removesuffix(".__init__")
    assert doctest.testmod(import_module(name)).failed == 0
