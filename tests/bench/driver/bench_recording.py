"""What recording in MLflow costs: the driver's time in calls of the tracker, and a search's wall time with and without.

    python -m tests.bench.driver.bench_recording [--quick]

Simulated: the real driver on 64 workers in real time. Their evaluations take a second each (log-normal, sigma 1), and
the store is a new SQLite file. Blocked: milliseconds per evaluation in calls of the tracker and in making its tables,
by the wall clock and of the driver's thread. The first call and the wait at the end are counted separately. Real: the
command on planted data with two workers, each search in its own process, in turn with and without MLflow. Results go
to bench-results/recording.json.
"""

from __future__ import annotations

import argparse
import logging
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final, Literal

from haemsa.cluster.run_directory.networks import network_rows
from haemsa.cluster.search.driver import Driver
from haemsa.cluster.tracking.mlflow_sink import MlflowSink
from haemsa.cluster.tracking.outbox import Outbox
from haemsa.cluster.tracking.records import SearchEnded, SearchStarted
from haemsa.cluster.tracking.tracker import BufferedTracker, NullTracker, Tracker
from haemsa.cluster.workers.evaluator import Finished
from haemsa.evo.rungs import single
from tests.bench.driver.simulated import SimulatedCluster
from tests.bench.driver.simulation import Setting, driving
from tests.bench.evolution import synthetic
from tests.bench.shared.machine import write_result
from tests.support.places import ROOT

WORKERS: Final = 64
Tracking = Literal["off", "on"]
COMMAND: Final = "import sys; from haemsa.cluster.commands.main import main; sys.argv[0] = 'haemsa'; main()"


class Paced(SimulatedCluster):
    """Simulated workers in real time: the driver waits for them."""

    def collect(self, timeout: float | None = None) -> list[Finished]:
        found = super().collect(timeout)
        time.sleep(max(0.0, self.time - (time.perf_counter() - self.began)))
        return found

    def __post_init__(self) -> None:
        super().__post_init__()
        self.began = time.perf_counter()


@dataclass
class Spent:
    """Seconds by the wall, and of this thread's processor time."""

    wall: float = 0.0
    cpu: float = 0.0

    @contextmanager
    def counting(self) -> Iterator[None]:
        """Add what is done inside."""
        wall, cpu = time.perf_counter(), time.thread_time()
        yield
        self.wall += time.perf_counter() - wall
        self.cpu += time.thread_time() - cpu

    def timed(self, call: Callable[..., Any]) -> Callable[..., Any]:
        """`call`, counted."""

        def counted(*given: Any, **named: Any) -> Any:
            with self.counting():
                return call(*given, **named)

        return counted


def simulated(evaluations: int, tracking: Tracking, folder: Path) -> dict[str, Any]:
    """One search in real time; its wall time from the tracker's first call to its last."""
    setting = Setting(WORKERS, evaluations, population=32, cohort=1, seconds=1.0)
    cluster = Paced(WORKERS, synthetic.scores, seconds=setting.seconds)
    blocked, first, last = Spent(), Spent(), Spent()
    with driving(setting.config(single()), single(), cluster) as search:
        follow = recorder(search, folder) if tracking == "on" else None
        start = time.perf_counter()
        with first.counting():
            (follow or NullTracker()).started(begun(search))
        if follow:
            count(search, follow, blocked)
        cluster.began = time.perf_counter()
        search.run()
        with last.counting():
            waiting, _ = end(search, follow or NullTracker())
        wall = time.perf_counter() - start
    found = {"tracking": tracking, "evaluations": evaluations, "wall_seconds": wall, "left_waiting": waiting}
    parts = {"first_call_seconds": asdict(first), "end_seconds": asdict(last)}
    unit = 1e3 / evaluations
    return {**found, **parts, "blocked_ms": {"wall": unit * blocked.wall, "cpu": unit * blocked.cpu}}


def recorder(search: Driver, folder: Path) -> BufferedTracker:
    """The tracker of a search, without the pictures at its end: they need a search of real data."""
    uri = f"sqlite:///{folder}/mlflow.db"
    return BufferedTracker(Outbox.of(search.run_directory.path), lambda started: MlflowSink(uri, started))


def begun(search: Driver) -> SearchStarted:
    return SearchStarted("bench", "bench", "0", search.config.model_dump(), synthetic.OBJECTIVES, id="bench")


def end(search: Driver, follow: Tracker) -> tuple[int, str | None]:
    front, survivors = search.evolution.front(), search.evolution.population
    ids = ([item.id for item in front], [item.id for item in survivors])
    networks = network_rows(search.run_directory.journal.rows([*ids[0], *ids[1]]), *ids)
    follow.ended(SearchEnded({}, networks=networks, at=time.time()))
    return follow.close()


def count(search: Driver, follow: Tracker, blocked: Spent) -> None:
    """Count the time of each generation's record: its tables, and the call of the tracker."""
    search._tables.rows = blocked.timed(search._tables.rows)  # type: ignore[method-assign]
    follow.generation = blocked.timed(follow.generation)  # type: ignore[method-assign]
    search.tracker = follow


def real(evaluations: int, tracking: Tracking) -> float:
    """Seconds that the command takes."""
    with tempfile.TemporaryDirectory() as folder:
        store = f"sqlite:///{folder}/mlflow.db" if tracking == "on" else "off"
        options = ["--data", "planted", "--evaluations", str(evaluations), "--workers", "2", "--cohort", "16"]
        options += ["--validation", "folds:5", "--mode", "generational"]  # the same work whatever the timing
        options += ["--run", f"{folder}/run", "--tracking", store]
        environment = {**os.environ, "PYTHONPATH": str(ROOT)}
        command = [sys.executable, "-c", COMMAND, "search", *options]
        start = time.perf_counter()
        subprocess.run(command, check=True, cwd=folder, env=environment, capture_output=True)
        return time.perf_counter() - start


def measure(quick: bool) -> dict[str, Any]:
    """Both parts, printed as they end."""
    evaluations, searched, repetitions = (1000, 24, 1) if quick else (10_000, 48, 2)
    times: dict[Tracking, list[float]] = {"off": [], "on": []}
    lines = []
    for tracking in times:
        with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:  # a tracker that is late writes on
            lines.append(simulated(evaluations, tracking, Path(folder)))
        print(row(lines[-1]), flush=True)
    off, on = (line["wall_seconds"] for line in lines)
    print(f"{'':<12} recording took {100 * (on / off - 1):.1f} % of {off:.0f} s", flush=True)
    for _ in range(repetitions):
        for tracking, found in times.items():
            found.append(real(searched, tracking))
            print(f"real search  {found[-1]:.1f} s, tracking {tracking}", flush=True)
    off, on = (statistics.median(found) for found in times.values())
    print(f"{'':<12} recording took {100 * (on / off - 1):.1f} % of {off:.0f} s", flush=True)
    return {"workers": WORKERS, "simulated": lines, "real": {"evaluations": searched, "seconds": times}}


def row(line: dict[str, Any]) -> str:
    """A line of the table."""
    blocked, first, last = line["blocked_ms"], line["first_call_seconds"], line["end_seconds"]
    head = f"{'tracking ' + line['tracking']:<12} {line['evaluations']} evaluations in {line['wall_seconds']:.1f} s"
    each = f"blocked {blocked['wall']:.3f} ms each by the wall, {blocked['cpu']:.3f} of the thread"
    ends = f"first call {first['wall']:.1f} s, end {last['wall']:.1f} s, {line['left_waiting']} records left"
    return f"{head}; {each}; {ends}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="a tenth of the evaluations, one repetition")
    arguments = parser.parse_args()
    logging.disable(logging.WARNING)
    print(f"written to {write_result('recording', measure(arguments.quick)).relative_to(ROOT)}")


if __name__ == "__main__":
    main()
