"""What docs/objectives.md shows runs: its commands on its module, then its Python, all cut short."""

from __future__ import annotations

import json
import re
import shlex
import sys
from pathlib import Path

import pytest

from haemsa.cluster.config import SearchConfig
from haemsa.model.metrics import DIRECTIONS
from tests.support.cluster.haemsa_command import haemsa
from tests.support.cluster.tiny import SPACE, stored
from tests.support.places import ROOT

PAGE = (ROOT / "docs" / "objectives.md").read_text(encoding="utf-8")
SHORT = {
    "validation": "holdout:1", "backend": "inline", "tracking": "off", "rungs": False, "confirm": 1, "evaluations": 4,
    "space": SPACE,
}  # fmt: skip


def test_the_page_lists_every_objective_and_its_better_direction() -> None:
    rows = re.findall(r"^\| (`.*?`) \| (lower|higher) \|", PAGE, re.MULTILINE)
    listed = {name: better for names, better in rows for name in re.findall(r"`(\w+)`", names)}
    better = {"min": "lower", "max": "higher"}
    assert listed == {name: better[way] for name, way in DIRECTIONS.items() if name != "loss"}


@pytest.mark.slow
def test_its_commands_and_its_python_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    module, given = re.findall(r"^```python\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)
    Path("mymodule.py").write_text(module)
    data = str(stored(tmp_path))
    settings = [f"--set={name}={json.dumps(value)}" for name, value in SHORT.items() if name != "evaluations"]
    for line in re.findall(r"^haemsa search .*", PAGE, re.MULTILINE):
        words = [data if word == "planted" else word for word in shlex.split(line)[1:]]
        words[words.index("--evaluations") + 1] = "4"
        ran = haemsa(*words, *settings)
        assert ran.status == 0, ran.err
    monkeypatch.delitem(sys.modules, "mymodule")
    namespace: dict[str, object] = {"__name__": "page"}
    monkeypatch.setattr(
        SearchConfig, "of", lambda values: SearchConfig(**{**values, **SHORT, "data": data}), raising=True
    )
    for code in (module, given):
        exec(compile(code, "objectives.md", "exec"), namespace)
    scores = {
        run: json.loads(Path("runs", run, "summary.json").read_text())["best"]["scores"] for run in ("own", "given")
    }
    assert {"mymodule:too_high", "mymodule:experts"} < set(scores["own"]) and "too_high" in scores["given"]
