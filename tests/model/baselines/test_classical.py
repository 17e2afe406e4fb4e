"""Baselines: models of scikit-learn, and the network like MISA as one of them."""

import dataclasses

import numpy as np
import pytest

from haemsa.model.baselines.classical import RANGES, Classical, draw, kinds, outputs, summaries
from haemsa.model.data.task import Task
from haemsa.model.metrics import task_metrics
from tests.support.model.random_genomes import small_dataset

DATA = small_dataset(count=120, absent=0.0, unlabelled=0.1)
TRAIN, REST = np.arange(90), np.arange(90, 120)
MIDDLE = {kind: {name: float(np.sqrt(low * high)) for name, (low, high) in RANGES[kind].items()} for kind in RANGES}


def test_drawn_settings_lie_in_their_ranges_and_read_as_many_modalities_as_they_must() -> None:
    rng = np.random.default_rng(0)
    for kind, ranges in RANGES.items():
        models = [draw(kind, ("text", "audio", "vision"), rng) for _ in range(40)]
        assert {len(model.modalities) for model in models} >= ({2, 3} if kind == "misa" else {1, 3})
        for name, (low, high) in ranges.items():
            assert all(low <= model.settings[name] <= high for model in models)


def test_sequences_are_summarised_by_their_mean_and_deviation() -> None:
    found = summaries(DATA)
    text = DATA.modalities["text"]
    steps = text.features[3, : text.lengths[3]]
    np.testing.assert_allclose(found["text"][3], np.concatenate([steps.mean(0), steps.std(0)]), atol=1e-4)
    assert found["vision"].shape[1] == DATA.modalities["vision"].width


@pytest.mark.parametrize("name", DATA.tasks)
def test_each_model_learns_each_task_from_only_the_training_samples(name: str) -> None:
    task, features = DATA.tasks[name], summaries(DATA)
    for kind in kinds(task, tuple(features)):
        model = Classical(kind, tuple(features), MIDDLE[kind])
        found = outputs(model, features, task, TRAIN)
        assert found.shape == (len(DATA), task.outputs)
        other = {key: np.where(np.arange(120)[:, None] < 90, values, 0) for key, values in features.items()}
        np.testing.assert_allclose(outputs(model, other, task, TRAIN)[TRAIN], found[TRAIN], atol=1e-5)
        trained = task_metrics(task, task.targets[TRAIN], found[TRAIN])
        if task.kind == "regression":
            constant = float(np.nanmean(np.abs(task.targets[TRAIN] - np.nanmean(task.targets[TRAIN]))))
            assert trained["mae"] < constant
        else:
            assert trained["accuracy"] > 0.5


def test_a_network_that_tells_modalities_apart_is_for_several_of_them() -> None:
    task = DATA.tasks["sentiment"]
    assert kinds(task, ("text", "audio")) == ("ridge", "svr", "boosting", "misa")
    assert kinds(task, ("text",)) == ("ridge", "svr", "boosting")


def test_a_class_that_training_lacks_is_never_chosen() -> None:
    features = summaries(DATA)
    labels = np.where(np.arange(120) % 2, 2, 0)
    task = Task("classes", labels.astype(np.int64), ("a", "b", "c"))
    found = outputs(Classical("svc", tuple(features), MIDDLE["svc"]), features, task, TRAIN)
    assert set(found.argmax(1).tolist()) <= {0, 2}


def test_a_label_that_never_changes_in_training_is_predicted_as_it_is() -> None:
    features = summaries(DATA)
    targets = np.ones((120, 2), np.float32)
    targets[::2, 1] = 0
    task = dataclasses.replace(DATA.tasks["traits"], targets=targets)
    found = outputs(Classical("logistic", tuple(features), MIDDLE["logistic"]), features, task, TRAIN)
    assert (found[:, 0] > 0).all()


@pytest.mark.parametrize("unit", [2.0**-30, 2.0**70])
def test_labels_in_another_unit_give_the_same_models(unit: float) -> None:
    task, features = DATA.tasks["sentiment"], summaries(DATA)
    scaled = dataclasses.replace(task, targets=(task.targets * unit).astype(np.float32), bounds=None)
    for kind in kinds(task, tuple(features)):
        model = Classical(kind, tuple(features), MIDDLE[kind])
        found, plain = outputs(model, features, scaled, TRAIN), outputs(model, features, task, TRAIN)
        np.testing.assert_allclose(found / np.float32(unit), plain, rtol=1e-4, atol=1e-5)
