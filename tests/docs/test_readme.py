"""Every command of the README runs, in its order, in an empty folder; searches are cut short and seeds are two.

```bash blocks give the commands `haemsa ...`; ```python blocks are run where they stand, as later commands need what
they write. Commands of other programs (make, git) are left out. `haemsa ui` is checked by what it would start, and
`haemsa watch` ends when it would serve.
"""

from __future__ import annotations

import re
import shlex
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest

from haemsa.cluster.report.page.live.serve import PageServer
from haemsa.cluster.tracking import ui as ui_module
from tests.support.cluster.haemsa_command import haemsa
from tests.support.cluster.mlflow_store import mlflow_store
from tests.support.cluster.tiny import data as small
from tests.support.cluster.tiny import stored
from tests.support.places import ROOT
from tests.support.versions import older

pytestmark = pytest.mark.slow

EVALUATIONS, SEEDS = "4", "2"
DROPPED = ("--address", "--gpus-per-worker", "--time", "--workers")
"""Options that need another machine, or much time."""
QUICK = "quick.yaml"
"""Settings of every search here: networks that train in a blink."""


@dataclass(frozen=True)
class Step:
    """A command of the README, or a block of Python."""

    arguments: tuple[str, ...] = ()
    output: str | None = None
    python: str | None = None


def steps(text: str) -> list[Step]:
    """What a reader who pastes every block would run."""
    found = []
    for language, body in re.findall(r"^```(bash|python)\n(.*?)^```", text, re.MULTILINE | re.DOTALL):
        if language == "python":
            found.append(Step(python=body))
            continue
        for line in body.replace("\\\n", " ").splitlines():
            words = shlex.split(line.removeprefix("$ "), comments=True)
            if words and words[0].rpartition("/")[2] == "haemsa":
                found.append(command(words[1:]))
    return found


def command(words: list[str]) -> Step:
    """A command's arguments, and where `>` sends its output."""
    if ">" in words:
        place = words.index(">")
        return Step(tuple(words[:place]), words[place + 1])
    return Step(tuple(words))


def reduced(arguments: tuple[str, ...]) -> list[str]:
    """The same command, but quick: few evaluations, two seeds, this machine."""
    words = list(arguments)
    for option in DROPPED:
        if option in words:
            place = words.index(option)
            del words[place : place + 2]
    if words[0] == "search" and not {"--resume", "--help"} & set(words):
        # a search and a tuning are enough on Ray: what is inline starts at once, compare and ablate as their search
        place = ["--workers", "2"] if "runs/planted" in words else ["--backend", "inline"]
        words = [*replaced(words, "--evaluations", EVALUATIONS), *place, "--confirm", "1", "--config", QUICK]
    if words[0] in ("compare", "ablate", "tune"):
        words = replaced(words, "--trials", SEEDS)
    if words[0] == "train":
        words = [*words, "--backend", "inline"]
    if words[0] == "tune":
        words = [*words, "--workers", "1"]
    return replaced(words, "--seeds", SEEDS) if words[0] in ("train", "compare", "ablate") else words


def replaced(words: list[str], option: str, value: str) -> list[str]:
    """`words` with the option at this value, whether it was there or not."""
    if option not in words:
        return [*words, option, value]
    place = words.index(option)
    return [*words[: place + 1], value, *words[place + 2 :]]


def provide(words: list[str]) -> None:
    """Make small data where a command names a store that the README leaves to its reader."""
    for word in words:
        path = Path(word)
        if path.suffix in (".h5", ".hdf5") and not path.exists():
            path.parent.mkdir(parents=True, exist_ok=True)
            stored(path.parent, path.stem).rename(path)


def go_to(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An empty folder but for the settings. Of the models to compare with, two are left: test_compare.py has all."""
    monkeypatch.chdir(folder)
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    mlflow_store(folder)
    monkeypatch.setattr("haemsa.model.data.builtin.planted.planted", lambda _: small())
    monkeypatch.setattr("haemsa.cluster.comparison.compare.designs", lambda _: ("early_fusion",))
    monkeypatch.setattr("haemsa.cluster.comparison.compare.kinds", lambda *_: ("ridge",))
    Path(QUICK).write_text("space: {epochs: [1, 2]}\ncohort: 4\n", encoding="utf-8")


def test_steps_are_found_in_their_order_without_prompts_comments_and_other_programs() -> None:
    text = "```bash\n$ haemsa search --data a \\\n  --seed 1  # quick\nmake demo\n```\n"
    text += "```python\nx = 1\n```\n    haemsa no\n"
    text += "```bash\n.venv/bin/haemsa config > all.yaml\n```\n"
    assert steps(text) == [
        Step(("search", "--data", "a", "--seed", "1")),
        Step(python="x = 1\n"),
        Step(("config",), "all.yaml"),
    ]


def test_commands_are_cut_short_whatever_their_numbers() -> None:
    assert reduced(("search", "--data", "a", "--evaluations", "96", "--address", "h:1")) == [
        "search", "--data", "a", "--evaluations", EVALUATIONS, "--backend", "inline", "--confirm", "1",
        "--config", QUICK,
    ]  # fmt: skip
    assert reduced(("train", "runs/a", "--seeds", "5")) == ["train", "runs/a", "--seeds", "2", "--backend", "inline"]
    assert reduced(("search", "--resume", "runs/a")) == ["search", "--resume", "runs/a"]


@pytest.mark.ray
def test_every_command_of_the_readme_runs(ray_cluster: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    served: list[list[str]] = []

    class Server:
        def __init__(self, words: list[str], **_: object) -> None:
            served.append(words)

        def wait(self) -> int:
            return 0

    go_to(tmp_path, monkeypatch)
    found = steps((ROOT / "README.md").read_text(encoding="utf-8"))
    names = [step.arguments[0] for step in found if step.arguments]
    assert {"search", "train"} <= set(names)
    for step in found:
        if step.python is not None:
            exec(compile(step.python, "README.md", "exec"), {"__name__": "readme"})
            continue
        words = reduced(step.arguments)
        if words[0] == "export" and "--to" in words and older("torch", "2.13"):
            continue  # it says that this torch cannot
        provide(words)
        with monkeypatch.context() as patch:
            if words[0] == "ui":
                patch.setattr(ui_module.subprocess, "Popen", Server)
                words = [*words, "--port", "5987"]
            if words[0] == "watch":
                patch.setattr(PageServer, "serve_forever", lambda _: None)
                words = [*words, "--port", "0"]
            ran = haemsa(*words)
        assert ran.status == 0, f"haemsa {shlex.join(words)}\n{ran.err}"
        if step.output is not None:
            Path(step.output).write_text(ran.out, encoding="utf-8")
    assert len(served) == names.count("ui")
    assert all(words[1:4] == ["-m", "mlflow", "ui"] for words in served)


@pytest.mark.ray
def test_the_commands_of_make_demo_run(ray_cluster: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    recipe = subprocess.run(["make", "-n", "demo"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    go_to(tmp_path, monkeypatch)
    found = steps(f"```bash\n{recipe}```\n")
    assert [step.arguments[0] for step in found] == ["search", "train"]
    for step in found:
        ran = haemsa(*reduced(step.arguments))
        assert ran.status == 0, ran.err
    assert "the best that is possible" in ran.out
