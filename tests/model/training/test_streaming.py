"""Training on features that stay in their file is training on features in memory."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from haemsa.model.data.dataset import Dataset
from haemsa.model.data.normalisation import Normalisation
from haemsa.model.data.store.file import read, write
from haemsa.model.data.streamed import StoredFeatures
from haemsa.model.predictor.inputs import inputs_of
from haemsa.model.predictor.predictor import Predictor
from haemsa.model.schema import Schema
from haemsa.model.training.fold_statistics import FoldStatistics
from haemsa.model.training.pool import Pool
from haemsa.model.training.train import TrainedRow, train
from tests.support.model.random_genomes import random_rows, small_dataset, three_folds

ROWS = random_rows(6, seed=3, folds=3, epochs=3)


def trained(data: Dataset) -> tuple[list[TrainedRow], Predictor]:
    normalisation, folds = Normalisation.fit(data), three_folds(len(data))
    pool = Pool.of(normalisation.apply(data))
    rows = [row for row in train(ROWS, pool, folds) if isinstance(row, TrainedRow)]
    return rows, Predictor.of(rows, FoldStatistics.fit(pool, folds), Schema.of(data), normalisation, {})


@pytest.mark.parametrize("half", [False, True])
def test_the_same_genomes_get_the_same_weights_outputs_and_predictions(tmp_path: Path, half: bool) -> None:
    write(small_dataset(), tmp_path / "data.h5", half=half)
    memory, streamed = read(tmp_path / "data.h5", stream=False), read(tmp_path / "data.h5", stream=True)
    assert all(isinstance(item.features, StoredFeatures) for item in streamed.modalities.values())
    (one, predictor), (other, streaming) = trained(memory), trained(streamed)
    assert len(one) == len(other) == len(ROWS)
    for a, b in zip(one, other, strict=True):
        assert all(torch.equal(a.weights[name], b.weights[name]) for name in a.weights)
        assert all(np.array_equal(a.outputs[name], b.outputs[name]) for name in a.outputs)
    expected, found = predictor.predict(inputs_of(memory)), streaming.predict(inputs_of(streamed))
    assert all(np.array_equal(expected[name], found[name]) for name in expected)


def test_batches_that_are_read_ahead_come_in_order_and_hold_what_was_asked_for(tmp_path: Path) -> None:
    write(small_dataset(), tmp_path / "data.h5")
    pools = [Pool.of(read(tmp_path / "data.h5", stream=stream)) for stream in (False, True)]
    parts = np.array_split(np.random.default_rng(0).permutation(60), 9)
    for some in ([], parts[:1], parts):
        memory, streamed = (list(pool.read(some, torch.float32, ["audio"])) for pool in pools)
        assert len(memory) == len(streamed) == len(some)
        for (one, a), (other, b) in zip(memory, streamed, strict=True):
            assert np.array_equal(one, other)
            assert list(a.steps) == list(b.steps) == ["audio"]
            assert torch.equal(a.steps["audio"].features, b.steps["audio"].features)
            assert torch.equal(a.means["text"], b.means["text"])


def test_an_error_while_reading_ahead_is_raised_where_the_batch_is_needed(tmp_path: Path) -> None:
    path = tmp_path / "data.h5"
    write(small_dataset(), path)
    pool = Pool.of(read(path, stream=True).take(np.arange(10)))
    lost = pool.features["audio"]
    assert isinstance(lost, StoredFeatures)
    pool.features["audio"] = replace(lost, path=tmp_path / "gone.h5")
    with pytest.raises(FileNotFoundError):
        list(pool.read([np.arange(3)], torch.float32, ["audio"]))
