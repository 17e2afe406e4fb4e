"""A described table of two modalities and two tasks, and a small model of it."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import numpy as np
import pandas as pd

from haemsa.cluster.config import Compute
from haemsa.cluster.final_model.recipe import Recipe
from haemsa.cluster.final_model.train import train_for_good
from haemsa.model.predictor.predictor import Predictor
from haemsa.model.spec.genome import Genome
from haemsa.model.spec.network import EncoderSpec, ExpertSpec, LevelSpec, NetworkSpec
from haemsa.model.spec.training import TrainingGenes

AUDIO: Final = ("audio_pitch", "audio_energy", "audio_rate")
TEXT: Final = ("word_a", "word_b")
DESCRIPTION: Final = """source: train.csv
modalities:
  audio: "audio_*"
  text: "word_*"
tasks:
  score: {from: score, kind: regression, bounds: [-3, 3]}
  mood: {from: mood, kind: classes}
ids: id
split: fold
"""


def table(rows: int = 90) -> pd.DataFrame:
    """The pitch follows the score, and word_a follows the mood. The last third are validation and test rows."""
    rng = np.random.default_rng(1)
    score, mood = rng.uniform(-3, 3, rows), (rng.random(rows) * 3).astype(int)
    valid, test = rows // 6, rows // 6
    return pd.DataFrame(
        {
            "id": [f"s{row}" for row in range(rows)],
            "audio_pitch": score + rng.normal(0, 0.3, rows),
            "audio_energy": rng.normal(0, 1, rows),
            "audio_rate": 40 - 2 * score + rng.normal(0, 1, rows),
            "word_a": mood + rng.normal(0, 0.3, rows),
            "word_b": rng.normal(5, 1, rows),
            "score": np.round(score, 3),
            "mood": np.array(["sad", "calm", "happy"])[mood],
            "fold": ["train"] * (rows - valid - test) + ["valid"] * valid + ["test"] * test,
        }
    )


def described(folder: Path, name: str, frame: pd.DataFrame, description: str = DESCRIPTION) -> Path:
    """Write a table as NAME.csv, and its description NAME.yaml, whose path is returned."""
    frame.to_csv(folder / f"{name}.csv", index=False)
    path = folder / f"{name}.yaml"
    path.write_text(description.replace("train.csv", f"{name}.csv"))
    return path


def trained(folder: Path, data: Path) -> Predictor:
    """A model of two seeds, trained for good on `data` with the modalities audio and text, and saved as model/."""
    experts = (ExpertSpec(("audio",), width=8), ExpertSpec(("audio", "text"), width=8))
    network = NetworkSpec(8, (EncoderSpec("audio"), EncoderSpec("text")), (LevelSpec(experts),))
    recipe = Recipe(
        ((Genome(network, TrainingGenes(epochs=8, learning_rate=0.01)), 1),),
        validation="holdout",
        compute=Compute(backend="inline"),
    )
    train_for_good(recipe, str(data), 2, folder / "model")
    return Predictor.load(folder / "model")
