"""Tables of bench-results/full.json, of the pieces that are there; and where haemsa loses."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np

from tests.bench.full.missing import CLOSE, KINDS
from tests.bench.full.ours import VARIANTS
from tests.bench.full.rescore import seconds_to
from tests.bench.shared.stats import mean_interval, paired_interval

EARLY: Final = 1 / 3
"""Searches are also shown after so much of their time."""
KEYS: Final = ("best", "hypervolume")
TARGET: Final = 0.1
"""The share of a peer's time in which ours is to have what the peer has at its end."""


def report(found: Mapping[str, Any]) -> None:
    """Print everything."""
    results = {name: piece["result"] for name, piece in found.items()}
    commits = sorted({str(piece["machine"]["commit"]) for piece in found.values()})
    print(f"\n{len(found)} pieces, measured at {', '.join(commits) or 'no commit'}")
    _ours(results)
    _tested(results, "quality")
    _tested(results, "longer")
    _finetuned(results)
    _tested(results, "ablation")
    _missing(results)
    _peers(results)


def _ours(results: Mapping[str, Any]) -> None:
    """Per data set and variant: confirmed error and hypervolume over seeds, and minus haemsa's."""
    for data, by_variant in by_set(results).items():
        at = [seconds for seconds, _ in by_variant["haemsa"][0]["hypervolume"]]
        early = [place for place, seconds in enumerate(at) if math.isclose(seconds, at[-1] * EARLY)]
        for place in (*early, len(at) - 1):
            print(f"\n{data}, {at[place]:.0f} s: confirmed on all folds; the search's own best, and its front")
            print(f"variant          seeds  genomes  {'best error (95 %)':26}  hypervolume (95 %)")
            for variant, searches in by_variant.items():
                _variant_line(variant, searches, by_variant["haemsa"], place)
        _over_time(by_variant, at)


def by_set(results: Mapping[str, Any]) -> dict[str, dict[str, list[Any]]]:
    """Searches of haemsa and of random search, by data set and variant, in order of those seeds that both have."""
    found: dict[tuple[str, int], dict[str, Any]] = {}
    for name, result in results.items():
        kind, *rest = name.split("/")
        if kind.startswith("ours-"):
            data, variant, seed = rest
            found.setdefault((data, int(seed)), {})[variant] = result
    searches: dict[str, dict[str, list[Any]]] = {}
    for (data, _), by_variant in sorted(found.items()):
        if by_variant.keys() == VARIANTS.keys():
            own = searches.setdefault(data, {variant: [] for variant in VARIANTS})
            for variant, result in by_variant.items():
                own[variant].append(result)
    return searches


def _variant_line(variant: str, searches: Sequence[Any], ours: Sequence[Any], place: int) -> None:
    """A variant at one of the times."""
    genomes = np.mean([found["genomes"][place][1] for found in searches])
    figures = [_interval(mean_interval([found[key][place][1] for found in searches])) for key in KEYS]
    print(f"{variant:16} {len(searches):5} {genomes:8.0f}  {'  '.join(f'{text:26}' for text in figures)}".rstrip())
    if variant == "haemsa":
        return
    pairs = [[[found[key][place][1] for found in of] for of in (searches, ours)] for key in KEYS]
    minus = "  ".join(f"{_interval(paired_interval(theirs, own)):26}" for theirs, own in pairs)
    print(f"{'  minus haemsa':31}  {minus}".rstrip())


def _over_time(by_variant: Mapping[str, Sequence[Any]], at: Sequence[float]) -> None:
    """Mean confirmed hypervolume of each variant at a few times."""
    print("seconds          " + "".join(f"{seconds:8.0f}" for seconds in at))
    for variant, searches in by_variant.items():
        rows = np.array([[volume for _, volume in found["hypervolume"]] for found in searches])
        print(f"{variant:16} " + "".join(f"{value:8.3f}" for value in rows.mean(axis=0)))


def _tested(results: Mapping[str, Any], kind: str) -> None:
    """Per data set: every model's main metric on the test split, and haemsa's minus it, with the bootstrap interval."""
    for piece, found in results.items():
        if not piece.startswith(f"{kind}/"):
            continue
        metric = found["metric"]
        print(f"\n{piece}: {metric} on the test split, mean over seeds;")
        print("then haemsa's best minus it, and haemsa's ensemble minus its ensemble")
        for name, model in sorted(found["models"].items(), key=lambda item: float(item[1][metric]["mean"])):
            beside = (_difference(found[key].get(name)) for key in ("differences", "ensemble_differences"))
            print(f"{name:34} {model[metric]['mean']:.4f}  {'  '.join(f'{text:30}' for text in beside)}".rstrip())


def _difference(found: Mapping[str, float] | None) -> str:
    return f"{found['mean']:+.4f} ({found['low']:+.4f} to {found['high']:+.4f})" if found else ""


def _finetuned(results: Mapping[str, Any]) -> None:
    """What the folds said of fine-tuning, and the errors on the test split without it and with it, by seeds."""
    for piece, found in results.items():
        if piece.startswith("finetuned/"):
            print(f"\n{piece}: {found['folds']['sentence']}")
            for kind in ("plain", "tuned"):
                error = found[kind]["model"]["mae"]
                print(f"{kind:8} {error['mean']:.4f} ± {error['std']:.4f}")


def _missing(results: Mapping[str, Any]) -> None:
    """Per data set and subset of its modalities: the errors of both genomes, and minus that of one trained on it."""
    for piece, found in results.items():
        if not piece.startswith("missing/"):
            continue
        name = piece.partition("/")[2]
        print(f"\n{name}: test MAE by the modalities that are shown, mean over seeds; next to it the difference to")
        print(f"the best genome for only these. The target is at most {CLOSE} for the genome found under missing_mae")
        print("shown                       missing_mae             mae   alone")
        for subset, errors in found["subsets"].items():
            more = {kind: errors[kind] - errors["alone"] for kind in KINDS}
            cells = "  ".join(f"{errors[kind]:.4f} {more[kind]:+.4f}" for kind in KINDS)
            lost = "" if more["missing_mae"] <= CLOSE else "  further off: haemsa loses here"
            print(f"{subset:24} {cells}  {errors['alone']:.4f}{lost}")
        longer = results.get(f"missing-longer/{name}")
        if longer:
            print(f"found under missing_mae by {longer['trials']} evaluations:")
            for subset, error in longer["subsets"].items():
                print(f"{subset:24} {error:.4f} {error - found['subsets'][subset]['alone']:+.4f}")


def _peers(results: Mapping[str, Any]) -> None:
    """Seconds in which ours reaches what each peer has at its end, and both at equal seconds, by one plain trainer."""
    latest: dict[str, Any] = {}
    for name in sorted(results, key=lambda name: name.split("/")):  # "rescored-again" after "rescored"
        kind, _, rest = name.partition("/")
        if kind.startswith("rescored"):
            latest[rest] = results[name]
    for rest, result in sorted(latest.items()):
        data, _, seed = rest.rpartition("/")
        volumes = {peer: [tuple(point) for point in points] for peer, points in result["hypervolume"].items()}
        ours = volumes["haemsa"]
        end = ours[-1][0]
        half = max(seconds for seconds, _ in ours if seconds <= end / 2)
        print(f"\n{data}, seed {seed}: rescored hypervolume after {half:.0f} s and after {end:.0f} s, and how")
        print(f"long ours takes to as much as the peer has at its end. The target is at most {TARGET:g} of its time")
        for peer, points in volumes.items():
            seconds, target = points[-1]
            share = "-" if peer == "haemsa" else _share(seconds_to(ours, target), seconds)
            count = results.get(f"peer/{data}/{peer}/{seed}", {}).get("evaluations", 0)
            print(f"{peer:20} {count:5} genomes  {dict(points)[half]:.4f}  {target:.4f}  {share}")


def _share(reached: float | None, seconds: float) -> str:
    if reached is None:
        return "never: haemsa loses here"
    lost = "" if reached <= TARGET * seconds else ": more than the target"
    return f"{reached:.0f} s, {reached / seconds:.2f} of its time{lost}"


def _interval(values: Sequence[float]) -> str:
    mean, low, high = values
    return "-" if math.isnan(mean) else f"{mean:.4f} ({low:.4f} to {high:.4f})"
