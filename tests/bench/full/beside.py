"""Pieces that set haemsa beside its peers: everyone's search for the same seconds, then all fronts rescored alike."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from tests.bench.evolution.traces import read
from tests.bench.full.ours import run_ours
from tests.bench.full.peers import PEERS
from tests.bench.full.rescore import Rescorer, compare, times
from tests.bench.full.sets import REFERENCES, SCORE, WORK, data_path
from tests.bench.networks.idiomatic_training import PLAIN
from tests.bench.shared.setting import PROCESSES, Setting

SECONDS: Final = 600.0
OURS: Final = "haemsa"


def searched(name: str, data: str, seed: int, seconds: float = SECONDS, work: Path = WORK) -> dict[str, Any] | None:
    """A search by haemsa (of genomes that the plain trainer knows) or a peer. Its trace stays in the folder.

    None if the data is missing, or the library of the peer: the extra `peers` brings Syne Tune.
    """
    source = data_path(data, work)
    if source is None:
        return None
    trace = _trace(name, data, seed, work)
    if name == OURS:
        run_ours(source, OURS, seconds, seed, trace.with_suffix(""), PLAIN)
    else:
        trace.unlink(missing_ok=True)
        try:
            PEERS[name](Setting(source, seconds, seed, SCORE), trace)
        except ModuleNotFoundError as error:
            if error.name != "syne_tune":
                raise
            print(f"{name} is skipped: Syne Tune is not installed (extra peers)")
            return None
    genomes = {item.genome.key for item in read(trace)}
    return {"evaluations": len(genomes), "trace": trace.name}


def rescored(
    names: Sequence[str], data: str, seed: int, seconds: float = SECONDS, work: Path = WORK
) -> dict[str, Any] | None:
    """Hypervolume over time of haemsa and of these peers, by one plain trainer on the same folds.

    None if the data or the trace of haemsa is missing.
    """
    source, paths = data_path(data, work), {name: _trace(name, data, seed, work) for name in (OURS, *names)}
    paths = {name: path for name, path in paths.items() if path.exists()}
    if source is None or OURS not in paths:
        return None
    setting = Setting(source, seconds, seed, SCORE)
    rescorer = Rescorer(setting, work / f"rescored-{data}-{seed}.json", processes=PROCESSES)
    at = sorted({*times(seconds, 24), seconds / 2})
    return {"at": at, "hypervolume": compare(paths, rescorer, at, REFERENCES[data])}


def _trace(name: str, data: str, seed: int, work: Path) -> Path:
    return work / f"{data}-{name}-{seed}.jsonl"
