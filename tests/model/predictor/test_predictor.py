"""A saved model predicts what was scored: raw features in, values in the units of the labels out."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any, get_args

import numpy as np
import pytest

from haemsa.model.data.dataset import Dataset
from haemsa.model.data.folds import Folds, grouped, holdout
from haemsa.model.data.normalisation import Normalisation
from haemsa.model.data.task import Task
from haemsa.model.network.cohort import CohortRow
from haemsa.model.predictor.calibration import Interval, Temperature
from haemsa.model.predictor.inputs import inputs_of
from haemsa.model.predictor.predictor import Predictor
from haemsa.model.predictor.scores import score
from haemsa.model.schema import Schema, TaskInfo
from haemsa.model.spec.genome import Genome
from haemsa.model.spec.network import EncoderKind, EncoderSpec, ExpertSpec, LevelSpec, NetworkSpec
from haemsa.model.spec.training import TrainingGenes
from haemsa.model.training.fold_statistics import FoldStatistics
from haemsa.model.training.pool import Pool
from haemsa.model.training.train import TrainedRow, train
from tests.support.model.random_genomes import SHAPES, small_dataset

INFO = {"fingerprint": "0123456789abcdef", "seeds": [1, 2]}


def genome(kind: EncoderKind, *, width: int = 8, levels: int = 1) -> Genome:
    """All modalities through encoders of one kind (vision has no time), and an expert that sees everything."""
    encoders = tuple(EncoderSpec(name, kind, heads=2) for name in SHAPES)
    again = ExpertSpec(("text", "audio"), "cross_attention", width=4)
    level = LevelSpec((ExpertSpec(tuple(SHAPES), "gated", width=5), ExpertSpec(("text",), width=3), again))
    training = TrainingGenes(epochs=2, learning_rate=1e-2, modality_dropout=0.2)
    return Genome(NetworkSpec(width, encoders, (level,) * levels), training)


class Trained:
    """Networks trained on raw data far from zero, and the predictor made of them."""

    def __init__(self, data: Dataset, rows: list[CohortRow], folds: Folds) -> None:
        self.data = data
        normalisation = Normalisation.fit(data)
        pool = Pool.of(normalisation.apply(data))
        found = train(rows, pool, folds)
        self.rows = [row for row in found if isinstance(row, TrainedRow)]
        assert len(self.rows) == len(rows)
        statistics = FoldStatistics.fit(pool, folds)
        self.predictor = Predictor.of(self.rows, statistics, Schema.of(data), normalisation, INFO)

    def expected(self, task: str) -> np.ndarray[Any, Any]:
        """What training reported for all samples [K, N, C], logits made probabilities."""
        outputs = np.stack([row.outputs[task] for row in self.rows]).astype(np.float64)
        kind = self.data.tasks[task].kind
        if kind == "classes":
            shares = np.exp(outputs - outputs.max(-1, keepdims=True))
            return shares / shares.sum(-1, keepdims=True)
        return 1 / (1 + np.exp(-outputs)) if kind == "multilabel" else outputs


def shifted(data: Dataset) -> Dataset:
    """The same data in other units: normalisation has something to do."""
    from haemsa.model.data.dataset import Modality, step_mask

    moved = {}
    for number, (name, item) in enumerate(data.modalities.items()):
        features = (item.features * (1 + number) + 5) * step_mask(item.lengths, item.steps)[:, :, None]
        moved[name] = Modality(features.astype(np.float32), item.lengths)
    return replace(data, modalities=moved)


@pytest.fixture(scope="module")
def trained() -> Trained:
    """Three networks of two genomes on the official split, two of them twins with other seeds."""
    data = shifted(small_dataset())
    rows = [
        CohortRow(genome("mean"), 1),
        CohortRow(genome("attention", width=12, levels=2), 2),
        CohortRow(genome("mean"), 3),
    ]
    return Trained(data, rows, holdout(data))


@pytest.mark.parametrize("kind", get_args(EncoderKind))
@pytest.mark.parametrize("absent", [0.0, 0.3])
def test_a_predictor_answers_from_raw_features_what_training_reported(kind: EncoderKind, absent: float) -> None:
    data = shifted(small_dataset(absent=absent))
    found = Trained(data, [CohortRow(genome(kind), 5)], holdout(data))
    outputs = found.predictor.predict_members(inputs_of(data))
    assert {task: values.shape for task, values in outputs.items()} == {
        "sentiment": (1, 60, 1),
        "emotion": (1, 60, 3),
        "traits": (1, 60, 2),
    }
    for task, values in outputs.items():
        np.testing.assert_allclose(values, found.expected(task), rtol=1e-4, atol=2e-5)


@pytest.mark.parametrize("kind", get_args(EncoderKind))
def test_each_fold_has_its_own_statistics_baked_in(kind: EncoderKind) -> None:
    data = shifted(small_dataset())
    folds = grouped(data, 3, seed=0)
    found = Trained(data, [CohortRow(genome(kind), 5, fold) for fold in range(3)], folds)
    for task, values in found.predictor.predict_members(inputs_of(data)).items():
        np.testing.assert_allclose(values, found.expected(task), rtol=1e-4, atol=2e-5)


def test_members_of_different_genomes_keep_their_order(trained: Trained) -> None:
    for task, values in trained.predictor.predict_members(inputs_of(trained.data)).items():
        np.testing.assert_allclose(values, trained.expected(task), rtol=1e-4, atol=2e-5)


def test_the_prediction_is_the_mean_over_members(trained: Trained) -> None:
    inputs = inputs_of(trained.data)
    members, means = trained.predictor.predict_members(inputs), trained.predictor.predict(inputs)
    np.testing.assert_allclose(means["sentiment"], members["sentiment"].mean(0)[:, 0], rtol=1e-5)
    np.testing.assert_allclose(means["emotion"], members["emotion"].mean(0), rtol=1e-5)
    assert (means["sentiment"].shape, means["traits"].shape) == ((60,), (60, 2))
    np.testing.assert_allclose(means["emotion"].sum(1), 1, rtol=1e-5)


def test_a_prediction_is_clipped_after_the_mean_and_scored_as_it_is_given(trained: Trained) -> None:
    tasks = {"sentiment": TaskInfo("regression", bounds=(-0.125, 0.125))}
    bounded = replace(trained.predictor, schema=Schema(trained.predictor.modalities, tasks))
    inputs = inputs_of(trained.data)
    raw = bounded.predict_members(inputs)["sentiment"][..., 0]
    given = bounded.predict(inputs)["sentiment"]
    np.testing.assert_allclose(given, np.clip(raw.mean(0), -0.125, 0.125), atol=1e-6)
    assert np.abs(raw.mean(0)).max() > 0.125 == pytest.approx(np.abs(given).max())
    labels = np.sign(trained.data.tasks["sentiment"].targets) / 8
    scored = replace(trained.data, tasks={"sentiment": Task("regression", labels, bounds=(-0.125, 0.125))})
    table = score(bounded, scored)["model"]
    assert table["mae"]["mean"] == pytest.approx(np.nanmean(np.abs(given - labels)), rel=1e-5)
    assert table["mae_unclipped"]["mean"] == pytest.approx(np.nanmean(np.abs(raw.mean(0) - labels)), rel=1e-5)


def test_a_loaded_model_predicts_exactly_what_the_saved_one_did(trained: Trained, tmp_path: Path) -> None:
    trained.predictor.save(tmp_path / "model")
    loaded = Predictor.load(tmp_path / "model")
    inputs = inputs_of(trained.data)
    before, after = trained.predictor.predict_members(inputs), loaded.predict_members(inputs)
    assert all(np.array_equal(before[task], after[task]) for task in before)
    assert (loaded.schema, loaded.info) == (trained.predictor.schema, INFO)
    assert [member for member, _ in loaded.members] == [member for member, _ in trained.predictor.members]
    assert {name: means.shape for name, means in loaded.feature_means().items()} == {
        name: (width,) for name, (_, width) in SHAPES.items()
    }


def test_a_loaded_ensemble_predicts_the_mean_by_shares(trained: Trained, tmp_path: Path) -> None:
    shares = (0.5, 0.2, 0.3)
    replace(trained.predictor, shares=shares).save(tmp_path)
    loaded, inputs = Predictor.load(tmp_path), inputs_of(trained.data)
    assert loaded.shares == shares
    members, means = loaded.predict_members(inputs), loaded.predict(inputs)
    for task, values in members.items():
        expected = sum(share * value for share, value in zip(shares, values, strict=True))
        np.testing.assert_allclose(means[task].reshape(expected.shape), expected, rtol=1e-5, atol=1e-6)


def test_a_calibrated_model_is_loaded_as_it_was_and_predicts_tempered_probabilities(
    trained: Trained, tmp_path: Path
) -> None:
    calibration = {"sentiment": Interval(0.8, 0.1), "emotion": Temperature(2.0)}
    replace(trained.predictor, calibration=calibration).save(tmp_path)
    loaded, inputs = Predictor.load(tmp_path), inputs_of(trained.data)
    assert loaded.calibration == calibration
    plain, found = trained.predictor.predict(inputs), loaded.predict(inputs)
    expected = np.sqrt(plain["emotion"]) / np.sqrt(plain["emotion"]).sum(1, keepdims=True)
    np.testing.assert_allclose(found["emotion"], expected, rtol=1e-4)
    assert all(np.array_equal(found[name], plain[name]) for name in ("sentiment", "traits"))


def test_a_model_of_the_first_format_is_read(trained: Trained, tmp_path: Path) -> None:
    replace(trained.predictor, calibration={"emotion": Temperature(2.0)}).save(tmp_path)
    edit(tmp_path, lambda data: (data.update(format=1), data["calibration"]["emotion"].pop("noise")))
    assert Predictor.load(tmp_path).calibration == {"emotion": Temperature(2.0, 0.0)}


def test_a_model_without_shares_counts_all_members_the_same(trained: Trained, tmp_path: Path) -> None:
    trained.predictor.save(tmp_path)
    assert not {"shares", "calibration"} & set(json.loads((tmp_path / "model.json").read_text()))
    assert (Predictor.load(tmp_path).shares, Predictor.load(tmp_path).calibration) == ((), {})


@pytest.mark.parametrize(
    ("shares", "message"),
    [
        ((0.5, 0.5), "there are 2 shares, expected 3, one for each member"),
        ((0.5, 0.5, 0.5), r"the shares are \[0.5, 0.5, 0.5\], expected numbers from 0 that sum to 1"),
        ((1.5, -0.5, 0.0), "expected numbers from 0 that sum to 1"),
        ((np.nan, 0.5, 0.5), "expected numbers from 0 that sum to 1"),
    ],
)
def test_shares_that_do_not_fit_get_one_sentence(trained: Trained, shares: tuple[float, ...], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        replace(trained.predictor, shares=shares)


def test_a_saved_model_holds_no_pickle(trained: Trained, tmp_path: Path) -> None:
    trained.predictor.save(tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["model.json", "weights.safetensors"]


def test_predictions_do_not_depend_on_the_batch_nor_on_padding(trained: Trained) -> None:
    inputs = inputs_of(trained.data)
    whole = trained.predictor.predict_members(inputs)
    padded = {
        name: (np.pad(raw, ((0, 0), (0, 3), (0, 0)), constant_values=99), lengths)
        for name, (raw, lengths) in inputs.items()
    }
    for other in (trained.predictor.predict_members(inputs, 7), trained.predictor.predict_members(padded)):
        for task, values in other.items():
            np.testing.assert_allclose(values, whole[task], rtol=1e-4, atol=1e-5)


def test_a_missing_modality_is_one_of_length_zero(trained: Trained) -> None:
    inputs = dict(inputs_of(trained.data))
    raw, lengths = inputs["audio"]
    empty = trained.predictor.predict({**inputs, "audio": (raw, np.zeros_like(lengths))})
    del inputs["audio"]
    without = trained.predictor.predict(inputs)
    whole = trained.predictor.predict(inputs_of(trained.data))
    assert all(np.array_equal(empty[task], without[task]) for task in empty)
    assert not np.allclose(without["sentiment"], whole["sentiment"], atol=1e-3)


@pytest.mark.parametrize("name", list(SHAPES))
def test_one_modality_is_enough_for_a_finite_prediction(trained: Trained, name: str) -> None:
    for values in trained.predictor.predict({name: inputs_of(trained.data)[name]}).values():
        assert np.isfinite(values).all()


def test_cells_that_are_no_numbers_count_as_the_mean(trained: Trained) -> None:
    inputs = dict(inputs_of(trained.data))
    raw, lengths = inputs["vision"]
    means = trained.predictor.feature_means()["vision"]
    holes, filled = raw.copy(), raw.copy()
    holes[:, :, 1], filled[:, :, 1] = np.nan, means[1]
    found = [trained.predictor.predict({**inputs, "vision": (values, lengths)}) for values in (holes, filled)]
    np.testing.assert_allclose(found[0]["sentiment"], found[1]["sentiment"], rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda inputs: {**inputs, "smell": inputs["text"]}, r"modalities \['smell'\], the model reads text, audio"),
        (lambda inputs: {}, "the input has no modality, the model reads text, audio, vision"),
        (
            lambda inputs: {**inputs, "audio": (inputs["audio"][0][:, :, :2], inputs["audio"][1])},
            r"expected \[N, T, 5\]",
        ),
        (lambda inputs: {**inputs, "audio": tuple(part[:9] for part in inputs["audio"])}, "has 9 samples, expected 60"),
    ],
)
def test_inputs_that_do_not_fit_get_one_sentence(trained: Trained, change: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message) as error:
        trained.predictor.predict(change(dict(inputs_of(trained.data))))
    assert "\n" not in str(error.value)


def edit(folder: Path, change: Any) -> None:
    path = folder / "model.json"
    data = json.loads(path.read_text())
    change(data)
    path.write_text(json.dumps(data))


def cut(folder: Path) -> None:
    path = folder / "weights.safetensors"
    path.write_bytes(path.read_bytes()[:-9])


DAMAGE = {
    "no weights": (lambda folder: (folder / "weights.safetensors").unlink(), "holds no model, expected model.json and"),
    "no description": (
        lambda folder: (folder / "model.json").unlink(),
        "holds no model, expected model.json and",
    ),
    "no JSON": (lambda folder: (folder / "model.json").write_text("{"), "is damaged"),
    "no text": (lambda folder: (folder / "model.json").write_bytes(b"\xff\xfe\x00"), "is damaged"),
    "no object": (lambda folder: (folder / "model.json").write_text("[1]"), "is not of format 1"),
    "another format": (lambda folder: edit(folder, lambda data: data.update(format=99)), "is not of format 1"),
    "weights cut short": (cut, "is damaged"),
    "no schema": (lambda folder: edit(folder, lambda data: data.pop("schema")), "is damaged: KeyError"),
    "one genome more": (lambda f: edit(f, lambda data: data["genomes"].append(data["genomes"][0])), "is damaged"),
    "an unknown gene": (lambda f: edit(f, lambda data: data["genomes"][0].update(odd=1)), "damaged: genome has .*odd"),
    "shares of other members": (
        lambda f: edit(f, lambda data: data.update(shares=[1.0])),
        "damaged: there are 1 shares",
    ),
    "shares that are no list": (lambda f: edit(f, lambda data: data.update(shares=1.0)), "is damaged: TypeError"),
    "a temperature that is none": (
        lambda f: edit(f, lambda data: data.update(calibration={"emotion": {"temperature": -1.0}})),
        "damaged: the temperature is -1.0",
    ),
    "a calibration of another kind": (
        lambda f: edit(f, lambda data: data.update(calibration={"emotion": {"odd": 1}})),
        "is damaged: TypeError",
    ),
    "sizes of another kind": (
        lambda f: edit(f, lambda data: data["schema"]["modalities"].update(text=["a", "b"])),
        "is damaged",
    ),
}


@pytest.mark.parametrize("damage", DAMAGE)
def test_a_damaged_model_gets_one_sentence(trained: Trained, tmp_path: Path, damage: str) -> None:
    trained.predictor.save(tmp_path)
    harm, message = DAMAGE[damage]
    harm(tmp_path)
    with pytest.raises(ValueError, match=message) as error:
        Predictor.load(tmp_path)
    assert str(tmp_path) in str(error.value)
    assert "\n" not in str(error.value)


def test_weights_that_do_not_belong_to_the_genome_get_one_sentence(trained: Trained, tmp_path: Path) -> None:
    trained.predictor.save(tmp_path)
    edit(tmp_path, lambda data: data["genomes"][0]["network"].update(width=10))
    with pytest.raises(ValueError, match="expected shape"):
        Predictor.load(tmp_path).predict(inputs_of(trained.data))
