"""Every block of docs/tune.md runs, in its order, in an empty folder, with fewer trials."""

from __future__ import annotations

from pathlib import Path

import pytest

from haemsa.cluster.search.launch import run_search
from tests.docs.test_readme import Step, provide, replaced, steps
from tests.support.cluster.haemsa_command import haemsa
from tests.support.cluster.tiny import settings
from tests.support.places import ROOT

pytestmark = pytest.mark.slow

PYTHON = {"num_samples=100, max_concurrent_trials=4": "num_samples=2, max_concurrent_trials=2"}


def reduced(step: Step) -> list[str]:
    """A command that is quick."""
    words = list(step.arguments)
    if words[0] == "tune":
        words = replaced(replaced(words, "--trials", "2"), "--workers", "1")
    return replaced(words, "--seeds", "2") if words[0] == "train" else words


@pytest.mark.ray
def test_every_block_of_the_page_runs(
    ray_cluster: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    provide(["mine.h5"])
    run_search(settings(data="mine.h5", run="runs/mine", evaluations=2, population=2))
    found = steps((ROOT / "docs" / "tune.md").read_text(encoding="utf-8"))
    assert [step.arguments[:1] for step in found] == [("tune",), ("train",), ()]
    for step in found:
        if step.python is None:
            ran = haemsa(*reduced(step))
            assert ran.status == 0, ran.err
            continue
        code = step.python
        for whole, part in PYTHON.items():
            assert whole in code
            code = code.replace(whole, part)
        exec(compile(code, "tune.md", "exec"), {"__name__": "page"})
    assert "'error':" in capsys.readouterr().out
