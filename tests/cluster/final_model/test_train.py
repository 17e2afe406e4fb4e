"""From predictions to a table of figures."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from haemsa.cluster.config import Compute
from haemsa.cluster.final_model.calibrate import out_of_fold
from haemsa.cluster.final_model.networks import Networks
from haemsa.cluster.final_model.predictions import predictions
from haemsa.cluster.final_model.recipe import Recipe
from haemsa.cluster.final_model.train import train_calibrated, train_for_good, train_predictor
from haemsa.cluster.final_model.trainer import Trainer
from haemsa.model.data.dataset import Dataset, Modality, Task
from haemsa.model.predictor.calibration import Interval
from haemsa.model.predictor.inputs import inputs_of
from haemsa.model.predictor.predictor import Predictor
from haemsa.model.predictor.scores import member_metrics, summarise
from haemsa.model.schema import Schema, TaskInfo
from haemsa.model.spec.genome import Genome
from haemsa.model.spec.network import EncoderSpec, NetworkSpec
from haemsa.model.spec.training import TrainingGenes
from tests.support.cluster.tiny import data, stored

GENOMES = [
    Genome(NetworkSpec(width, (EncoderSpec("text"), EncoderSpec("audio"))), TrainingGenes(epochs=3))
    for width in (8, 12)
]
INLINE = Compute(backend="inline")
ONE = Recipe(((GENOMES[0], 1),), validation="folds:2", compute=INLINE)


def four_samples() -> Dataset:
    traits = np.array([[1, 0], [0, 1], [1, 1], [0, 0]], np.float32)
    return Dataset(
        name="four",
        modalities={"text": Modality(np.ones((4, 1, 2), np.float32), np.ones(4, np.int64))},
        tasks={"traits": Task("multilabel", traits, ("calm", "loud")), "score": Task("regression", traits[:, 0])},
        splits={"train": np.arange(2), "valid": np.arange(2, 4)},
        ids=tuple("abcd"),
        groups=np.arange(4),
    )


def test_a_label_is_given_where_its_probability_is_above_one_half() -> None:
    shares = np.array([[0.9, 0.1], [0.2, 0.6], [0.7, 0.4], [0.3, 0.3]], np.float32)  # one of eight is wrong
    assert member_metrics(four_samples(), {"traits": shares})["accuracy"] == 7 / 8


def test_tasks_that_a_model_does_not_predict_are_left_out() -> None:
    found = member_metrics(four_samples(), {"score": np.full((4, 1), 0.25, np.float32)})
    assert found["mae"] == 0.5
    assert set(found) == {"mae", "corr", "ccc"}


def test_figures_are_mean_deviation_and_values_over_networks() -> None:
    assert summarise([{"mae": 1.0}, {"mae": 2.0}]) == {
        "mae": {"mean": 1.5, "std": pytest.approx(0.5**0.5), "values": [1.0, 2.0]}
    }
    assert summarise([{"mae": 1.0}]) == {"mae": {"mean": 1.0, "std": 0.0, "values": [1.0]}}


def test_a_genome_that_held_out_the_validation_split_is_calibrated_on_it() -> None:
    recipe = replace(ONE, validation="holdout")
    trainer = Trainer.of(recipe, data())
    model = train_calibrated(trainer, "tiny", 2)
    assert model.info["calibration"] == "calibrated on the validation split"
    held_out = model.info["held_out"]
    assert held_out["plain"]["own"] == held_out["metrics"]["sentiment/mae"]
    labels = {name: data().part(name).tasks["sentiment"].targets for name in ("train", "valid")}
    error = np.abs(labels["valid"] - np.median(labels["train"])).mean()
    assert held_out["plain"]["scores"]["a constant"] == pytest.approx(error)
    assert set(held_out["plain"]["scores"]) == {"a linear model", "a constant"}
    valid = data().part("valid")
    frame = predictions(model, valid)
    labels = valid.tasks["sentiment"].targets
    held = (frame["sentiment_low"] - 1e-6 <= labels) & (labels <= frame["sentiment_high"] + 1e-6)
    assert held.sum() == 37  # of 40: the error of rank 41 times .9 is kept within


def test_each_column_of_values_lies_within_the_bounds_and_each_interval_holds_its_value() -> None:
    trainer = Trainer.of(ONE, data())
    model = train_predictor(trainer, "tiny", 2)
    tasks = {**model.tasks, "sentiment": TaskInfo("regression", bounds=(-0.25, 0.25))}
    bounded = replace(model, schema=Schema(model.modalities, tasks), calibration={"sentiment": Interval(0.1, 0.0)})
    assert predictions(model, data())["sentiment"].abs().max() > 0.25
    frame = predictions(bounded, data())
    values = frame[["sentiment", "sentiment_0", "sentiment_1", "sentiment_low", "sentiment_high"]]
    assert values.abs().max().tolist() == [0.25] * 5
    assert ((frame["sentiment_low"] <= frame["sentiment"]) & (frame["sentiment"] <= frame["sentiment_high"])).all()
    assert predictions(bounded, data())["sentiment"].to_numpy() == pytest.approx(
        bounded.predict(inputs_of(data()))["sentiment"]
    )


@pytest.mark.parametrize(
    ("members", "seeds", "networks"),
    [(((GENOMES[0], 1),), 3, 10), (((GENOMES[0], 1),), 1, 5), (((GENOMES[0], 2), (GENOMES[1], 1)), 2, 10)],
)
def test_a_model_of_all_samples_is_calibrated_by_networks_that_held_some_out(
    members: tuple[tuple[Genome, int], ...], seeds: int, networks: int
) -> None:
    recipe = replace(ONE, members=members)
    trainer = Trainer.of(recipe, data())
    model = train_calibrated(trainer, "tiny", seeds)
    expected = f"calibrated by cross-validation over training and validation samples ({networks} more networks)"
    assert model.info["calibration"] == expected
    assert set(model.calibration) == {"sentiment", "emotion"}
    interval = model.calibration["sentiment"]
    assert isinstance(interval, Interval)
    assert 0.5 < interval.width < 4


def test_out_of_fold_predictions_are_of_networks_that_did_not_see_the_sample() -> None:
    """Labels that say nothing: who has seen them is nearer to them."""
    rng, whole = np.random.default_rng(0), data()
    noise = {"sentiment": Task("regression", rng.normal(size=len(whole)).astype(np.float32))}
    genome = Genome(NetworkSpec(32, (EncoderSpec("text"),)), TrainingGenes(30, 1e-2, 0.0, dropout=0, feature_dropout=0))
    trainer = Trainer.of(replace(ONE, members=((genome, 1),)), replace(whole, tasks=noise))
    networks = Networks.of(trainer.recipe, trainer.samples, 2, calibrate=True)
    unseen = [one for one in trainer.train(networks)[2:] if one is not None]
    means, spread = out_of_fold(trainer, networks, unseen)["sentiment"]
    labels = trainer.samples.tasks["sentiment"].targets
    assert np.corrcoef(means[:, 0], labels)[0, 1] < 0.3
    assert (spread > 0).all()


def test_a_model_of_labels_alone_costs_no_more_training() -> None:
    traits = Task("multilabel", (np.arange(400).reshape(200, 2) % 3 > 0).astype(np.float32), ("calm", "loud"))
    whole = replace(data(), tasks={"traits": traits})
    trainer = Trainer.of(ONE, whole)
    assert len(Networks.of(ONE, trainer.samples, 1, calibrate=True).unseen) == 0
    assert "calibration" not in train_calibrated(trainer, "tiny", 1).info


def test_data_that_allows_no_folds_leaves_a_model_uncalibrated() -> None:
    whole = replace(data(), groups=np.zeros(len(data()), np.int64))
    trainer = Trainer.of(ONE, whole)
    model = train_calibrated(trainer, "tiny", 1)
    assert model.calibration == {}
    assert model.info["calibration"] == "not calibrated: folds:1 was asked for, expected at least 2 folds"
    assert "sentiment_low" not in predictions(model, whole)


def test_a_genome_that_held_out_the_validation_split_may_be_trained_on_it_too(tmp_path: Path) -> None:
    recipe = replace(ONE, validation="holdout", whole=True)
    _, line = train_for_good(recipe, str(stored(tmp_path)), 1, tmp_path / "model")
    assert line == "trained on the training and validation splits together, as was asked"
    assert "by cross-validation" in Predictor.load(tmp_path / "model").info["calibration"]
    trainers = (Trainer.of(one, data()) for one in (recipe, ONE))
    asked, folds = (train_predictor(trainer, "tiny", 1).predict(inputs_of(data())) for trainer in trainers)
    assert all(np.array_equal(asked[name], folds[name]) for name in folds)
