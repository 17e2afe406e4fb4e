"""MOSI with and without fine-tuning: `haemsa data embed` with MPNet, then `haemsa train` twice, with the same seeds.

The genome is the best one that `quality/mosi3` found. The environment variable `MPNET` holds the folder of
all-mpnet-base-v2. Training that was cut off goes on. The test split is read once by each `haemsa train`, at its end.
"""

from __future__ import annotations

import csv
import json
import os
from pathlib import Path
from typing import Any, Final

import numpy as np

from tests.bench.full.quality import SEEDS, haemsa, searched
from tests.bench.shared.setting import REAL_DATA

SETS: Final = ("mosi3",)
FOLDER: Final = "MPNET"
STREAM: Final = "text_mpnet"
SPLITS: Final = ("train", "valid", "test")
DESCRIPTION: Final = {
    "source": "told.npz",
    "transcript": "told_{split}",
    "modalities": {
        "text_minilm": {"from": "minilm_{split}", "lengths": "minilm_len_{split}"},
        "audio": "audio_{split}",
    },
    "tasks": {"sentiment": {"from": "y_{split}", "bounds": [-3, 3]}},
    "groups": "video_{split}",
    "ids": "id_{split}",
}


def finetuned(name: str, work: Path) -> dict[str, Any] | None:
    """What `train` scores on the test split, plain and tuned, and what the folds said. None if MPNet is missing."""
    encoder = Path(os.environ.get(FOLDER, "nowhere"))
    run = searched(name, work) if encoder.is_dir() else None
    if run is None:
        return None
    store = told_store(REAL_DATA / name, encoder, work)
    seeds = ("--seeds", str(SEEDS[name]))
    plain = _trained(run, store, work / f"plain-{name}", *seeds)
    tuned = _trained(run, store, work / f"tuned-{name}", *seeds, "--finetune", STREAM)
    return {"plain": plain["models"], "tuned": tuned["models"], "folds": tuned["finetuned"]}


def told_store(data: Path, encoder: Path, work: Path) -> Path:
    """The same streams as those of the search, with transcripts. MPNet's are made anew."""
    store = work / "told.h5"
    if not store.exists():
        arrays = dict(np.load(data / f"{data.name}.npz"))
        with (data / "transcripts.csv").open(encoding="utf-8", newline="") as file:
            said = {row["id"]: row["text"] for row in csv.DictReader(file)}
        told = {f"told_{split}": np.array([said[str(one)] for one in arrays[f"id_{split}"]]) for split in SPLITS}
        np.savez(work / "told.npz", **arrays, **told)
        (work / "told.yaml").write_text(json.dumps(DESCRIPTION), encoding="utf-8")
        made = ("--text", f"mpnet={encoder}", "--steps", "50")
        haemsa("data", "embed", str(work / "told.yaml"), "--out", str(store), *made)
    return store


def _trained(run: Path, store: Path, out: Path, *options: str) -> dict[str, Any]:
    """What is in `metrics.json` of the model."""
    where = ("--data", str(store), "--out", str(out), "--workers", "2", "--tracking", "off")
    haemsa("train", str(run), *where, *options)
    found: dict[str, Any] = json.loads((out / "metrics.json").read_text(encoding="utf-8"))
    return found
