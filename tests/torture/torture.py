"""Searches that are killed at random moments and resumed.

    python -m tests.torture.torture [--searches N] [--kills K] [--seed S]

Every search trains real networks in its own process. The process is killed with SIGKILL up to `kills` times.

Generational searches in one process are killed after a random part of the time that the undisturbed search takes. They
must end with its front.csv, byte by byte. Searches on Ray in steady state are killed when a random number of candidates
have ended. They must end with every candidate in the journal exactly once, and with the front of the journal. Exit
status 1 if one does not.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from haemsa.cluster.config import SearchConfig
from haemsa.cluster.run_directory.ranking import final_rows, front_of, full_rung
from haemsa.cluster.run_directory.run_directory import RunDirectory
from tests.support.apart import apart
from tests.support.cluster.tiny import SPACE, stored
from tests.support.places import ROOT
from tests.torture.world import ended

EVALUATIONS = 36
ON_RAY = 5
"""One in so many searches runs on Ray."""
LONGEST = 600.0


@dataclass(frozen=True)
class Case:
    """One search: its configuration on disk, and whether it runs on Ray."""

    folder: Path
    ray: bool

    def command(self, run: Path) -> list[str]:
        """Starts the search in `run`, or resumes it."""
        resumed = (run / "journal.sqlite").exists()
        given = ["--resume", str(run)] if resumed else ["--config", str(self.folder / "search.yaml"), "--run", str(run)]
        return [sys.executable, "-c", "from haemsa.cluster.commands.main import main; main()", "search", *given]


def make_case(folder: Path, seed: int) -> Case:
    """A small search of that seed."""
    folder.mkdir()
    ray = seed % ON_RAY == 0
    given = {"mode": "steady", "backend": "ray", "workers": 2} if ray else {"mode": "generational", "backend": "inline"}
    config = SearchConfig.of(
        {
            "data": str(stored(folder)), "seed": seed, "evaluations": EVALUATIONS, "population": 6, "cohort": 4,
            "validation": "folds:2", "first_epochs": 1, "confirm": 2, "tracking": "off",
            "space": {**SPACE, "epochs": [2, 6]}, **given,
        }
    )  # fmt: skip
    (folder / "search.yaml").write_text(config.to_yaml())
    return Case(folder, ray)


def run_whole(case: Case, run: Path) -> None:
    """Run the search to its end. Raises RuntimeError if it fails."""
    process = subprocess.run(case.command(run), cwd=ROOT, capture_output=True, text=True, timeout=LONGEST, check=False)
    if process.returncode:
        raise RuntimeError(f"{run} ended with status {process.returncode}: {process.stderr[-500:]}")


def run_killed(case: Case, run: Path, kills: int, seconds: float | None, rng: np.random.Generator) -> int:
    """Kill the search up to `kills` times, then let it end. Returns how often it was killed.

    `seconds`: those of the undisturbed search. None: the moments depend on how many candidates have ended.
    """
    killed = 0
    for _ in range(kills):
        process = subprocess.Popen(case.command(run), cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        if seconds is None:
            wanted = rng.integers(EVALUATIONS + 1)
            while process.poll() is None and ended(run) < wanted:
                time.sleep(rng.uniform(0, 0.2))
        else:
            with suppress(subprocess.TimeoutExpired):
                process.wait(rng.uniform(0, 0.95 * seconds))
        if process.poll() is None:
            process.kill()
            process.wait()
            killed += 1
    run_whole(case, run)
    return killed


def problems(case: Case, whole: Path, run: Path) -> list[str]:
    """What is wrong with a search that was killed."""
    with RunDirectory.open(run, read_only=True) as found:
        rows, rung, summary = list(found.journal.rows()), full_rung(found), found.summary() or {}
    wrong = []
    if not case.ray and (run / "front.csv").read_bytes() != (whole / "front.csv").read_bytes():
        wrong.append("front.csv differs")
    if [row.id for row in rows] != list(range(EVALUATIONS)):
        wrong.append(f"the journal has candidates {[row.id for row in rows]}")
    if any(row.status == "asked" for row in rows) or summary.get("evaluations") != EVALUATIONS:
        wrong.append("some candidates did not end")
    confirmed = {row.id for row in rows if row.confirmed}
    front = {row.id for row in front_of(final_rows(rows, rung), {"sentiment/mae": "min", "params": "min"})}
    if not {item["id"] for item in summary.get("front", [])} <= confirmed & front:
        wrong.append("the front is not that of the journal")
    return wrong


def torture(folder: Path, seeds: list[int], kills: int) -> int:
    """Print a line for each search. Returns how many went wrong."""
    failed = 0
    for seed in seeds:
        case, seconds = make_case(folder / str(seed), seed), None
        if not case.ray:
            start = time.monotonic()
            run_whole(case, case.folder / "whole")
            seconds = time.monotonic() - start
        rng = np.random.default_rng(seed)
        killed = run_killed(case, case.folder / "killed", int(rng.integers(1, kills + 1)), seconds, rng)
        wrong = problems(case, case.folder / "whole", case.folder / "killed")
        failed += bool(wrong)
        kind = "ray, steady" if case.ray else "inline, generational"
        print(f"search {seed:3} ({kind}): killed {killed} times, {', '.join(wrong) or 'well'}", flush=True)
    return failed


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--searches", type=int, default=50)
    parser.add_argument("--kills", type=int, default=5, help="at most, per search")
    parser.add_argument("--seed", type=int, default=0, help="of the first search")
    given = parser.parse_args()
    with apart(), tempfile.TemporaryDirectory() as folder:
        seeds = list(range(given.seed, given.seed + given.searches))
        failed = torture(Path(folder), seeds, given.kills)
    print(json.dumps({"searches": given.searches, "failed": failed}))
    raise SystemExit(bool(failed))


if __name__ == "__main__":
    main()
