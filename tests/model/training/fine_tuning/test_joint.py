"""Networks and adapters in training together, on an encoder with random weights."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import pytest
import torch

from haemsa.model.data.dataset import Dataset
from haemsa.model.data.folds import holdout
from haemsa.model.data.normalisation import Normalisation
from haemsa.model.encoders.adapters import Adapters
from haemsa.model.encoders.opening import open_recorded
from haemsa.model.encoders.text import TextEncoder
from haemsa.model.network.cohort import CohortRow
from haemsa.model.spec.genome import Genome
from haemsa.model.spec.network import EncoderSpec, ExpertSpec, LevelSpec, NetworkSpec
from haemsa.model.spec.training import TrainingGenes
from haemsa.model.training.fine_tuning import joint
from haemsa.model.training.fine_tuning.joint import JointTraining
from haemsa.model.training.fine_tuning.text_stream import TOKENS, TextStream
from haemsa.model.training.fold_statistics import FoldStatistics
from haemsa.model.training.pool import Pool
from haemsa.model.training.train import TrainedRow, train
from tests.support.model.cohort_tools import padded
from tests.support.model.told_data import STREAM, told_data


@dataclass
class Trained:
    pool: Pool
    texts: Sequence[str]
    statistics: FoldStatistics
    scaling: tuple[np.ndarray, np.ndarray]
    rows: list[TrainedRow]
    encoder: TextEncoder
    adapters: Adapters

    def stream(self, tokens: int = TOKENS) -> TextStream:
        return TextStream(STREAM, self.encoder, self.texts, *self.scaling, tokens=tokens)

    def joint(self, tokens: int = TOKENS) -> JointTraining:
        self.adapters.reset(5)
        rows = [trained.row for trained in self.rows]
        weights = [trained.weights for trained in self.rows]
        return JointTraining(rows, weights, self.pool, self.statistics, 40, (self.stream(tokens), self.adapters))


def genome(kind: str, levels: int) -> Genome:
    level = LevelSpec((ExpertSpec((STREAM, "audio"), width=4),))
    specs = (EncoderSpec(STREAM, kind), EncoderSpec("audio"))
    return Genome(NetworkSpec(8, specs, (level,) * levels), TrainingGenes(epochs=3, modality_dropout=0.2))


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Dataset:
    return told_data(tmp_path_factory.mktemp("told"))


@pytest.fixture(scope="module")
def trained(data: Dataset) -> Trained:
    normalisation, samples = Normalisation.fit(data), data.pool()
    pool, folds = Pool.of(normalisation.apply(samples)), holdout(samples)
    cohort = [CohortRow(genome("mean", 1), 0), CohortRow(genome("attention", 2), 1), CohortRow(genome("mean", 1), 2)]
    rows = [row for row in train(cohort, pool, folds) if isinstance(row, TrainedRow)]
    encoder = open_recorded(STREAM, data.encoders[STREAM])
    assert isinstance(encoder, TextEncoder)
    scaling = normalisation.mean[STREAM], normalisation.scale[STREAM]
    statistics = FoldStatistics.fit(pool, folds)
    return Trained(pool, samples.transcripts, statistics, scaling, rows, encoder, Adapters(encoder.pretrained))


def batches(trained: Trained) -> list[np.ndarray]:
    return np.array_split(np.flatnonzero(trained.statistics.trains[0].numpy()), 3)


def test_new_adapters_give_the_features_and_answers_of_before(trained: Trained) -> None:
    joint_training, samples = trained.joint(), np.array([9, 2, 4, 40])
    expected = trained.pool.batch(samples)
    with torch.no_grad():
        found = trained.stream().into(trained.pool.batch(samples, reads=["audio"]), samples)
    (features, real), (known, known_real) = (padded(batch, STREAM) for batch in (found, expected))
    assert torch.equal(real, known_real)
    torch.testing.assert_close(features, known, atol=4e-3, rtol=0)
    torch.testing.assert_close(found.means[STREAM], expected.means[STREAM], atol=4e-3, rtol=0)
    for row, outputs in zip(trained.rows, joint_training.outputs(samples), strict=True):
        np.testing.assert_allclose(outputs["mood"], row.outputs["mood"][samples], atol=4e-3)
    for row, weights in zip(trained.rows, joint_training.weights(), strict=True):
        assert all(torch.equal(row.weights[name], values) for name, values in weights.items())


def test_training_moves_adapters_and_networks_and_makes_the_error_smaller(
    trained: Trained, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(joint, "RATE", 1e-2)
    joint_training = trained.joint()
    samples = np.concatenate(batches(trained))
    wanted = trained.pool.targets["mood"].values.numpy()[samples]
    before = joint_training.outputs(samples)
    assert all(joint_training.epoch(batches(trained)) for _ in range(8))
    after = joint_training.outputs(samples)
    assert all(bool(one.any()) for name, one in trained.adapters.state().items() if "pooler" not in name)
    for row, old, new in zip(trained.rows, before, after, strict=True):
        assert np.abs(new["mood"] - wanted).mean() < np.abs(old["mood"] - wanted).mean() - 0.05, row.row
    changed = joint_training.weights()[1]
    assert all((values != trained.rows[1].weights[name]).any() for name, values in changed.items() if ".out" in name)


def test_without_adapters_only_the_networks_train_on(trained: Trained) -> None:
    rows, weights = [one.row for one in trained.rows], [one.weights for one in trained.rows]
    trained.adapters.reset(5)
    before = trained.adapters.state()
    alone = JointTraining(rows, weights, trained.pool, trained.statistics, 40, None)
    samples = np.arange(6)
    for row, outputs in zip(trained.rows, alone.outputs(samples), strict=True):
        np.testing.assert_allclose(outputs["mood"], row.outputs["mood"][samples], atol=1e-5)
    assert alone.epoch(batches(trained))
    assert all(torch.equal(before[name], one) for name, one in trained.adapters.state().items())
    together = trained.joint()  # its adapters change nothing at first, so a first step is the same for the networks
    alone = JointTraining(rows, weights, trained.pool, trained.statistics, 40, None)
    assert together.epoch(batches(trained)[:1]) and alone.epoch(batches(trained)[:1])
    for one, other in zip(together.weights(), alone.weights(), strict=True):
        assert all(torch.allclose(values, other[name], atol=1e-2) for name, values in one.items())


def test_parts_of_a_batch_give_what_the_whole_batch_gives(trained: Trained) -> None:
    states, weights = [], []
    for tokens in (TOKENS, 20):  # 20: two transcripts at a time
        joint_training = trained.joint(tokens)
        assert joint_training.epoch(batches(trained)[:1])
        states.append(trained.adapters.state())
        weights.append(joint_training.weights())
    assert any(bool(one.any()) for name, one in states[0].items() if "lora_B" in name)
    for name, whole in states[0].items():
        torch.testing.assert_close(states[1][name], whole, atol=1e-5, rtol=1e-4)
    for whole_row, row in zip(*weights, strict=True):
        for name, values in whole_row.items():
            torch.testing.assert_close(row[name], values, atol=1e-5, rtol=1e-4)


def test_the_same_seed_gives_the_same_training_whatever_was_drawn_before(trained: Trained) -> None:
    states = []
    for seed in (1, 2):
        torch.manual_seed(seed)
        assert trained.joint().epoch(batches(trained))
        states.append(trained.adapters.state())
    assert all(torch.equal(states[0][name], values) for name, values in states[1].items())


def test_a_loss_that_is_not_finite_is_told(trained: Trained) -> None:
    values = trained.rows[0].weights
    broken = {name: one * np.nan if name.endswith("weight") else one for name, one in values.items()}
    lost = replace(trained, rows=[replace(trained.rows[0], weights=broken), *trained.rows[1:]])
    assert not lost.joint().epoch(batches(trained)[:1])
