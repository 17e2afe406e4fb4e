"""What networks lose when modalities are missing at test, next to networks trained only on those that remain.

Three kinds of searches have the same settings. One looks for the least mean error over every subset of the
modalities, one for the least error with all of them, and one, for each subset, searches data without the other
modalities. Each best genome is trained several times and tested as a user would do it. Samples that lack all
modalities that are shown count too, for all kinds alike.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

from haemsa.cluster.config import DEFAULT_EVALUATIONS
from haemsa.model.data.dataset import Dataset
from haemsa.model.data.sources import load
from haemsa.model.data.store.file import write
from haemsa.model.missing_modalities import streams_of, subsets
from tests.bench.full.quality import TRIALS, haemsa, search, source

SETS: Final = ("planted", "mosei922")
SEEDS: Final = 5
CLOSE: Final = 0.01
"""How near the error is to be to that of networks trained on the remaining modalities."""
LONGER: Final = ("mosei922",)
"""For these data sets, one genome for all subsets is also searched with the default length."""
KINDS: Final = {"missing_mae": "missing_mae,params", "mae": "mae,params"}


def missing(name: str, work: Path) -> dict[str, Any] | None:
    """The table of a data set. None if the data is missing."""
    data = source(name, work)
    return None if data is None else table(name, data, work)


def table(
    name: str, data: str, work: Path, trials: int = TRIALS, seeds: int = SEEDS, options: Sequence[str] = ()
) -> dict[str, Any]:
    """Mean test MAE by subset ("text+audio"): of the genome found under `missing_mae`, found under `mae`, and `alone`.

    `options`: of each search, beside the trials.
    """
    dataset, wanted = load(data), (*_budget(trials), *options)
    found: dict[str, dict[str, float]] = {}
    for kind, objectives in KINDS.items():
        run = work / f"missing-{name}-{kind}"
        search(data, run, "--objectives", objectives, *wanted)
        for subset, error in _errors(run, data, seeds).items():
            found.setdefault(subset, {})[kind] = error
    streams = streams_of(list(dataset.modalities))
    for shown in subsets(list(streams)):
        subset = "+".join(shown)
        if len(shown) == len(streams):
            found[subset]["alone"] = found[subset]["mae"]
            continue
        store = work / f"missing-{name}-{subset}.h5"
        if not store.exists():
            write(_only(dataset, [stream for owner in shown for stream in streams[owner]]), store)
        run = store.with_suffix("")
        search(str(store), run, "--objectives", KINDS["mae"], *wanted)
        found[subset]["alone"] = _errors(run, str(store), seeds)[subset]
    return {"metric": "mae", "trials": trials, "seeds": seeds, "subsets": found}


def longer(name: str, work: Path) -> dict[str, Any] | None:
    """Mean test MAE by subset of the genome that a search of the default length finds under `missing_mae`.

    That is still fewer evaluations than those of the searches for each subset together.
    """
    data = source(name, work)
    if data is None:
        return None
    run = work / f"missing-{name}-missing_mae-{DEFAULT_EVALUATIONS}"
    search(data, run, "--objectives", KINDS["missing_mae"], *_budget(DEFAULT_EVALUATIONS))
    return {"metric": "mae", "trials": DEFAULT_EVALUATIONS, "seeds": SEEDS, "subsets": _errors(run, data, SEEDS)}


def _budget(trials: int) -> tuple[str, ...]:
    return "--evaluations", str(trials), "--workers", "2", "--tracking", "off"


def _only(dataset: Dataset, modalities: Sequence[str]) -> Dataset:
    return replace(dataset, modalities={name: dataset.modalities[name] for name in modalities})


def _errors(run: Path, data: str, seeds: int) -> dict[str, float]:
    """Test MAE, the mean over networks, by what is shown, of a run's best genome trained for good."""
    model, result = run.with_name(f"{run.name}-model"), run.with_name(f"{run.name}.json")
    if not result.exists():
        haemsa("train", str(run), "--data", data, "--seeds", str(seeds), "--out", str(model))
        haemsa("evaluate", str(model), "--data", data, "--missing", "--json", str(result))
    tables = json.loads(result.read_text(encoding="utf-8"))["subsets"]
    subsets = {subset: found for subset, found in tables.items() if not subset.endswith("% missing")}
    each = {subset: found.get("each seed", found["model"]) for subset, found in subsets.items()}
    return {
        subset: next(cell["mean"] for key, cell in metrics.items() if key.rpartition("/")[2] == "mae")
        for subset, metrics in each.items()
    }
