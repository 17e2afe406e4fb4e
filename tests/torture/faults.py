"""Ten faults in one search on a real Ray cluster of two nodes with a real MLflow server, and how the search took each.

    python -m tests.torture.faults [--evaluations N]

Exit status 1 if anything was lost: a candidate that is not in the journal, one that failed but was not to blame, a
generation that is not in MLflow, or weights that were taken from a damaged file.
"""

from __future__ import annotations

import argparse
import os
import resource
import signal
import sqlite3
import tempfile
from collections.abc import Callable, Sequence
from contextlib import closing
from pathlib import Path

from haemsa.cluster.run_directory.run_directory import RunDirectory
from haemsa.cluster.tracking.client import connect
from haemsa.cluster.tracking.outbox import Outbox
from haemsa.cluster.tracking.records import shows
from tests.support.apart import apart
from tests.support.cluster.local_server import free_port
from tests.support.places import ROOT
from tests.torture.faulty import DIVERGES, HANGS, HOARDS
from tests.torture.world import LONGEST, World, settings, tell, wait


def kill_worker(world: World) -> None:
    os.kill(world.worker_processes()[0], signal.SIGKILL)
    wait(lambda: "died and is replaced" in world.log, "the worker's death to be noticed")
    tell("worker SIGKILL", f"replaced, its cohort ran again; {world.await_more()} ended")


def kill_node(world: World) -> None:
    world.nodes.remove_node(world.others.pop(), allow_graceful=False)
    tell("node killed", f"the search goes on with the other node; {world.await_more(12)} ended")


def stop_mlflow(world: World) -> None:
    world.stop_server()
    before = world.await_more(12)
    waiting = len(list((world.run / "outbox").glob("0*.json")))
    world.start_server()
    wait(lambda: len(list((world.run / "outbox").glob("0*.json"))) < max(2, waiting), "records to be sent")
    tell("MLflow stopped", f"{before} ended meanwhile, {waiting} records waited and were sent when it was back")


def lock_mlflow(world: World) -> None:
    with closing(sqlite3.connect(world.folder / "mlflow.db", isolation_level=None, timeout=30)) as database:
        database.execute("BEGIN EXCLUSIVE")
        ended = world.await_more(12)
        database.execute("ROLLBACK")
    tell("MLflow's SQLite locked", f"{ended} ended meanwhile")


def fill_disk(world: World) -> None:
    assert world.search is not None and world.search.stderr is not None
    resource.prlimit(world.search.pid, resource.RLIMIT_FSIZE, (4096, resource.RLIM_INFINITY))
    status = world.search.wait(LONGEST)
    said = next(line for line in world.search.stderr.read().splitlines() if line.startswith("haemsa:"))
    assert "what was recorded is safe, go on with haemsa search --resume" in said, said
    ended = world.ended()
    world.start_search()
    world.await_more()
    tell("disk quota reached", f"status {status}, {said[:70]!r}; resumed from {ended}")


def kill_driver(world: World) -> None:
    assert world.search is not None
    world.search.kill()
    world.search.wait()
    ended = world.ended()
    damaged = sorted((world.run / "states").glob("*.safetensors"), key=lambda path: path.stat().st_mtime)
    for path in damaged:
        path.write_bytes(path.read_bytes()[:-7])
    world.start_search()
    world.await_more(12)
    tell("driver SIGKILL", f"resumed from {ended}")
    noticed = world.log.count("are left out: they are damaged")
    tell("weights damaged", f"{len(damaged)} files cut short, {noticed} noticed when they were needed, none used")


FAULTS = (kill_worker, kill_node, stop_mlflow, lock_mlflow, fill_disk, kill_driver)


def end(world: World) -> list[str]:
    """Let the search end. Returns what was lost."""
    assert world.search is not None
    status = world.search.wait(LONGEST)
    return [f"the search ended with status {status}"] * bool(status) + lost_in(world.run, world.evaluations)


def lost_in(run: Path, evaluations: int) -> list[str]:
    """What was lost of a search with the three bad genomes: candidates, blame, records of generations."""
    with RunDirectory.open(run, read_only=True) as found:
        rows = list(found.journal.rows())
        uri, waiting = found.config().tracking, len(Outbox.of(run).waiting())
    failed = {row.id: row.failure.kind for row in rows if row.failure}
    for fault, number in (
        ("genome that diverges", DIVERGES),
        ("genome that never ends", HANGS),
        ("genome that hoards", HOARDS),
    ):
        tell(fault, f"candidate {number} failed ({failed.get(number)}), its neighbours did not")
    lost = []
    if [row.id for row in rows] != list(range(evaluations)) or any(row.status == "asked" for row in rows):
        lost.append(f"the journal has {len(rows)} candidates, not all ended")
    if failed != {DIVERGES: "nan", HANGS: "timeout", HOARDS: "memory"}:
        lost.append(f"failed are {failed}")
    shown = {number for number in range(1, max(row.generation or 0 for row in rows) + 1) if shows(number)}
    seen = seen_generations(uri)
    if waiting or seen != shown:
        lost.append(f"{waiting} records wait, MLflow lacks generations {sorted(shown - seen)}")
    return lost


def seen_generations(uri: str | None) -> set[int]:
    """The generations that have a run in MLflow, in whose store there is only this search."""
    client = connect(uri)
    experiment = client.get_experiment_by_name("tiny").experiment_id
    runs = client.search_runs([experiment], max_results=1000)
    return {int(run.data.tags["haemsa.generation"]) for run in runs if "haemsa.generation" in run.data.tags}


def faults(folder: Path, evaluations: int, injected: Sequence[Callable[[World], None]]) -> list[str]:
    """A search with all these faults and the three bad genomes. Returns what was lost."""
    world = World(folder, evaluations, port=free_port())
    os.environ["PYTHONPATH"] = str(ROOT)  # for the workers
    world.start_cluster()
    world.start_server()
    try:
        (folder / "search.yaml").write_text(settings(world, f"http://127.0.0.1:{world.port}").to_yaml())
        world.start_search()
        world.await_more()
        for inject in injected:
            inject(world)
        return end(world)
    finally:
        world.stop()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--evaluations", type=int, default=1500)
    given = parser.parse_args()
    with apart(), tempfile.TemporaryDirectory() as folder:
        lost = faults(Path(folder), given.evaluations, FAULTS)
    print("nothing was lost" if not lost else "LOST: " + "; ".join(lost))
    raise SystemExit(bool(lost))


if __name__ == "__main__":
    main()
