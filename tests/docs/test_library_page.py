"""Every block of docs/library.md runs, in its order, in an empty folder; searches are cut short and data is small.

Of the models to compare with, and of the searches without an idea, one each is left: test_readme.py runs them all.
"""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from haemsa.cluster.comparison import ablate
from tests.support.cluster.mlflow_store import mlflow_store
from tests.support.cluster.tiny import stored
from tests.support.places import ROOT

pytestmark = pytest.mark.slow

SHORT = {"evaluations": 6, "trials": 2, "seeds": 2, "workers": 1}
"""What stands in for the page's numbers; more where a search goes on."""


def blocks(text: str) -> list[str]:
    """The Python of the page."""
    return re.findall(r"^```python\n(.*?)^```", text, re.MULTILINE | re.DOTALL)


def reduced(code: str, data: Path) -> str:
    """The same code, but quick: on small data, with few evaluations and seeds, networks that train in a blink."""
    for name, number in SHORT.items():
        code = re.sub(rf'({name}"?(?:: |=))\d+', rf"\g<1>{number}", code)
    code = code.replace('changes={"evaluations": 6}', 'changes={"evaluations": 8}')
    small = '"cohort": 4, "rungs": False, "space": {"epochs": [1, 2], "max_levels": 1, "max_experts": 2}, '
    code = code.replace("settings={", f'confirm=1, validation="holdout:1", settings={{{small}')
    code = code.replace('"limits"', f'"backend": "inline", "confirm": 1, {small}"limits"')  # only tuning is on Ray
    return code.replace('"planted"', f'"{data}"')


def test_numbers_of_the_page_are_cut_short() -> None:
    code = '{"data": "planted", "evaluations": 120, "workers": 2, "limits": {}}\ncompare(trials=48, seeds=5)'
    found = reduced(code, Path("d.h5"))
    assert found.startswith('{"data": "d.h5", "evaluations": 6, "workers": 1, "backend": "inline", "confirm": 1')
    assert found.endswith("compare(trials=2, seeds=2)")


@pytest.mark.ray
def test_every_block_of_the_page_runs(ray_cluster: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", mlflow_store(tmp_path))
    every = ablate.ablations
    monkeypatch.setattr(
        "haemsa.cluster.comparison.ablate.ablations", lambda *given: {"no_hierarchy": every(*given)["no_hierarchy"]}
    )
    monkeypatch.setattr("haemsa.cluster.comparison.compare.designs", lambda _: ("early_fusion",))
    monkeypatch.setattr("haemsa.cluster.comparison.compare.kinds", lambda *_: ())
    namespace: dict[str, object] = {"__name__": "page"}
    found = blocks((ROOT / "docs" / "library.md").read_text(encoding="utf-8"))
    assert len(found) >= 7
    data = stored(tmp_path, "planted")
    for code in found:
        exec(compile(reduced(code, data), "library.md", "exec"), namespace)
    assert (tmp_path / "runs" / "knapsack" / "front.csv").is_file()
