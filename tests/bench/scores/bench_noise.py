"""How far scores of genomes can be trusted: how well each predicts fresh networks on the test split.

    python -m tests.bench.scores.bench_noise [--quick] [--data mosi mosei922 planted] [--folder PATH] [--seconds 600]

A pool of genomes, as a search meets them, is scored by one run on the validation split, by two and five seeds on it,
and by five grouped folds. Each score is taken with late weights averaged, with the weights of the last epoch, and at
the epoch that was best on the samples that score. Fresh test runs are five other networks of a genome, trained on the
training split with batches in another order. Scores are kept in bench-results/noise-DATA.json, so a run that was cut
off continues. Figures go to bench-results/noise.json. There is one process with one thread.
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any, Final

import numpy as np

from haemsa.evo.expert_space.bounds import Bounds
from haemsa.model.data.builtin.planted import planted
from haemsa.model.data.dataset import Dataset
from haemsa.model.data.sources import load
from tests.bench.scores import mosei922
from tests.bench.scores.noise_pool import Kept, space_of, waves
from tests.bench.scores.noise_runs import KINDS, REPLICATES, Bench, Run
from tests.bench.scores.noise_stats import (
    QUARTER,
    Array,
    Judged,
    Picks,
    Statistic,
    against_both,
    among_best,
    chosen,
    difference,
    interval,
    optimism,
    pairs,
    spearman,
)
from tests.bench.shared.machine import RESULTS, write_result
from tests.bench.shared.setting import REAL_DATA
from tests.bench.shared.stats import Interval, mean_interval

PLANTED: Final = (600, 100, 1000)
"""Samples: about as few for training and validation as MOSEI-922 has, and more to test on."""
WAVE: Final = 32
LIMITS: Final = {"mosi": {"flops": 45000.0}}
"""What a search of it would be given as --limit: about the median of MOSI's networks, so that it takes minutes."""
TITLES: Final = {
    "all": "all genomes",
    "half": "best half by folds",
    "folds": "best quarter by folds",
    "own": "best quarter by it",
    "fresh": "best quarter by fresh",
    "kind": "fresh runs alike",
    "lead": "folds less it, all",
    "half_lead": "folds less it, half",
    "optimism": "optimism",
    "level": "optimism, good ones",
    "chosen": "error of the best",
}
"""Columns. Rank correlations with fresh test runs: over all genomes; among the best by folds, by the score itself, by
fresh runs; over all, with fresh runs whose weights are chosen alike ("best": the epoch best on validation). How much
less they are than that of folds. Then, of the genome that the score calls best: how much more it loses on fresh runs
than by the score, less the mean of that over all genomes, or over the best quarter by fresh runs; and its error."""


def dataset_of(name: str, folder: Path) -> Dataset:
    """A data set by name or path. Raises FileNotFoundError if it is missing."""
    if name == "mosi":
        return load(str(folder / "mosi" / "mosi.pkl"))
    if name == "mosei922":
        return mosei922.read(folder / "mosei922")
    return planted(sizes=PLANTED) if name == "planted" else load(name)


class Scored:
    """Errors of all genomes whose runs did not diverge, as arrays."""

    def __init__(self, runs: Mapping[str, Sequence[Sequence[Run] | None]]) -> None:
        complete = [place for place, own in enumerate(zip(*runs.values(), strict=True)) if all(own)]
        self.diverged = len(runs["folds"]) - len(complete)
        self.count = len(complete)
        self._runs = {name: [own[place] or [] for place in complete] for name, own in runs.items()}
        self.true = self.official("test", "average").mean(axis=(0, 1))

    def official(self, part: str, kind: str) -> Array:
        """[2, R, n]: of both sets of official runs."""
        return np.stack([self._array(name, part, kind) for name in ("seeds", "fresh")])

    def folds(self, kind: str) -> Array:
        """[n], the mean over folds."""
        return self._array("folds", "score", kind).mean(axis=0)

    def _array(self, name: str, part: str, kind: str) -> Array:
        return np.array([[run[part][kind] for run in own] for own in self._runs[name]]).T

    def judged(self, seeds: int, kind: str, test: str = "average") -> Judged:
        """A score by so many seeds on the validation split (0: by folds), paired with fresh test runs of a kind."""
        fresh = self.official("test", test)
        return pairs(self.official("score", kind), fresh, seeds) if seeds else against_both(self.folds(kind), fresh)


SCORES: Final = {
    **{f"one run, {kind}": (1, kind) for kind in KINDS},
    "two seeds, average": (2, "average"),
    **{f"five seeds, {kind}": (REPLICATES, kind) for kind in KINDS},
    **{f"five folds, {kind}": (0, kind) for kind in KINDS},
}
Figures = dict[str, dict[str, Interval]]


def figures(scored: Scored) -> Figures:
    """For each score all that `TITLES` names, and how well fresh runs themselves would predict others."""
    folds = scored.folds("average")
    base = scored.judged(0, "average")
    found = {
        name: _figures(scored, scored.judged(*how), scored.judged(*how, how[1]), folds, base)
        for name, how in SCORES.items()
    }
    test = scored.official("test", "average").mean(axis=1)
    ceiling = Judged(test, test[::-1])
    return found | {"five fresh runs": _figures(scored, ceiling, ceiling, folds, base)}


def _figures(scored: Scored, item: Judged, alike: Judged, folds: Array, base: Judged) -> dict[str, Interval]:
    true, count = scored.true, scored.count
    statistics: dict[str, Statistic] = {
        "all": partial(_over_all, item),
        "half": partial(_over_best, item, folds, 0.5),
        "folds": partial(_over_best, item, folds, QUARTER),
        "own": lambda picks: among_best(*item.take(picks), item.score[:, picks], QUARTER),
        "fresh": partial(_over_best, item, true, QUARTER),
        "kind": partial(_over_all, alike),
        "optimism": lambda picks: optimism(*item.take(picks)),
        "level": lambda picks: optimism(*item.take(picks), true[picks]),
        "chosen": lambda picks: chosen(*item.take(picks)),
    }
    found = {name: interval(statistic, count) for name, statistic in statistics.items()}
    found["lead"] = difference(partial(_over_all, base), statistics["all"], count)
    found["half_lead"] = difference(partial(_over_best, base, folds, 0.5), statistics["half"], count)
    return {name: found[name] for name in TITLES}


def _over_all(item: Judged, picks: Picks) -> Array:
    return spearman(*item.take(picks))


def _over_best(item: Judged, by: Array, share: float, picks: Picks) -> Array:
    return among_best(*item.take(picks), by[picks], share)


def networks(scored: Scored) -> dict[str, Interval]:
    """Test errors of official runs by kind, as differences from those of averaged weights, over genomes."""
    average = scored.official("test", "average").mean(axis=(0, 1))
    quarter = np.argsort(scored.folds("average"), kind="stable")[: max(2, scored.count // 4)]
    found = {"average": mean_interval(average), "average, best quarter": mean_interval(average[quarter])}
    for kind in KINDS[1:]:
        less = scored.official("test", kind).mean(axis=(0, 1)) - average
        found |= {f"{kind} less average": mean_interval(less), f"{kind}, best quarter": mean_interval(less[quarter])}
    return found


def report(name: str, scored: Scored) -> dict[str, Any]:
    """Print and return all figures of one data set."""
    found, errors = figures(scored), networks(scored)
    print(f"\n{name}: {scored.count} genomes ({scored.diverged} diverged); fresh test error {_text(errors['average'])}")
    names = list(TITLES)
    for some, digits in ((names[:5], 2), (names[5:8], 2), (names[8:], 3)):
        print(f"\n{'':20}" + "".join(f"{TITLES[key]:>{18 + 3 * digits}}" for key in some))
        for score, row in found.items():
            print(f"{score:20}" + "".join(f"{_text(row[key], digits):>{18 + 3 * digits}}" for key in some))
    print("\nTest errors of networks: " + "; ".join(f"{key} {_text(item)}" for key, item in errors.items()))
    return {"genomes": scored.count, "diverged": scored.diverged, "scores": found, "networks": errors}


def _text(item: Interval, digits: int = 3) -> str:
    mean, low, high = (f"{value:.{digits}f}" for value in item)
    return f"{mean} [{low}, {high}]"


def study(name: str, dataset: Dataset, given: argparse.Namespace) -> dict[str, Any] | None:
    """Score genomes until there are enough or the time is up, and report; None if there are too few."""
    bounds = Bounds(epochs=(1, 2), widths=(8,), expert_widths=(8,)) if given.quick else Bounds()
    limits = LIMITS.get(name, {})
    size, seconds = (8, 60.0) if given.quick else (WAVE, given.seconds)
    about = {"data": dataset.fingerprint, "seed": given.seed, "wave": size, "quick": given.quick, "limits": limits}
    print(f"\n{name}: {', '.join(f'{len(part)} {split}' for split, part in dataset.splits.items())}", flush=True)
    path = given.out / f"noise-{Path(name).stem}{'-quick' if given.quick else ''}.json"
    kept = Kept(Bench(dataset, given.seed), path, about, seconds)
    count = 1 if given.quick else max(1, given.genomes // size)
    space = space_of(dataset, bounds, limits)
    genomes = [genome for wave in waves(space, kept, count, size) for genome in wave]
    if not genomes:
        print(f"{name}: the time was up before {size} genomes had all their runs; run it again to go on")
        return None
    scored = Scored({protocol: kept(protocol, genomes) for protocol in kept.runs})
    return {**report(name, scored), "seconds": kept.seconds, "about": about}


def main(arguments: Sequence[str] | None = None) -> None:
    """Study each data set in turn; those that are missing are skipped."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="eight small genomes of planted data, a minute")
    parser.add_argument("--data", nargs="+", help="mosi, mosei922, planted or paths; default: these three")
    parser.add_argument("--folder", type=Path, default=REAL_DATA, help="where mosi and mosei922 lie")
    parser.add_argument("--genomes", type=int, default=192, help=f"at most; in waves of {WAVE}")
    parser.add_argument("--seconds", type=float, default=600.0, help="for training, by data set")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path, default=RESULTS, help="folder of results")
    given = parser.parse_args(arguments)
    found: dict[str, Any] = {}
    for name in given.data or (["planted"] if given.quick else ["mosi", "mosei922", "planted"]):
        try:
            dataset = dataset_of(name, given.folder)
        except FileNotFoundError as error:
            print(f"{name}: skipped, {error}")
            continue
        result = study(name, dataset, given)
        if result is not None:
            found[name] = result
    print(f"\nwritten to {write_result('noise', found, given.out)}")


if __name__ == "__main__":
    main()
