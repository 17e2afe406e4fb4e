"""What a saved model does on Ray workers, it does in this process too."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from haemsa.cluster.config import Compute
from haemsa.cluster.final_model.evaluate import evaluate_model
from haemsa.cluster.final_model.load import load_for, load_model, load_samples
from haemsa.cluster.final_model.predictions import in_parts, prediction_blocks
from haemsa.model.data.samples import Samples
from haemsa.model.predictor.new_samples import new_samples
from tests.support.cluster.saved_model import saved_model
from tests.support.cluster.tiny import data

RAY = Compute(backend="ray", workers=2)


@pytest.fixture(scope="module")
def saved(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return saved_model(tmp_path_factory.mktemp("saved"))


def test_parts_of_samples_have_few_bytes_and_read_what_is_in_a_file(saved: Path) -> None:
    samples = load_samples(load_model(saved), str(saved.parent / "tiny.h5"))
    (block,) = samples.blocks()
    parts = list(in_parts(block, most=1))
    assert [len(part) for part in parts] == [len(block)]  # of whole batches
    assert all(isinstance(item.features, np.ndarray) for item in parts[0].modalities.values())
    many = Samples.of(data()).take(np.arange(600) % 200)
    assert [len(part) for part in in_parts(many, most=1)] == [256, 256, 88]


@pytest.mark.ray
def test_rows_of_predictions_come_in_the_order_of_the_samples(
    ray_cluster: None, saved: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(new_samples, "BLOCK", 16)
    model = load_model(saved)
    samples = load_samples(model, str(saved.parent / "tiny.h5"))
    here, workers = (pd.concat(prediction_blocks(model, samples, compute=place)) for place in (None, RAY))
    assert workers["id"].tolist() == here["id"].tolist() == list(data().ids)
    pd.testing.assert_frame_equal(here, workers, rtol=1e-5)


@pytest.mark.ray
def test_scores_with_modalities_missing_are_the_same(ray_cluster: None, saved: Path) -> None:
    model = load_model(saved)
    dataset = load_for(model, str(saved.parent / "tiny.h5"))
    here, workers = (evaluate_model(model, dataset, missing=True, compute=place) for place in (None, RAY))
    assert list(here) == list(workers)
    for shown, evaluation in here.items():
        for name, figures in evaluation.table["model"].items():
            assert workers[shown].table["model"][name]["mean"] == pytest.approx(figures["mean"], rel=1e-5, nan_ok=True)
