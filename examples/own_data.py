"""Turn arrays into a data set, write it to a store, and search it for networks that bear a missing modality.

The folder given as first argument gets the store `mine.h5` and the run directory `mine`.
"""

import sys
from pathlib import Path

import numpy as np

from haemsa import Dataset, Modality, SearchConfig, Task, run_search
from haemsa.model.data.store import write

folder = Path(sys.argv[1] if len(sys.argv) > 1 else "runs/examples")
folder.mkdir(parents=True, exist_ok=True)
rng = np.random.default_rng(0)
mood = rng.normal(size=400)
text = (mood[:, None, None] + rng.normal(size=(400, 5, 8))).astype(np.float32)  # samples, time steps, features
audio = (mood[:, None, None] + 2 * rng.normal(size=(400, 1, 6))).astype(np.float32)
heard = (rng.random(400) < 0.7).astype(np.int64)  # three samples in ten have no audio: its length is 0 there
audio[heard == 0] = 0
data = Dataset(
    name="mine",
    modalities={"text": Modality(text, np.full(400, 5)), "audio": Modality(audio, heard)},
    tasks={"mood": Task("regression", mood.astype(np.float32))},  # NaN where a label is missing
    splits={"train": np.arange(240), "valid": np.arange(240, 320), "test": np.arange(320, 400)},
    ids=tuple(f"sample{number}" for number in range(400)),
    groups=np.arange(400),  # samples that belong together have the same number
)
write(data, folder / "mine.h5")

settings = {"data": str(folder / "mine.h5"), "run": str(folder / "mine"), "objectives": ["missing_mae", "params"]}
budget = {"evaluations": 12, "population": 6, "confirm": 1, "validation": "holdout:1", "space": {"epochs": [2, 4]}}
found = run_search(SearchConfig.of({**settings, **budget, "backend": "inline", "tracking": "off"}))
scores = found.summary["best"]["scores"]
print(f"mean absolute error {scores['mae']:.3f}, with a modality missing {scores['missing_mae']:.3f}")
