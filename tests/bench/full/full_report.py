"""Tables of bench-results/full.json, of the pieces that are there; and where haemsa loses."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from tests.bench.full.missing import CLOSE, KINDS
from tests.bench.full.rescore import seconds_to
from tests.bench.shared.stats import mean_interval, paired_interval


def report(found: Mapping[str, Any]) -> None:
    """Print everything."""
    results = {name: piece["result"] for name, piece in found.items()}
    commits = sorted({str(piece["machine"]["commit"]) for piece in found.values()})
    print(f"\n{len(found)} pieces, measured at {', '.join(commits) or 'no commit'}")
    _ours(results)
    _tested(results, "quality")
    _tested(results, "longer")
    _tested(results, "ablation")
    _missing(results)
    _peers(results)


def _ours(results: Mapping[str, Any]) -> None:
    """Per data set and variant: confirmed error and hypervolume at the end, over seeds, and minus that of `haemsa`."""
    sets = sorted({name.split("/")[1] for name in results if name.startswith("ours/")})
    for data in sets:
        by_variant: dict[str, dict[int, Any]] = {}
        for name, result in results.items():
            kind, *rest = name.split("/")
            if kind == "ours" and rest[0] == data:
                by_variant.setdefault(rest[1], {})[int(rest[2])] = result
        print(f"\n{data}: confirmed on all folds; the search's own best, and the front (error, log10 parameters)")
        print("variant          seeds  genomes  best error (95 %)           hypervolume (95 %)          minus haemsa's")
        for variant, by_seed in by_variant.items():
            _variant_line(variant, by_seed, by_variant.get("haemsa", {}))
        _over_time(by_variant)


def _variant_line(variant: str, by_seed: Mapping[int, Any], ours: Mapping[int, Any]) -> None:
    best, volume = ([found[key][-1][1] for found in by_seed.values()] for key in ("best", "hypervolume"))
    genomes = np.mean([found["evaluations"] for found in by_seed.values()])
    pairs = [
        (by_seed[seed]["hypervolume"][-1][1], ours[seed]["hypervolume"][-1][1]) for seed in by_seed if seed in ours
    ]
    versus = _interval(paired_interval(*zip(*pairs, strict=True))) if pairs and variant != "haemsa" else "-"
    figures = (_interval(mean_interval(values)) for values in (best, volume))
    print(f"{variant:16} {len(by_seed):5} {genomes:8.0f}  {'  '.join(f'{text:26}' for text in figures)}  {versus}")


def _over_time(by_variant: Mapping[str, Mapping[int, Any]]) -> None:
    """Mean confirmed hypervolume of each variant at a few times."""
    first = next(iter(next(iter(by_variant.values())).values()))
    at = [seconds for seconds, _ in first["hypervolume"]]
    print("seconds          " + "".join(f"{seconds:8.0f}" for seconds in at))
    for variant, by_seed in by_variant.items():
        rows = np.array([[volume for _, volume in found["hypervolume"]] for found in by_seed.values()])
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
    seeds = sorted({name.split("/")[1] for name in results if name.startswith("rescored")})
    for seed in seeds:
        result = results.get(f"rescored-again/{seed}") or results[f"rescored/{seed}"]
        volumes = {peer: [tuple(point) for point in points] for peer, points in result["hypervolume"].items()}
        ours = volumes["haemsa"]
        half = max(seconds for seconds, _ in ours if seconds <= ours[-1][0] / 2)
        print(
            f"\nMOSI, seed {seed}: rescored hypervolume after {half:.0f} s (when ours ends) and at the peer's end, and"
        )
        print("how long ours takes to as much as the peer has at its end")
        for peer, points in volumes.items():
            seconds, target = points[-1]
            share = "-" if peer == "haemsa" else _share(seconds_to(ours, target), seconds)
            count = results.get(f"peer/{peer}/{seed}", {}).get("evaluations", 0)
            print(f"{peer:20} {count:5} evaluations  {dict(points)[half]:.4f}  {target:.4f}  {share}")


def _share(reached: float | None, seconds: float) -> str:
    if reached is None:
        return "never: haemsa loses here"
    lost = "" if reached <= seconds / 5 else " (more than a fifth)"
    return f"{reached:.0f} s, {reached / seconds:.2f} of its time{lost}"


def _interval(values: Sequence[float]) -> str:
    mean, low, high = values
    return "-" if math.isnan(mean) else f"{mean:.4f} ({low:.4f} to {high:.4f})"
