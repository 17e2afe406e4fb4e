"""haemsa.sbatch, run by a pretended Slurm whose nodes are addresses of loopback: with a pretended Ray, and for real."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml

from haemsa.cluster.run_directory.run_directory import RunDirectory
from tests.support.cluster.tiny import SPACE
from tests.support.places import ROOT

pytestmark = pytest.mark.slow

DEPLOY = ROOT / "cluster" / "deploy"

SRUN = """#!/bin/bash
while [[ $1 == --* ]]; do shift; done
exec "$@"
"""
SCONTROL = """#!/bin/bash
case $1 in
    show) tr , '\\n' <<<"$3" ;;
    requeue) echo "$2" >>"$TMPDIR/requeued" ;;
esac
"""
RAY = """#!{python}
import os, signal, socket, sys
from pathlib import Path
options = dict(word.removeprefix("--").split("=") for word in sys.argv[2:] if "=" in word)
with (Path(os.environ["TMPDIR"]) / "started").open("a") as file:
    print(options["node-ip-address"], options["num-cpus"], options.get("address", "head"), os.getpid(), file=file)
if "--head" in sys.argv:
    door = socket.create_server((options["node-ip-address"], int(options["port"])))
signal.pause()
"""
PYTHON = """#!{python}
import os, signal, sys
from pathlib import Path
if sys.argv[1:4] != ["-m", "haemsa", "search"]:
    os.execv("{python}", ["{python}", *sys.argv[1:]])
folder, words = Path(os.environ["TMPDIR"]), sys.argv[4:]
(folder / "search").write_text(" ".join([os.environ["RAY_ADDRESS"], *words]))
signal.signal(signal.SIGTERM, lambda *_: sys.exit(130))
if words[0] == "--run":
    sys.path.insert(0, "{root}")
    from haemsa.cluster.config import SearchConfig
    from haemsa.cluster.run_directory.run_directory import RunDirectory
    RunDirectory.create(Path(words[1]), SearchConfig.of({{"data": "planted"}}), {{}}).close()
    (folder / "begun").touch()
    signal.pause()
sys.exit(3)
"""


@dataclass
class Slurm:
    """Two nodes, and a job on them."""

    folder: Path
    number: int

    @property
    def keep(self) -> Path:
        return self.folder / "keep"

    @property
    def work(self) -> Path:
        return self.folder / f"haemsa-{self.number}" / "run"

    @property
    def address(self) -> str:
        return f"127.0.0.2:{20000 + self.number % 10000}"

    def submit(self, *options: str) -> subprocess.Popen[str]:
        """The script as Slurm would run it: a copy of it, from elsewhere, with what Slurm puts into its environment."""
        script = shutil.copy(DEPLOY / "haemsa.sbatch", self.folder / "slurm_script")
        path = os.pathsep.join([str(self.folder / "bin"), str(Path(sys.executable).parent), os.environ["PATH"]])
        given = {
            "SLURM_JOB_ID": str(self.number), "SLURM_JOB_NODELIST": "127.0.0.2,127.0.0.3", "SLURM_CPUS_ON_NODE": "1",
            "SLURM_SUBMIT_DIR": str(ROOT), "TMPDIR": str(self.folder), "PATH": path, "PYTHONPATH": str(ROOT),
        }  # fmt: skip
        kept = {key: value for key, value in os.environ.items() if not key.startswith(("RAY_", "SLURM_", "MLFLOW_"))}
        return subprocess.Popen(
            ["bash", script, str(self.keep), *options], cwd=self.folder, env={**kept, **given}, text=True,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        )  # fmt: skip

    def requeued(self) -> list[str]:
        path = self.folder / "requeued"
        return path.read_text().split() if path.exists() else []


def command(path: Path, text: str) -> None:
    path.parent.mkdir(exist_ok=True)
    path.write_text(text)
    path.chmod(0o755)


@pytest.fixture
def slurm(tmp_path: Path) -> Slurm:
    command(tmp_path / "bin" / "srun", SRUN)
    command(tmp_path / "bin" / "scontrol", SCONTROL)
    return Slurm(tmp_path, os.getpid())


@pytest.fixture
def pretended(slurm: Slurm) -> Slurm:
    """The same, with a Ray that only listens, and a search that goes on until it is ended."""
    for name, text in (("ray", RAY), ("python", PYTHON)):
        command(slurm.folder / "bin" / name, text.format(python=sys.executable, root=ROOT))
    return slurm


def end(job: subprocess.Popen[str], number: int) -> str:
    """Send the signal once the search has begun; what the job printed."""
    folder = Path(str(job.args[1])).parent  # type: ignore[index]
    while not (folder / "begun").exists():
        assert job.poll() is None, job.communicate()[0]
        time.sleep(0.05)
    (folder / "begun").unlink()
    job.send_signal(number)
    return job.communicate(timeout=120)[0]


def test_a_search_whose_time_is_up_ends_cleanly_is_queued_again_and_goes_on(pretended: Slurm) -> None:
    first = pretended.submit("--data", "mine.h5")
    said = end(first, signal.SIGUSR1)
    assert first.returncode == 0, said
    search = (pretended.folder / "search").read_text()
    assert search == f"{pretended.address} --run {pretended.work} --data mine.h5 --tracking off"
    assert pretended.requeued() == [str(pretended.number)]
    assert sorted(path.name for path in pretended.keep.iterdir()) == ["config.yaml", "journal.sqlite", "manifest.json"]
    again = pretended.submit("--data", "mine.h5")
    again.communicate(timeout=120)
    assert again.returncode == 3  # as the pretended search ended
    assert (pretended.folder / "search").read_text() == f"{pretended.address} --resume {pretended.work}"
    assert pretended.requeued() == [str(pretended.number)]


def test_a_job_that_is_cancelled_ends_its_search_and_leaves_nothing_running(pretended: Slurm) -> None:
    job = pretended.submit("--data", "mine.h5")
    said = end(job, signal.SIGTERM)
    assert job.returncode == 0, said
    assert pretended.requeued() == []
    assert (pretended.keep / "journal.sqlite").exists()
    assert not pretended.work.parent.exists()
    nodes = [line.split() for line in (pretended.folder / "started").read_text().splitlines()]
    assert [(node, cpus, address) for node, cpus, address, _ in nodes] == [
        ("127.0.0.2", "1", "head"), ("127.0.0.3", "1", pretended.address)
    ]  # fmt: skip
    assert not any(Path(f"/proc/{process}").exists() for *_, process in nodes)


def test_it_says_where_it_must_be_submitted_from(pretended: Slurm, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HAEMSA_DEPLOY", "/nowhere")
    job = pretended.submit()
    assert "no /nowhere/search.sh: submit from the repository, or set HAEMSA_DEPLOY" in job.communicate()[0]
    assert job.returncode == 2


def test_two_nodes_search_for_real_and_the_run_is_kept(slurm: Slurm) -> None:
    config = {
        "data": "planted", "space": SPACE, "evaluations": 12, "population": 4, "cohort": 2, "validation": "holdout",
        "rungs": False, "confirm": 0, "address_timeout": 120.0,
    }  # fmt: skip
    (slurm.folder / "search.yaml").write_text(yaml.safe_dump(config))
    job = slurm.submit("--config", str(slurm.folder / "search.yaml"))
    said = job.communicate(timeout=300)[0]
    assert job.returncode == 0, said
    with RunDirectory.open(slurm.keep, read_only=True) as run:
        rows = list(run.journal.rows())
    assert [row.status for row in rows] == ["done"] * 12
    assert len({row.worker for row in rows}) == 2  # one core a node
    assert (slurm.keep / "best" / "genome.json").exists()
    assert not slurm.work.parent.exists()


@pytest.mark.parametrize("name", ["haemsa.sbatch", "search.sh"])
def test_the_shell_finds_nothing_to_mend(name: str) -> None:
    found = shutil.which("shellcheck", path=os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]]))
    if found is None:
        pytest.skip("shellcheck is not installed")
    ran = subprocess.run(
        [found, "--enable=all", "--exclude=SC2154,SC2250,SC2312", str(DEPLOY / name)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 0, ran.stdout
