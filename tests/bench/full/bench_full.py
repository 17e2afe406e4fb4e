"""Everything that takes hours: searches of haemsa and of peers on real data, with several seeds, piece by piece.

    python -m tests.bench.full.bench_full [--only PREFIX] [--minutes M] [--picture]

Each finished piece is in bench-results/full.json with its commit, date and machine, and is not run again. A search
that was cut off starts anew. The tables at the end show the pieces that are there. Pieces:

- `ours/DATA/VARIANT/SEED`: a search of `SECONDS` seconds, its fronts over time trained again from scratch
- `peer/NAME/SEED`: a peer's search on MOSI, its trace
- `quality/DATA`: the best of a search next to the usual models; this piece and the next three read test splits
- `longer/DATA`: the same, with a search of the default length; the other models are as they were
- `ablation/DATA`: the same search without hierarchy, evolution, transfer or multi-task learning
- `missing/DATA`: errors with modalities missing at test, next to networks trained only on those that remain
- `missing-longer/DATA`: the same for one genome for all, found by a search of the default length
- `rescored/SEED`: all fronts of that seed on MOSI over time, rescored by one plain trainer; done again after new peers
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Any, Final

from haemsa.cluster.config import DEFAULT_EVALUATIONS
from tests.bench.evolution.traces import read
from tests.bench.full import missing, quality
from tests.bench.full.full_figure import draw
from tests.bench.full.full_report import report
from tests.bench.full.ours import VARIANTS, confirm_all, curves, run_ours
from tests.bench.full.peers import PEERS
from tests.bench.full.rescore import MOSI_REFERENCE, Rescorer, compare, front, times
from tests.bench.networks.idiomatic_training import PLAIN
from tests.bench.shared.machine import RESULTS, machine
from tests.bench.shared.setting import PROCESSES, REAL_DATA, Setting
from tests.support.places import ROOT

SECONDS: Final = 120.0
PEER_SECONDS: Final = 600.0
SCORE: Final = "folds:5"
SEEDS, PEER_SEEDS = range(5), range(3)
REFERENCES: Final = {"planted": (1.3, 6.0), "mosi": MOSI_REFERENCE, "mosei922": (0.56, 6.0)}
"""The error of a constant, and a million parameters."""
MAIN: Final = ("haemsa", "random", "no-inheritance")
PARTS: Final = ("no-rungs", "generational", "cohorts-of-one")
FIRST: Final = ("optuna_nsga2", "ray_tune_optuna")
FURTHER: Final = ("optuna_tpe", "deap_mu_plus_lambda")
WORK: Final = RESULTS / "full"
Piece = tuple[str, Callable[[], Any]]


def data_path(name: str) -> str | None:
    """The path of a data set, as `haemsa search --data` takes it. None if it is missing."""
    if name == "planted":
        return name
    if name == "mosi":
        path = REAL_DATA / "mosi" / "mosi.pkl"
        return str(path) if path.exists() else None
    from haemsa.model.data.store.file import write
    from tests.bench.scores.mosei922 import FOLDER
    from tests.bench.scores.mosei922 import read as read_mosei922

    if not FOLDER.exists():
        return None
    path = WORK / "mosei922.h5"
    if not path.exists():
        write(read_mosei922(), path)
    return str(path)


def pieces() -> Iterator[Piece]:
    """All of them, those first that say most."""
    for seed in PEER_SEEDS:
        yield f"peer/haemsa/{seed}", partial(own_trace, seed)
        yield from _beside(FIRST, seed, "rescored")
    for seed in SEEDS:
        for name in ("mosi", "mosei922", "planted"):
            for variant in MAIN:
                yield f"ours/{name}/{variant}/{seed}", partial(ours, name, variant, seed)
    for seed in PEER_SEEDS:
        for variant in PARTS:
            yield f"ours/mosi/{variant}/{seed}", partial(ours, "mosi", variant, seed)
    for name in quality.SEEDS:
        yield f"quality/{name}", partial(quality.quality, name, WORK)
    for name in quality.LONGER:
        yield f"longer/{name}", partial(quality.quality, name, WORK, DEFAULT_EVALUATIONS)
    for name in quality.ABLATED:
        yield f"ablation/{name}", partial(quality.ablation, name, WORK)
    for name in missing.SETS:
        yield f"missing/{name}", partial(missing.missing, name, WORK)
    for name in missing.LONGER:
        yield f"missing-longer/{name}", partial(missing.longer, name, WORK)
    for seed in PEER_SEEDS:
        yield from _beside(FURTHER, seed, "rescored-again")


def _beside(peers: Sequence[str], seed: int, kind: str) -> Iterator[Piece]:
    for name in peers:
        yield f"peer/{name}/{seed}", partial(peer, name, seed)
    yield f"{kind}/{seed}", partial(rescored, seed)


def ours(name: str, variant: str, seed: int) -> dict[str, Any] | None:
    """A search of haemsa and its confirmed curves. None if the data is missing."""
    data = data_path(name)
    if data is None:
        return None
    evaluations = read(run_ours(data, variant, SECONDS, seed, WORK / f"{name}-{variant}-{seed}"))
    objectives = (next(key for key in evaluations[0].scores if key.endswith("mae")), "params")
    at = times(SECONDS, 12)
    shown = {item.genome.key: item.genome for t in at for item in front(evaluations, objectives, t)}
    scores = confirm_all(data, seed, shown.values())
    best, volumes = curves(evaluations, scores, objectives, at, REFERENCES[name])
    counted = len({item.genome.key for item in evaluations})
    epochs = sum(item.info["rung"] >= 0 for item in evaluations)
    return {"evaluations": counted, "outcomes": epochs, "best": best, "hypervolume": volumes, "confirmed": scores}


def peer(name: str, seed: int) -> dict[str, Any] | None:
    """A peer's search on MOSI. Its trace stays next to the results."""
    data = data_path("mosi")
    if data is None:
        return None
    trace = WORK / f"{name}-{seed}.jsonl"
    trace.unlink(missing_ok=True)
    PEERS[name](Setting(data, PEER_SECONDS, seed, SCORE), trace)
    return {"evaluations": len(read(trace)), "trace": trace.name}


def own_trace(seed: int) -> dict[str, Any] | None:
    """Our search on MOSI for half the peers' time, of genomes that the plain trainer knows."""
    data = data_path("mosi")
    if data is None:
        return None
    trace = run_ours(data, "haemsa", PEER_SECONDS / 2, seed, WORK / f"haemsa-{seed}", PLAIN)
    return {"evaluations": len({item.genome.key for item in read(trace)}), "trace": trace.name}


def rescored(seed: int) -> dict[str, Any] | None:
    """Hypervolume over time of all traces of a seed, by one plain trainer on the same folds."""
    paths = {name: WORK / f"{name}-{seed}.jsonl" for name in ("haemsa", *FIRST, *FURTHER)}
    paths = {name: path for name, path in paths.items() if path.exists()}
    data = data_path("mosi")
    if data is None or "haemsa" not in paths:
        return None
    setting = Setting(data, PEER_SECONDS, seed, SCORE)
    rescorer = Rescorer(setting, WORK / f"rescored-{seed}.json", processes=PROCESSES)
    at = sorted([*times(PEER_SECONDS, 24), PEER_SECONDS / 2])
    return {"at": at, "hypervolume": compare(paths, rescorer, at, MOSI_REFERENCE)}


def main() -> None:
    """Run what is missing, in order, and print what there is."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", default="", help="pieces whose name begins so")
    parser.add_argument("--minutes", type=float, default=float("inf"), help="begin no piece after so long")
    parser.add_argument("--picture", action="store_true", help="draw docs/evolution.png too")
    given = parser.parse_args()
    path, begun = RESULTS / "full.json", time.monotonic()
    WORK.mkdir(parents=True, exist_ok=True)
    found: dict[str, Any] = json.loads(path.read_text()) if path.exists() else {}
    for name, work in pieces():
        if name in found or not name.startswith(given.only) or time.monotonic() - begun > 60 * given.minutes:
            continue
        print(f"{time.strftime('%H:%M:%S')} {name}", flush=True)
        start = time.monotonic()
        result = work()
        if result is not None:
            found[name] = {"machine": machine(), "seconds": time.monotonic() - start, "result": result}
            temporary = path.with_suffix(".tmp")
            temporary.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
            temporary.replace(path)
    report(found)
    if given.picture:
        draw(found, ROOT / "docs" / "evolution.png")


if __name__ == "__main__":
    assert set(MAIN + PARTS) == set(VARIANTS)
    main()
