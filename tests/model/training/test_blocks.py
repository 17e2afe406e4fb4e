"""Samples of like length side by side: fewer padded steps, and the same results."""

import numpy as np
import pytest
import torch

from haemsa.model.training import blocks
from haemsa.model.training.blocks import arrange, in_one_block
from haemsa.model.training.pool import Pool
from haemsa.model.training.train import TrainingSettings, train
from tests.support.model.cohort_tools import same_weights
from tests.support.model.random_genomes import random_rows, small_dataset, three_folds

DATA = small_dataset()
POOL, FOLDS = Pool.of(DATA), three_folds(len(DATA))
LENGTHS = {"text": np.array([9, 3, 40, 4, 35, 1]), "audio": np.array([1, 2, 2, 1, 2, 1])}
SHAPES = {"text": (40, 1000), "audio": (2, 10)}


def test_samples_of_like_length_are_a_block_of_a_multiple_of_eight_steps() -> None:
    found = arrange(np.array([1, 2, 3, 4]), LENGTHS, SHAPES)
    assert found.samples.tolist() == [1, 3, 2, 4]
    assert found.order is not None
    assert found.order.tolist() == [0, 2, 1, 3]
    assert found.blocks == {"text": ((2, 8), (2, 40)), "audio": ((2, 2), (2, 2))}
    place, number = found.steps["audio"]
    assert (place.tolist(), number.tolist()) == ([0, 0, 1, 1, 2, 2, 3, 3], [0, 1] * 4)


@pytest.mark.parametrize("samples", [[5, 1, 3], [4]])
def test_where_little_is_saved_samples_stay_as_they_are(samples: list[int]) -> None:
    found = arrange(np.array(samples), LENGTHS, SHAPES)
    assert (found.samples.tolist(), found.order, len(found.blocks["text"])) == (samples, None, 1)
    assert arrange(np.array(samples), {}, SHAPES).samples.tolist() == samples


def test_one_block_has_as_many_steps_as_its_longest_sample() -> None:
    found = in_one_block(np.array([0, 4]), LENGTHS)
    assert (found.samples.tolist(), found.blocks) == ([0, 4], {"text": ((2, 35),), "audio": ((2, 2),)})


def test_training_in_blocks_is_training_in_one(monkeypatch: pytest.MonkeyPatch) -> None:
    rows, settings = random_rows(8, 1, folds=3), TrainingSettings(dtype=torch.float64)
    together = train(rows, POOL, FOLDS, settings)
    monkeypatch.setattr(blocks, "_BLOCK_COST", 0)
    monkeypatch.setattr(blocks, "_MULTIPLE", 1)
    read = next(POOL.read([np.arange(16)], torch.float64, ["text", "audio"]))[1]
    assert len(read.steps["text"].blocks) > 2
    for here, there in same_weights(train(rows, POOL, FOLDS, settings), together):
        for name, outputs in there.outputs.items():
            np.testing.assert_allclose(here.outputs[name], outputs, rtol=1e-5, atol=1e-6)
