"""A search on a Ray cluster of three nodes on loopback. One of them is killed, and another joins.

    python -m tests.torture.nodes

Prints what the search says of it. Exit status 1 if it does not end with all of its evaluations.
"""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from haemsa.cluster.run_directory.run_directory import RunDirectory
from tests.support.apart import apart
from tests.support.places import ROOT
from tests.torture.world import World, settings, wait


def main() -> None:
    with apart(), tempfile.TemporaryDirectory() as folder:
        world = World(Path(folder), driver="from haemsa.cluster.commands.main import main; main()")
        os.environ["PYTHONPATH"] = str(ROOT)  # for the workers
        world.start_cluster(others=2)
        try:
            (world.folder / "search.yaml").write_text(settings(world, "off").to_yaml())
            world.start_search()
            world.await_more()
            world.nodes.remove_node(world.others.pop(), allow_graceful=False)
            wait(lambda: "has left with its node" in world.log, "the loss of the node to be noticed")
            wait(lambda: "3 workers" in world.log, "the search to do with three workers")
            world.add_node()
            wait(lambda: world.log.rstrip().rpartition("workers")[0].endswith("4 "), "the new node to be used")
            assert world.search is not None
            status = world.search.wait(600)
        finally:
            world.stop()
        about = ("workers", "run again", "has left")
        told = [line for line in world.log.splitlines() if any(word in line for word in about)]
        with RunDirectory.open(world.run, read_only=True) as run:
            ended = [row.id for row in run.journal.rows() if row.status == "done"]
    print(*told, sep="\n")
    print(f"ended with status {status}, {len(ended)} of {world.evaluations} evaluations done")
    raise SystemExit(status != 0 or ended != list(range(world.evaluations)))


if __name__ == "__main__":
    main()
