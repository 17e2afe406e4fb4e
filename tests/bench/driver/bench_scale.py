"""The real driver on simulated clusters of 1 to 1,024 workers: how busy they are, what is found, what the driver costs.

    python -m tests.bench.driver.bench_scale [--quick] [--picture]

Cohorts of four genomes train in virtual time, a minute per network on average (log-normal, sigma 1). The problem is
synthetic, and its best front is known. Busy is the share of all workers' time in which they trained, from the first
to the last submission. With rungs it is given up to the last submission of a new candidate, up to the last of one that
climbed, and up to the last result. Evaluations and virtual hours are counted until the front has `REACH` of the best
hypervolume, hours also until the last result. The cost of the driver is real: wall and processor time per evaluation,
with its SQLite journal. All figures are medians over seeds. Results go to bench-results/scale.json, the picture to
docs/scale.png.
"""

from __future__ import annotations

import argparse
import logging
import statistics
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from haemsa.cluster.shared.files import replacing
from tests.bench.driver.simulated import Nodes
from tests.bench.driver.simulation import Outcome, Setting, simulate
from tests.bench.shared.machine import write_result
from tests.support.places import ROOT

COHORT: Final = 4
REACH: Final = 0.9
EVALUATIONS: Final = {1: 800, 4: 1200, 16: 1600, 64: 3200, 256: 6400, 1024: 16_384}
MANY: Final = 256
"""From so many workers on, there is only one seed."""

STEADY, GENERATIONAL, RUNGS = "steady", "generational", "steady, rungs"
UNSTEADY, CHARGED, LARGE = "steady, failures and nodes that leave", "steady, driver's time charged", "large population"


def variant(name: str, workers: int, seed: int) -> Setting:
    """The setting of a line of the table."""
    given: dict[str, Any] = {"workers": workers, "evaluations": EVALUATIONS[workers], "cohort": COHORT, "seed": seed}
    if name == GENERATIONAL:
        given["mode"] = "generational"
    elif name == RUNGS:
        given["rungs"] = True
    elif name == UNSTEADY:  # every node leaves once in two hours or so, for a quarter of an hour
        given |= {"failing": 0.1, "nodes": Nodes(min(8, workers), stay=7200, gone=900)}
    elif name == CHARGED:
        given["charged"] = 1.0
    elif name == LARGE:
        given["population"] = max(32, workers * COHORT)
    return Setting(**given)


def figures(outcome: Outcome) -> dict[str, float | None]:
    """What is reported of one search."""
    cluster, found = outcome.cluster, outcome.reached(REACH)
    assert outcome.statuses["asked"] == 0
    return {
        "busy_new": cluster.submitted[0].busy_fraction,
        "busy": outcome.until_last_submit.busy_fraction,
        "busy_end": outcome.usage.busy_fraction,
        "lost": outcome.until_last_submit.busy_fraction - outcome.until_last_submit.useful_fraction,
        "hours": outcome.ended / 3600,
        "confirmed_hours": cluster.time / 3600,
        "final_volume": outcome.trace[-1][2],
        "evaluations_to_volume": None if found is None else float(found[0]),
        "hours_to_volume": None if found is None else found[1] / 3600,
        "driver_ms": outcome.driver_ms,
        "driver_cpu_ms": outcome.driver_cpu_ms,
        "failures": float(outcome.statuses["failed"]),
    }


def median(runs: Sequence[dict[str, float | None]]) -> dict[str, float | None]:
    """The median of each figure over seeds. None if most seeds have none."""
    found: dict[str, float | None] = {}
    for key in runs[0]:
        known = [value for run in runs if (value := run[key]) is not None]
        found[key] = statistics.median(known) if 2 * len(known) > len(runs) else None
    return found


def measure(workers: Sequence[int], seeds: int, variants: dict[str, Sequence[int]]) -> list[dict[str, Any]]:
    """Every variant for its numbers of workers, printed line by line."""
    lines = []
    head = f"busy new   all   end  lost  to {REACH:.0%}: evals  hours    all  driver ms  cpu ms"
    print(f"{'':<38} workers evaluations  {head}")
    for name, sizes in variants.items():
        for size in sizes:
            if size not in workers:
                continue
            runs = [figures(simulate(variant(name, size, seed))) for seed in range(seeds if size < MANY else 1)]
            line = {"variant": name, "workers": size, "evaluations": EVALUATIONS[size], **median(runs), "runs": runs}
            lines.append(line)
            print(row(line), flush=True)
    return lines


def row(line: dict[str, Any]) -> str:
    """A line of the table."""
    count, hours = line["evaluations_to_volume"], line["hours_to_volume"]
    reached = "   never       " if count is None else f"{count:8.0f} {hours:6.2f}"
    busy = f"{line['busy_new']:8.3f} {line['busy']:5.3f} {line['busy_end']:5.3f} {line['lost']:5.3f}"
    cost = f"{line['hours']:6.2f}  {line['driver_ms']:9.2f} {line['driver_cpu_ms']:7.2f}"
    return f"{line['variant']:<38} {line['workers']:7d} {line['evaluations']:11d}  {busy}     {reached} {cost}"


def draw(lines: Sequence[dict[str, Any]], path: Path) -> None:
    """Three panels over the number of workers: busy, time to the hypervolume, the driver's cost."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(11, 3.9), dpi=100, layout="constrained")
    panels = figure.subplots(1, 3)
    titles = {
        "busy_new": "busy share of the workers' time",
        "hours_to_volume": f"virtual hours to {REACH:.0%} of the best hypervolume",
        "driver_cpu_ms": "driver, ms of processor time per evaluation",
    }
    for axes, (key, title) in zip(panels, titles.items(), strict=True):
        for name in (STEADY, RUNGS, UNSTEADY, GENERATIONAL):
            points = [(line["workers"], line[key]) for line in lines if line["variant"] == name and line[key]]
            axes.plot(*zip(*points, strict=True), marker="o", markersize=4, label=name)
        axes.set_xscale("log", base=4)
        axes.set_xticks(list(EVALUATIONS), [f"{workers:,}" for workers in EVALUATIONS])
        axes.minorticks_off()
        if key == "hours_to_volume":
            axes.set_yscale("log")
        else:
            axes.set_ylim(bottom=0)
        axes.set_title(title, fontsize=10)
        axes.set_xlabel("workers")
        axes.grid(color="#e5e7eb", linewidth=0.8)
        axes.spines[["top", "right"]].set_visible(False)
    figure.legend(*panels[0].get_legend_handles_labels(), loc="outside lower center", ncols=4, frameon=False)
    with replacing(path) as temporary:
        figure.savefig(temporary, format="png")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="up to 64 workers and one seed: under two minutes")
    parser.add_argument("--picture", action="store_true", help="draw docs/scale.png too")
    arguments = parser.parse_args()
    logging.disable(logging.WARNING)  # candidates that fail, and why
    start = time.perf_counter()
    every = list(EVALUATIONS)
    variants: dict[str, Sequence[int]] = {STEADY: every, GENERATIONAL: every, RUNGS: every, UNSTEADY: every}
    if arguments.quick:
        lines = measure([1, 16, 64], 1, variants)
    else:
        lines = measure(every, 3, {**variants, CHARGED: (64, 1024), LARGE: (16, 64, 256)})
    path = write_result("scale", {"cohort": COHORT, "reach": REACH, "lines": lines})
    print(f"written to {path.relative_to(ROOT)} after {time.perf_counter() - start:.0f} s")
    if arguments.picture:
        draw(lines, ROOT / "docs" / "scale.png")


if __name__ == "__main__":
    main()
