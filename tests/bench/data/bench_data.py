"""Data larger than memory: a generated set of the size of MOSEI unaligned is imported, read, searched and trained.

    python -m tests.bench.data.bench_data [--samples N] [--folder DIR] [--quick] [--reading]

Each command, with its workers, may use 4 GiB of its own memory (RLIMIT_DATA). Measured are wall time, size on disk,
and the largest use of memory: its own, and with pages of files, which the system takes back when it needs them.
Samples read per second are compared with torch's DataLoader (reading.py). `--reading` imports, and measures only this.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

from tests.bench.data.large import make_large
from tests.bench.data.reading import compare_reading, told
from tests.bench.shared.machine import write_result
from tests.support.places import ROOT

GIB: Final = 2**30
LIMIT: Final = 4
LIMITED: Final = """\
import resource
resource.setrlimit(resource.RLIMIT_DATA, ({bytes}, {bytes}))
from haemsa.cluster.commands.main import main
main()
"""
CONFIG: Final = """\
evaluations: 6
population: 4
workers: 2
cohort: 2
validation: holdout:1
confirm: 1
tracking: "off"
objectives: [mae, params]
memory_per_worker: {limit}
stream: true
space: {{epochs: [1, 2], widths: [16], expert_widths: [16], max_levels: 1, max_experts: 2, max_depth: 1}}
"""


@dataclass(frozen=True)
class Used:
    """What a command took: seconds, and the most memory of its own and in all, of any of its processes, in GiB."""

    seconds: float
    own: float
    all: float


def run(*command: str) -> Used:
    """Run `haemsa` with the limit on it; raises CalledProcessError if it fails."""
    start, own, everything = time.perf_counter(), 0.0, 0.0
    call = [sys.executable, "-c", LIMITED.format(bytes=LIMIT * GIB), *command]
    with subprocess.Popen(call, cwd=ROOT, stdout=subprocess.DEVNULL) as process:
        while process.poll() is None:
            for status in _statuses(process.pid):
                own = max(own, status.get("RssAnon", 0) + status.get("RssShmem", 0))
                everything = max(everything, status.get("VmRSS", 0))
            time.sleep(0.1)
    if process.returncode:
        raise subprocess.CalledProcessError(process.returncode, command)
    return Used(time.perf_counter() - start, own / GIB, everything / GIB)


def _statuses(root: int) -> Iterator[dict[str, int]]:
    """Memory in bytes of a process and its descendants."""
    found, parents = {}, {}
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            lines = (folder / "status").read_text().splitlines()
        except OSError:  # it ended
            continue
        fields = {key: value.split() for key, _, value in (line.partition(":") for line in lines)}
        parents[int(folder.name)] = int(fields["PPid"][0])
        found[int(folder.name)] = {
            key: int(fields[key][0]) * 1024 for key in ("RssAnon", "RssShmem", "VmRSS") if key in fields
        }
    for pid, status in found.items():
        place = pid
        while place not in (0, root):
            place = parents.get(place, 0)
        if place == root:
            yield status


def measure(folder: Path, samples: int, names: Sequence[str]) -> dict[str, Any]:
    """The commands of these names, and reading, in a folder."""
    start = time.perf_counter()
    description = make_large(folder, samples)
    print(f"made in {time.perf_counter() - start:.0f} s (not measured further)", flush=True)
    store, run_folder, config = folder / "made.h5", folder / "run", folder / "search.yaml"
    config.write_text(CONFIG.format(limit=LIMIT), encoding="utf-8")
    steps = {
        "import": ("data", "import", str(description), "--out", str(store), "--half"),
        "search": ("search", "--data", str(store), "--config", str(config), "--run", str(run_folder)),
        "train": ("train", str(run_folder), "--data", str(store), "--seeds", "1", "--out", str(folder / "model")),
    }
    used = {}
    for name in names:
        used[name] = run(*steps[name])
        found = used[name]
        print(
            f"{name:7s} {found.seconds:7.0f} s  {found.own:5.2f} GiB own  {found.all:5.2f} GiB with files", flush=True
        )
    source, stored = ((folder / name).stat().st_size / GIB for name in ("made.npz", "made.h5"))
    print(f"on disk: {source:.2f} GiB as .npz, {stored:.2f} GiB as a store")
    readings = compare_reading(folder, samples)
    for case, rounds in readings.items():
        print(told(case, rounds))
    return {
        "samples": samples,
        "used": {name: asdict(value) for name, value in used.items()},
        "npz_gib": source,
        "store_gib": stored,
        "reading": {case: [asdict(item) for item in rounds] for case, rounds in readings.items()},
    }


def main() -> None:
    """Measure, print and write the figures; the folder is removed at the end."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--samples", type=int, default=23_000)
    parser.add_argument("--folder", type=Path, default=None, help="where 16 GB fit; default: the system's own")
    parser.add_argument("--quick", action="store_true", help="a tenth of the samples")
    parser.add_argument("--reading", action="store_true", help="neither search nor train")
    given = parser.parse_args()
    folder = Path(tempfile.mkdtemp(dir=given.folder))
    os.environ["TMPDIR"] = str(folder)
    try:
        names = ("import",) if given.reading else ("import", "search", "train")
        result = measure(folder, given.samples // 10 if given.quick else given.samples, names)
        print(f"written to {write_result('data', result).relative_to(ROOT)}")
    finally:
        shutil.rmtree(folder)


if __name__ == "__main__":
    main()
