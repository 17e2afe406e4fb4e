"""Small data to check: text says something of the labels, audio nothing; whole groups lie in one split."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray

from haemsa.cluster.data_check import check as check_module
from haemsa.cluster.data_check.check import DataCheck
from haemsa.model.data.dataset import Dataset, Modality, Task

SIZES = {"train": 240, "valid": 60, "test": 120}
GROUP = 4


def honest(seed: int = 0, kind: str = "regression") -> Dataset:
    """Samples in groups of four, which differ in their labels and in their features."""
    rng, samples = np.random.default_rng(seed), sum(SIZES.values())
    groups = np.arange(samples) // GROUP
    hidden = rng.normal(size=samples) + 0.7 * rng.normal(size=groups.max() + 1)[groups]
    text = rng.normal(size=(samples, 12)) + 0.5 * rng.normal(size=(groups.max() + 1, 12))[groups]
    text[:, :3] += hidden[:, None]
    audio = rng.normal(size=(samples, 8)) + 0.5 * rng.normal(size=(groups.max() + 1, 8))[groups]
    ends = np.cumsum([0, *SIZES.values()])
    return Dataset(
        name="made",
        modalities={"text": _modality(text), "audio": _modality(audio)},
        tasks={"mood": _task(hidden + 0.5 * rng.normal(size=samples), kind)},
        splits={split: np.arange(*ends[i : i + 2]) for i, split in enumerate(SIZES)},
        ids=tuple(f"clip{group}_{number}" for number, group in enumerate(groups)),
        groups=groups,
    )


def check(data: Dataset) -> DataCheck:
    """A check that leaves open what modalities are worth, which takes nine tenths of the time."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(check_module, "worth_of", lambda *_: None)
        return check_module.check(data)


def changed(
    data: Dataset, name: str, features: NDArray[np.float32], lengths: NDArray[np.int64] | None = None
) -> Dataset:
    """The data with other features [N, T, D] in one modality."""
    item = Modality(features, data.modalities[name].lengths if lengths is None else lengths)
    return replace(data, modalities={**data.modalities, name: item})


def leaking(data: Dataset, *splits: str, name: str = "audio", noise: float = 0.3) -> Dataset:
    """The data with a column of `name` that tells the labels of `splits`, and is as noisy as others elsewhere."""
    rng, features = np.random.default_rng(9), data.modalities[name].features.copy()
    targets = next(iter(data.tasks.values())).targets.reshape(len(data), -1)[:, 0].astype(np.float64)
    for split in splits:
        indices = data.splits[split]
        told = (targets[indices] - targets.mean()) / targets.std()
        features[indices, 0, 2] = told + noise * rng.normal(size=len(indices))
    return changed(data, name, features)


def _modality(features: NDArray[np.float64]) -> Modality:
    return Modality(features[:, None, :].astype(np.float32), np.ones(len(features), dtype=np.int64))


def _task(values: NDArray[np.float64], kind: str) -> Task:
    if kind == "regression":
        return Task("regression", values.astype(np.float32))
    if kind == "classes":
        return Task("classes", np.digitize(values, (-0.7, 0.7)), ("sad", "calm", "glad"))
    return Task("multilabel", np.stack([values > 0, values > 1], axis=1).astype(np.float32), ("glad", "very"))
