"""What our own search brings to a comparison: its best genome and its best ensemble."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

from haemsa.cluster.comparison.contenders import TestMetric, Tuned
from haemsa.cluster.final_model.recipe import read_recipe
from haemsa.cluster.run_directory.run_directory import RunDirectory

OURS: Final = ("best", "ensemble")
SAME_SEARCH: Final = "same_search"
"""In the folder of a comparison, our search with another number of evaluations.

A search with more evaluations than the others would be ahead without being better.
"""


def ours(run: Path, judged: TestMetric) -> dict[str, Tuned]:
    """The best genome of a search that has ended, and its best ensemble if there is one.

    Raises:
        ValueError: The search has not ended, or it has no best genome.
    """
    with RunDirectory.open(run, read_only=True) as directory:
        summary = directory.summary()
    if not summary or not summary.get("best") or summary.get("ended_by") == "interrupted":
        raise ValueError(f"run directory {run} has no best genome, expected a search that has ended")
    score = judged.score_in(summary["best"]["scores"])
    tuned = {"best": Tuned(score, summary["evaluations"], read_recipe(str(run)))}
    ensemble: Any = summary.get("ensemble")
    if ensemble:
        recipe = read_recipe(str(run), ensemble=True)
        tuned["ensemble"] = Tuned(judged.score_in(ensemble["scores"]), summary["evaluations"], recipe)
    return tuned
