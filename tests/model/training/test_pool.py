"""Samples on a device: batches, targets, and statistics of each fold."""

import dataclasses

import numpy as np
import torch

from haemsa.model.data.dataset import Modality
from haemsa.model.data.task import Task
from haemsa.model.schema import Schema
from haemsa.model.training.fold_statistics import FoldStatistics
from haemsa.model.training.pool import Pool, batches
from tests.support.model.cohort_tools import padded
from tests.support.model.random_genomes import SCHEMA, small_dataset, three_folds

DATA = small_dataset()
POOL, FOLDS = Pool.of(DATA), three_folds(len(DATA))
STATISTICS = FoldStatistics.fit(POOL, FOLDS)


def test_the_schema_tells_shapes_and_tasks_and_survives_json() -> None:
    assert Schema.of(DATA) == SCHEMA
    assert Schema.from_dict(SCHEMA.to_dict()) == SCHEMA


def test_a_batch_is_cropped_to_its_longest_sample() -> None:
    indices = np.flatnonzero(DATA.modalities["text"].lengths <= 3)[:5]
    batch = POOL.batch(indices)
    lengths = DATA.modalities["text"].lengths[indices]
    features, real = padded(batch, "text")
    assert features.shape == (5, lengths.max(), 7)
    assert real.sum(1).tolist() == np.maximum(lengths, 1).tolist()
    assert batch.present["text"].tolist() == (lengths > 0).tolist()


def test_means_are_over_real_steps() -> None:
    item = DATA.modalities["text"]
    sample = int(np.flatnonzero(item.lengths == 4)[0])
    expected = item.features[sample, :4].mean(0)
    np.testing.assert_allclose(POOL.batch(np.array([sample])).means["text"][0], expected, rtol=1e-5, atol=1e-6)


def test_targets_say_which_labels_are_known() -> None:
    targets = POOL.targets_at(torch.arange(len(DATA)))
    for name, task in DATA.tasks.items():
        values, known = targets[name]
        missing = np.isnan(task.targets) if task.kind != "classes" else task.targets < 0
        assert missing.any()
        assert np.array_equal(known.squeeze().numpy() == 0, missing)
        assert bool(torch.isfinite(values).all())


def test_feature_statistics_are_those_of_present_training_samples() -> None:
    item = DATA.modalities["audio"]
    for fold, held_out in enumerate(FOLDS.held_out):
        chosen = ~held_out & (item.lengths > 0)
        means = item.features[chosen].sum(1) / item.lengths[chosen, None]
        pooled = STATISTICS.features.pooled["audio"]
        np.testing.assert_allclose(pooled.mean[fold], means.mean(0), atol=1e-6)
        np.testing.assert_allclose(1 / pooled.scale[fold], means.std(0), rtol=1e-5)
        samples = zip(item.features[chosen], item.lengths[chosen], strict=True)
        steps = np.concatenate([features[:length] for features, length in samples])
        np.testing.assert_allclose(STATISTICS.features.steps["audio"].mean[fold], steps.mean(0), atol=1e-6)
        np.testing.assert_allclose(1 / STATISTICS.features.steps["audio"].scale[fold], steps.std(0), rtol=1e-5)


def test_target_statistics_are_those_of_known_training_labels() -> None:
    targets = DATA.tasks["sentiment"].targets
    mean, deviation = STATISTICS.targets["sentiment"]
    for fold, held_out in enumerate(FOLDS.held_out):
        known = targets[~held_out & ~np.isnan(targets)]
        assert abs(float(mean[fold]) - known.mean()) < 1e-6
        assert abs(float(deviation[fold]) - known.std()) < 1e-6
    assert set(STATISTICS.targets) == {"sentiment"}


def test_a_feature_or_target_constant_in_a_fold_is_not_scaled() -> None:
    item = DATA.modalities["vision"]
    still = Modality(
        np.where(item.lengths[:, None, None] > 0, np.float32(2), np.float32(0)) * np.ones_like(item.features),
        item.lengths,
    )
    task = Task("regression", np.full(len(DATA), 1.5, dtype=np.float32))
    data = dataclasses.replace(DATA, modalities={"vision": still}, tasks={"sentiment": task})
    found = FoldStatistics.fit(Pool.of(data), FOLDS)
    assert found.features.pooled["vision"].mean.tolist() == [[2.0] * 3] * 3
    assert found.features.pooled["vision"].scale.tolist() == [[1.0] * 3] * 3
    assert [part.tolist() for part in found.targets["sentiment"]] == [[1.5] * 3, [1.0] * 3]


def test_an_epoch_visits_every_sample_once_in_an_order_of_its_own() -> None:
    samples = np.arange(5, 75)
    first, again, second = (list(batches(samples, 16, seed=3, epoch=epoch)) for epoch in (0, 0, 1))
    assert [len(part) for part in first] == [18, 18, 17, 17]
    assert sorted(np.concatenate(first)) == list(samples)
    assert all(np.array_equal(a, b) for a, b in zip(first, again, strict=True))
    assert not np.array_equal(np.concatenate(first), np.concatenate(second))
    assert [len(part) for part in batches(np.arange(3), 16, seed=0, epoch=0)] == [3]
