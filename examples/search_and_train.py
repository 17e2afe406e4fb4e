"""Search made data for the best network of at most 8,000 parameters, train it, and score it on the test split.

The folder given as first argument gets the run directory `search` and the model `model`.
"""

import sys
from pathlib import Path

from haemsa import SearchConfig, read_recipe, run_search, train_for_good

folder = Path(sys.argv[1] if len(sys.argv) > 1 else "runs/examples")
config = SearchConfig.of(
    {
        "data": "planted",
        "run": str(folder / "search"),
        "evaluations": 12,  # a real search takes hundreds
        "population": 6,
        "confirm": 1,
        "validation": "holdout:1",
        "batch_size": 64,
        "limits": {"params": 8000},
        "space": {"epochs": [2, 4], "max_levels": 1, "max_experts": 3},
        "backend": "inline",  # in this process; "ray" trains on all cores
        "tracking": "off",  # no MLflow
    }
)
found = run_search(config)
print(f"best of the search on the validation split: {found.summary['best']['scores']['sentiment/mae']:.3f}")

table, protocol = train_for_good(read_recipe(found.run), "planted", 2, folder / "model")
print(protocol)
print(f"mean absolute error on the test split: {table['model']['sentiment/mae']['mean']:.3f}")
