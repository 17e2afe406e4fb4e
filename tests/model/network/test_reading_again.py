"""What cross-attention is for: text says at which moment to listen."""

import numpy as np

from haemsa.model.data.dataset import Dataset, Modality
from haemsa.model.data.folds import Folds
from haemsa.model.data.task import Task
from haemsa.model.network.cohort import CohortRow
from haemsa.model.spec.genome import Genome
from haemsa.model.spec.network import EncoderSpec, ExpertKind, ExpertSpec, LevelSpec, NetworkSpec
from haemsa.model.spec.training import TrainingGenes
from haemsa.model.training.pool import Pool
from haemsa.model.training.train import TrainedRow, train

KINDS = 4


def cued(count: int, rng: np.random.Generator) -> Dataset:
    """Each step of audio is of one of four kinds and has a value; text names the kind whose value is the label."""
    cue, order = rng.integers(KINDS, size=count), np.array([rng.permutation(KINDS) for _ in range(count)])
    values = rng.normal(size=(count, KINDS)).clip(-3, 3)
    label = values[order == cue[:, None]]
    audio = np.concatenate([np.eye(KINDS)[order], values[:, :, None]], -1).astype(np.float32)
    return Dataset(
        name="cued",
        modalities={
            "text": Modality(np.eye(KINDS, dtype=np.float32)[cue][:, None], np.ones(count, np.int64)),
            "audio": Modality(audio, np.full(count, KINDS)),
        },
        tasks={"value": Task("regression", label.astype(np.float32), bounds=(-3.0, 3.0))},
        splits={"train": np.arange(count)},
        ids=tuple(map(str, range(count))),
        groups=np.arange(count),
    )


def test_a_query_of_text_finds_the_step_that_a_mean_over_time_has_lost() -> None:
    data = cued(300, np.random.default_rng(0))
    held_out = np.arange(300) % 3 == 0
    genes = TrainingGenes(epochs=12, learning_rate=1e-2, dropout=0.0, feature_dropout=0.0)

    def row(kind: ExpertKind) -> CohortRow:
        level = LevelSpec((ExpertSpec(("text", "audio"), kind, 2, 16),))
        return CohortRow(Genome(NetworkSpec(16, (EncoderSpec("text"), EncoderSpec("audio")), (level,)), genes), 1)

    found = train([row("mlp"), row("cross_attention")], Pool.of(data), Folds(held_out[None], "holdout"))
    errors = []
    for result in found:
        assert isinstance(result, TrainedRow)
        errors.append(np.abs(result.outputs["value"][held_out, 0] - data.tasks["value"].targets[held_out]).mean())
    assert errors[1] < errors[0] / 2
