"""Predictions of trained rows: by a network that is built for them, or by the one in which they train."""

from __future__ import annotations

import numpy as np
import torch

from haemsa.model.training import train as training
from haemsa.model.training.fold_statistics import FoldStatistics
from haemsa.model.training.inference import outputs_hiding, predict_hiding
from haemsa.model.training.plan import Plan
from haemsa.model.training.pool import Pool
from haemsa.model.training.train import TrainingSettings
from tests.support.model.random_genomes import random_rows, small_dataset, three_folds

DATA = small_dataset()
POOL, FOLDS = Pool.of(DATA), three_folds(len(DATA))
STATISTICS = FoldStatistics.fit(POOL, FOLDS)


def test_a_network_in_training_predicts_for_some_rows_as_one_of_only_these_rows() -> None:
    rows = random_rows(6, 1, folds=3, epochs=2)
    plans = [Plan.of(index, row, None, None, 0.5) for index, row in enumerate(rows)]
    run = training._Run(plans, POOL, STATISTICS, TrainingSettings(dtype=torch.float64))
    run.train_epoch([np.arange(20), np.arange(20, 40)])
    run.average.copy_(run.optimizer.values * 0.5)
    trained, places = run.optimizer.values.clone(), [4, 1]
    what = (POOL, STATISTICS, [(), ("text",)], np.arange(10, 50))
    with run.optimizer.showing(run.average):
        inside = outputs_hiding(run.stepper.network, places, *what, batch_size=16)
    weights = run.optimizer.extract(run.average, places)
    alone = predict_hiding([rows[place] for place in places], weights, *what, torch.float64)
    assert torch.equal(run.optimizer.values, trained)
    for here, there in zip(inside, alone, strict=True):
        for row, expected in zip(here, there, strict=True):
            assert any(values.any() for values in expected.values())
            for task, values in expected.items():
                np.testing.assert_allclose(row[task], values, rtol=1e-5, atol=1e-6)


def test_rows_with_a_number_that_is_not_finite_are_named() -> None:
    rows = random_rows(3, 1, epochs=2)
    run = training._Run(
        [Plan.of(index, row, None, None, 0.5) for index, row in enumerate(rows)], POOL, STATISTICS, TrainingSettings()
    )
    array = run.optimizer.values.clone().fill_(1e30)  # whose square is infinite
    assert run.optimizer.finite_rows(array) == [True, True, True]
    (damaged,) = run.optimizer.extract(torch.arange(run.optimizer.layout.size), [1])
    for number, name in ((torch.inf, "heads.sentiment.bias"), (torch.nan, "heads.emotion.weight")):
        broken = array.clone()
        broken[damaged[name].flatten()[-1]] = number
        assert run.optimizer.finite_rows(broken) == [True, False, True]
