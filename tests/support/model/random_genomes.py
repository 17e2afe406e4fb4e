"""Random genomes of every kind, and small data with everything that real data may lack."""

from __future__ import annotations

from typing import Any, get_args

import numpy as np

from haemsa.model.data.dataset import Dataset, Modality, step_mask
from haemsa.model.data.folds import Folds
from haemsa.model.data.task import Task
from haemsa.model.network.cohort import Cohort, CohortRow, sort_order
from haemsa.model.schema import Schema, TaskInfo
from haemsa.model.spec.genome import Genome
from haemsa.model.spec.network import (
    GLOBAL,
    EncoderKind,
    EncoderSpec,
    ExpertKind,
    ExpertSpec,
    GateKind,
    GateSpec,
    LevelSpec,
    NetworkSpec,
)
from haemsa.model.spec.training import LossKind, TrainingGenes

SHAPES = {"text": (6, 7), "audio": (4, 5), "vision": (1, 3)}
SCHEMA = Schema(
    SHAPES,
    {
        "sentiment": TaskInfo("regression", bounds=(-3.0, 3.0)),
        "emotion": TaskInfo("classes", ("anger", "joy", "other")),
        "traits": TaskInfo("multilabel", ("calm", "loud")),
    },
)
"""Three modalities, the last without time, and one task of each kind."""


def random_encoder(modality: str, width: int, rng: np.random.Generator) -> EncoderSpec:
    """Any kind; as many heads as divide the width."""
    heads = int(rng.choice([n for n in (1, 2, 4) if width % n == 0]))
    return EncoderSpec(modality, str(rng.choice(get_args(EncoderKind))), heads, int(rng.choice((1, 3, 5))))


def random_expert(tokens: np.ndarray, rng: np.random.Generator) -> ExpertSpec:
    """Any kind, over any of the tokens; a tensor expert within its limits."""
    sees = tuple(str(name) for name in rng.permutation(tokens)[: rng.integers(1, len(tokens) + 1)])
    kind, depth, width = str(rng.choice(get_args(ExpertKind))), int(rng.integers(1, 4)), int(rng.integers(1, 10))
    return ExpertSpec(sees[:3], kind, 1, width) if kind == "tensor" else ExpertSpec(sees, kind, depth, width)


def random_level(used: tuple[str, ...], rng: np.random.Generator) -> LevelSpec:
    """One to four experts of any kind, over any tokens, and any gate."""
    tokens = np.array((*used, GLOBAL))
    experts = tuple(random_expert(tokens, rng) for _ in range(rng.integers(1, 5)))
    kind = str(rng.choice(get_args(GateKind)))
    gate = GateSpec(kind, int(rng.integers(1, 4)), float(rng.uniform(0.5, 2)), float(rng.choice((0.0, 0.5))))
    return LevelSpec(experts, gate, bool(rng.random() < 0.5))


def random_training(rng: np.random.Generator, **fixed: Any) -> TrainingGenes:
    """Training genes from wide ranges; dropouts are often off."""
    genes = {
        "epochs": int(rng.integers(1, 5)),
        "learning_rate": float(10 ** rng.uniform(-3.5, -2)),
        "weight_decay": float(10 ** rng.uniform(-4, -0.5)),
        "clip": float(10 ** rng.uniform(-1, 0.6)),
        "dropout": float(rng.choice((0.0, 0.3))),
        "feature_dropout": float(rng.choice((0.0, 0.4))),
        "modality_dropout": float(rng.choice((0.0, 0.3))),
        "balance": float(10 ** rng.uniform(-3, -1)),
    }
    return TrainingGenes(**{**genes, **_later_genes(rng), **fixed})


def _later_genes(rng: np.random.Generator) -> dict[str, Any]:
    """What genomes of format 1 lack; each is often without effect."""
    tasks = [name for name in SCHEMA.tasks if rng.random() < 0.3]
    return {
        "loss": str(rng.choice(get_args(LossKind))),
        "task_weights": tuple((task, float(10 ** rng.uniform(-1, 0.5))) for task in tasks),
        **{name: float(rng.choice((0.0, 0.7))) for name in ("class_balance", "distillation")},
    }


def random_genome(rng: np.random.Generator, **fixed: Any) -> Genome:
    """Any network over some of the modalities; `fixed` training genes are not drawn."""
    chosen = rng.permutation(list(SHAPES))[: rng.integers(1, len(SHAPES) + 1)]
    used = tuple(str(name) for name in chosen)
    width = int(rng.integers(2, 13))
    encoders = tuple(random_encoder(name, width, rng) for name in used)
    levels = tuple(random_level(used, rng) for _ in range(rng.integers(0, 4)))
    return Genome(NetworkSpec(width, encoders, levels), random_training(rng, **fixed))


def random_rows(count: int, seed: int, folds: int = 1, **fixed: Any) -> list[CohortRow]:
    """Rows with genomes, seeds and folds at random, sorted as a cohort wants them."""
    rng = np.random.default_rng(seed)
    rows = [
        CohortRow(random_genome(rng, **fixed), int(rng.integers(1000)), int(rng.integers(folds))) for _ in range(count)
    ]
    return [rows[index] for index in sort_order(rows)]


def random_cohort(count: int, seed: int, folds: int = 1, **fixed: Any) -> Cohort:
    """A cohort of `random_rows` for `SCHEMA`."""
    return Cohort(random_rows(count, seed, folds, **fixed), SCHEMA)


def small_dataset(count: int = 60, seed: int = 0, absent: float = 0.2, unlabelled: float = 0.2) -> Dataset:
    """Learnable data for `SCHEMA`, lengths, absent modalities and missing labels at random; 3/4 is for training."""
    rng = np.random.default_rng(seed)
    signal = rng.normal(size=count)
    tasks = _tasks(signal, rng.random(count) < unlabelled, rng)
    train = count * 3 // 4
    return Dataset(
        name="small",
        modalities={name: _modality(signal, *shape, absent, rng) for name, shape in SHAPES.items()},
        tasks=tasks,
        splits={"train": np.arange(train), "valid": np.arange(train, count)},
        ids=tuple(f"sample {number}" for number in range(count)),
        groups=np.arange(count) // 3,
    )


def _modality(signal: np.ndarray, steps: int, width: int, absent: float, rng: np.random.Generator) -> Modality:
    lengths = rng.integers(1, steps + 1, len(signal)) * (rng.random(len(signal)) >= absent)
    features = rng.normal(size=(len(signal), steps, width)) + signal[:, None, None] * rng.normal(size=width)
    features *= step_mask(lengths, steps)[:, :, None]
    return Modality(features.astype(np.float32), lengths)


def _tasks(signal: np.ndarray, unlabelled: np.ndarray, rng: np.random.Generator) -> dict[str, Task]:
    sentiment = np.where(unlabelled, np.nan, np.clip(signal, -3, 3)).astype(np.float32)
    emotion = np.where(rng.permutation(unlabelled), -1, np.digitize(signal, (-0.5, 0.5)))
    traits = np.stack([signal > 0, signal > 1], 1).astype(np.float32)
    traits[rng.permutation(unlabelled), 0] = np.nan
    infos = SCHEMA.tasks
    return {
        "sentiment": Task("regression", sentiment, bounds=infos["sentiment"].bounds),
        "emotion": Task("classes", emotion, infos["emotion"].labels),
        "traits": Task("multilabel", traits, infos["traits"].labels),
    }


def three_folds(count: int, seed: int = 0) -> Folds:
    """Each sample held out by one of three folds."""
    fold = np.random.default_rng(seed).integers(3, size=count)
    return Folds(fold[None] == np.arange(3)[:, None], "folds:3")
