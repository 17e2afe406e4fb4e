"""Everything that takes hours: searches of haemsa and of peers on real data, with several seeds, piece by piece.

    python -m tests.bench.full.bench_full [--only PREFIX] [--minutes M] [--picture]

Each finished piece is in bench-results/full.json with its commit, date and machine, and is not run again. A search
that was cut off starts anew. The tables at the end show the pieces that are there. Pieces:

- `peer/mosi3/NAME/SEED`: a search of haemsa or of a peer for ten minutes, its trace
- `rescored/mosi3/SEED`: all fronts of that seed over time, rescored by one plain trainer; done again after new peers
- `ours-900/DATA/VARIANT/SEED`: a search of 900 seconds, its fronts over time trained again from scratch. Time only ends
  a search. So what it had after 300 seconds is what a search of 300 seconds finds
- `quality/DATA`: the best of a search next to the usual models; this piece and the next four read test splits
- `longer/DATA`: the same, with a search of the default length; the other models are as they were
- `finetuned/mosi3`: the best of `quality/mosi3` trained with and without `--finetune`, if MPNET names MPNet's folder
- `ablation/DATA`: the same search without hierarchy, evolution, transfer or multi-task learning
- `missing/DATA`: errors with modalities missing at test, next to networks trained only on those that remain
- `missing-longer/DATA`: the same for one genome for all, found by a search of the default length
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from itertools import product
from pathlib import Path
from typing import Any, Final

from haemsa.cluster.config import DEFAULT_EVALUATIONS
from haemsa.cluster.shared.files import write_text
from tests.bench.evolution.traces import read
from tests.bench.full import finetuned, missing, quality
from tests.bench.full.beside import OURS, rescored, searched
from tests.bench.full.full_figure import draw
from tests.bench.full.full_report import EARLY, report
from tests.bench.full.ours import VARIANTS, confirm_all, curves, run_ours
from tests.bench.full.rescore import front, times
from tests.bench.full.sets import REFERENCES, WORK, data_path
from tests.bench.shared.machine import RESULTS, machine
from tests.support.places import ROOT

SECONDS: Final = 900
SEEDS, PEER_SEEDS = range(5), range(3)
SETS: Final = ("mosi3", "mosei922", "planted")
PEER_SET: Final = "mosi3"
FIRST: Final = ("optuna_nsga2", "optuna_tpe", "ray_tune_optuna", "syne_moasha", "syne_evolution")
FURTHER: Final = ("deap_mu_plus_lambda",)
TESTED: Final[tuple[tuple[str, Iterable[str], Callable[[str, Path], Any]], ...]] = (
    ("quality", quality.SEEDS, quality.quality),
    ("longer", quality.LONGER, partial(quality.quality, evaluations=DEFAULT_EVALUATIONS)),
    ("finetuned", finetuned.SETS, finetuned.finetuned),
    ("ablation", quality.ABLATED, quality.ablation),
    ("missing", missing.SETS, missing.missing),
    ("missing-longer", missing.LONGER, missing.longer),
)
"""Pieces that read test splits: their kinds, data sets, and what measures one in a folder."""
Piece = tuple[str, Callable[[], Any]]


def pieces() -> Iterator[Piece]:
    """All of them, those first that say most."""
    for seed in PEER_SEEDS:
        yield from _beside((OURS, *FIRST), seed, "rescored")
    for seed, name, variant in product(SEEDS, SETS, VARIANTS):
        yield f"ours-{SECONDS}/{name}/{variant}/{seed}", partial(ours, name, variant, seed, SECONDS)
    for kind, names, work in TESTED:
        for name in names:
            yield f"{kind}/{name}", partial(work, name, WORK)
    for seed in PEER_SEEDS:
        yield from _beside(FURTHER, seed, "rescored-again")


def _beside(searchers: Sequence[str], seed: int, kind: str) -> Iterator[Piece]:
    for name in searchers:
        yield f"peer/{PEER_SET}/{name}/{seed}", partial(searched, name, PEER_SET, seed)
    yield f"{kind}/{PEER_SET}/{seed}", partial(rescored, (*FIRST, *FURTHER), PEER_SET, seed)


def ours(name: str, variant: str, seed: int, seconds: float, work: Path = WORK) -> dict[str, Any] | None:
    """A search of haemsa and its confirmed curves. None if the data is missing."""
    data = data_path(name, work)
    if data is None:
        return None
    evaluations = read(run_ours(data, variant, seconds, seed, work / f"{name}-{variant}-{seconds:g}s-{seed}"))
    objectives = (next(key for key in evaluations[0].scores if key.endswith("mae")), "params")
    at = sorted({*times(seconds, 8), seconds * EARLY})
    shown = {item.genome.key: item.genome for t in at for item in front(evaluations, objectives, t)}
    scores = confirm_all(data, seed, shown.values())
    best, volumes = curves(evaluations, scores, objectives, at, REFERENCES[name])
    genomes = [(t, len({item.genome.key for item in evaluations if item.seconds <= t})) for t in at]
    return {"genomes": genomes, "best": best, "hypervolume": volumes, "confirmed": scores}


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
            write_text(path, json.dumps(found, indent=1) + "\n")
    report(found)
    if given.picture:
        draw(found, ROOT / "docs" / "evolution.png")


if __name__ == "__main__":
    main()
