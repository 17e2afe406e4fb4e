"""What `haemsa train` leaves of a model, without any training."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from haemsa.model.spec.genome import Genome


def trained_model(folder: Path, genome: Genome | None = None, **changed: Any) -> Path:
    """The description and the scores of a model of the search in the folder `run`. `changed`: facts that differ."""
    score = {"mean": 0.39, "std": 0.0, "values": [0.39]}
    models = {
        "model": {"mae": {**score, "interval": [0.36, 0.42]}},
        "each seed": {"mae": {"mean": 0.4, "std": 0.01, "values": [0.4, 0.4]}},
        "linear model": {"mae": {**score, "mean": 0.52}},
        "constant": {"mae": {**score, "mean": 1.265}},
    }
    facts = {"models": models, "split": "test", "objective": "mae", "origin": "run", "protocol": "trained on <all>"}
    folder.mkdir(parents=True)
    (folder / "metrics.json").write_text(json.dumps({**facts, **changed}))
    (folder / "model.json").write_text(json.dumps({"genomes": [genome.to_dict()] * 2 if genome else []}))
    return folder
