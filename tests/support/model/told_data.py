"""Samples with transcripts, as `haemsa data embed` writes them, by an encoder with random weights."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from haemsa.model.data.clips.clip import Clip
from haemsa.model.data.dataset import Dataset, Modality, Task
from haemsa.model.encoders.choice import Choice
from haemsa.model.encoders.opening import open_encoder
from tests.support.model.tiny_encoders import WORDS, tiny_text

STREAM = "text_bert"


def told_data(folder: Path, count: int = 60, *, noise: bool = False) -> Dataset:
    """The mood is good or bad, and "not" turns it, unless it is only noise. Sample 2 has no transcript.

    Beside the text there is a stream "audio" that says nothing. The encoder is saved in the folder.
    """
    rng = np.random.default_rng(4)
    encoder = open_encoder(Choice("text", str(tiny_text(folder / "bert")), steps=8))
    fillers = [word for word in WORDS if word not in ("good", "bad", "not")]
    texts, mood = list[str](), np.empty(count, np.float32)
    for place in range(count):
        good, turned = (rng.random(2) < 0.5).tolist()
        words = ["not"] * turned + ["good" if good else "bad"]
        around = rng.choice(fillers, rng.integers(1, 4)).tolist()
        texts.append(" ".join([*around[1:], *words, around[0]]))
        mood[place] = rng.normal() if noise else (1.0 if good != turned else -1.0)
    texts[2] = ""
    made = [one.features for start in range(0, count, 32) for one in encoder.encode(clips(texts[start : start + 32]))]
    lengths = np.array([len(one) for one in made], np.int64)
    features = np.zeros((count, int(lengths.max()), encoder.width), np.float32)
    for place, one in enumerate(made):
        features[place, : len(one)] = one
    audio = Modality(rng.normal(size=(count, 1, 3)).astype(np.float32), np.ones(count, np.int64))
    bounds = np.array([count * 7 // 10, count * 8 // 10])
    train, valid, test = np.split(np.arange(count), bounds)
    return Dataset(
        name="told",
        modalities={STREAM: Modality(features.astype(np.float16).astype(np.float32), lengths), "audio": audio},
        tasks={"mood": Task("regression", mood, bounds=None if noise else (-1.0, 1.0))},
        splits={"train": train, "valid": valid, "test": test},
        ids=tuple(f"c{place}" for place in range(count)),
        groups=np.arange(count) // 2,
        encoders={STREAM: {**encoder.facts, "half": True}},
        transcripts=tuple(texts),
    )


def clips(texts: list[str]) -> list[Clip]:
    return [Clip(text) for text in texts]
