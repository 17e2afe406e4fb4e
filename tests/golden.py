"""Whether a change leaves every result as it was: searches, models and predictions by fixed seeds, bit for bit.

    python -m tests.golden write before/      (before the change)
    python -m tests.golden compare before/    (after it, on the same machine; exit status 1 for a difference)

Another machine may round in another way, so nothing of this is kept in the repository.
"""

from __future__ import annotations

import argparse
import json
import os
import tempfile
from pathlib import Path
from typing import Any

import pandas as pd

from haemsa import (
    RunDirectory,
    SearchConfig,
    load_for,
    load_model,
    predictions,
    read_recipe,
    run_search,
    train_for_good,
)

SEARCH = {"seed": 3, "backend": "inline", "tracking": "off"}
PLANTED = {**SEARCH, "data": "planted", "evaluations": 24, "population": 8}
SEARCHES: dict[str, dict[str, Any]] = {
    "generational": {**PLANTED, "mode": "generational"},
    "steady": {**PLANTED, "mode": "steady"},
    "missing": {**PLANTED, "evaluations": 12, "objectives": ["missing_mae", "params"], "validation": "holdout:2"},
    "digits": {**SEARCH, "data": "digits", "evaluations": 12, "population": 6, "cohort": 4},
}
OF_THE_MOMENT = ["seconds", "worker"]


def results(name: str) -> dict[str, pd.DataFrame]:
    """The candidates of a search, and what its best network and ensemble predict once they are trained."""
    config = SearchConfig.of({**SEARCHES[name], "run": f"runs/{name}"})
    run = run_search(config).run
    with RunDirectory.open(run, read_only=True) as directory:
        tables = {"candidates": directory.population().drop(columns=OF_THE_MOMENT)}
    for kind in ("best", "ensemble"):
        folder = Path("models") / f"{name}-{kind}"
        train_for_good(read_recipe(run, ensemble=kind == "ensemble"), config.data, 2, folder)
        model = load_model(folder)
        tables[f"predictions of the {kind}"] = predictions(model, load_for(model, config.data))
    return tables


def main() -> None:
    """Write all results to a folder, or compare them with those in it."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("what", choices=["write", "compare"])
    parser.add_argument("folder", type=Path)
    given = parser.parse_args()
    folder, different = given.folder.resolve(), []
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as place:
        os.chdir(place)
        for name in SEARCHES:
            for title, table in results(name).items():
                path = folder / f"{name}, {title}.csv"
                if given.what == "write":
                    table.to_csv(path, index=False)
                elif path.read_text(encoding="utf-8") != table.to_csv(index=False):
                    different.append(path.stem)
        os.chdir("/")
    print(json.dumps({"different": different}) if given.what == "compare" else f"written to {folder}")
    raise SystemExit(bool(different))


if __name__ == "__main__":
    main()
