"""`haemsa train --finetune` on transcripts: kept only if it is better, and a model that reads text from then on."""

from __future__ import annotations

import json
import shutil
from dataclasses import dataclass, replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest

from haemsa.cluster.config import Compute
from haemsa.cluster.final_model.encoders import keep_encoders
from haemsa.cluster.final_model.evaluate import evaluate_model
from haemsa.cluster.final_model.export import export_model
from haemsa.cluster.final_model.fine_tuning import fine_tune
from haemsa.cluster.final_model.fine_tuning.verdict import fine_tuning_note
from haemsa.cluster.final_model.load import load_for, load_model, load_samples
from haemsa.cluster.final_model.predictions import predictions
from haemsa.cluster.final_model.recipe import Recipe
from haemsa.cluster.final_model.train import train_for_good
from haemsa.cluster.tracking.code_copy import copy_code
from haemsa.cluster.tracking.pyfunc import input_example, requirements, signature
from haemsa.model.data.cleaning import RawModality
from haemsa.model.data.clips.clip import Clip, Clips
from haemsa.model.data.dataset import Dataset, Task
from haemsa.model.data.samples import Samples
from haemsa.model.data.sources import load
from haemsa.model.data.store.file import write
from haemsa.model.predictor.calibration import Interval
from haemsa.model.predictor.new_samples.clips import Encoding, beside
from haemsa.model.predictor.predictor import Predictor
from haemsa.model.spec.genome import Genome
from haemsa.model.spec.network import EncoderSpec, ExpertSpec, LevelSpec, NetworkSpec
from haemsa.model.spec.training import TrainingGenes
from haemsa.model.training.fine_tuning import joint
from tests.support.cluster.haemsa_command import haemsa
from tests.support.model.told_data import STREAM, told_data

LEVEL = LevelSpec((ExpertSpec((STREAM,), width=4),))
ENCODERS = (EncoderSpec(STREAM, "mean"), EncoderSpec("audio"))
GENES = TrainingGenes(epochs=4, dropout=0.0, feature_dropout=0.0)
GENOME = Genome(NetworkSpec(8, ENCODERS, (LEVEL,)), GENES)
RECIPE = Recipe(((GENOME, 1),), validation="folds:5", finetune=STREAM, compute=Compute(backend="inline"))


@dataclass
class Made:
    data: Dataset
    store: Path
    folder: Path
    table: Any
    tuned: int

    @property
    def model(self) -> Predictor:
        return load_model(self.folder)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Made:
    """A model of words that turn others, which a mean of frozen tokens hides."""
    place = tmp_path_factory.mktemp("told")
    data = told_data(place, 80)
    write(data, place / "told.h5", half=True)
    with pytest.MonkeyPatch.context() as patch:
        ran = counted_runs(patch)
        table, _ = train_for_good(RECIPE, str(place / "told.h5"), 2, place / "model")
    return Made(data, place / "told.h5", place / "model", table, len(ran))


def counted_runs(patch: pytest.MonkeyPatch, most: int = 99) -> list[Any]:
    """The tunings that are done. After `most` of them comes Ctrl-C. They are quick: few epochs, and large steps."""
    patch.setattr(joint, "RATE", 2e-2)
    patch.setattr(fine_tune, "MOST", 4)
    ran = list[Any]()

    class Counting(fine_tune.FineTuner):
        def __call__(self, tuning: Any) -> Any:
            if len(ran) >= most:
                raise KeyboardInterrupt
            ran.append(tuning)
            return super().__call__(tuning)

    patch.setattr(fine_tune, "FineTuner", Counting)
    return ran


def test_fine_tuning_that_is_better_is_kept_and_shows_all_figures(made: Made) -> None:
    facts = json.loads((made.folder / "metrics.json").read_text())
    found = facts["finetuned"]
    assert found["kept"] and 0 < found["error"] < min(found["before"], found["without"]) - found["after"]
    assert made.tuned == 6  # five folds, and the final networks
    assert fine_tuning_note(made.folder) == [found["sentence"]]
    others = f"mae on held-out folds {found['before']:.4g} before, {found['without']:.4g} if only the networks train on"
    assert f"{others}, {found['after']:.4g} with the encoder; better by" in found["sentence"]
    assert facts["fingerprint"] == load(str(made.store)).fingerprint
    assert sorted(path.name for path in made.folder.iterdir()) == [
        "adapters",
        "metrics.json",
        "model.json",
        "weights.safetensors",
    ]
    assert not list(made.folder.rglob("*.bin"))
    assert json.loads((made.folder / "model.json").read_text())["format"] == 3


def test_the_model_is_calibrated_by_what_fine_tuned_networks_said_of_held_out_samples(made: Made) -> None:
    info = made.model.info
    assert info["calibration"].endswith("(10 more networks)")
    assert info["held_out"]["metrics"]["mae"] < info["finetuned"]["before"] - info["finetuned"]["error"]
    assert isinstance(made.model.calibration["mood"], Interval)
    references = made.table["linear model"]["mae"]["mean"]
    assert references > made.table["model"]["mae"]["mean"]


def test_clips_texts_and_the_store_give_the_same_answers(made: Made, tmp_path: Path) -> None:
    model = made.model
    expected = predictions(model, load_samples(model, str(made.store)))
    assert expected["mood"].std() > 0.3
    alone = made.data.hiding(["audio"], np.zeros((len(made.data), 1), bool))
    by_text = predictions(model, alone)
    said = [{"id": name, "text": text} for name, text in zip(made.data.ids, made.data.transcripts, strict=True)]
    found = model.predict_clips(said)
    np.testing.assert_allclose(found["mood"], by_text["mood"], atol=1e-4)
    whole = predictions(model, load_for(model, str(made.store)))
    np.testing.assert_allclose(whole["mood"], expected["mood"], atol=1e-4)
    test = evaluate_model(model, load_for(model, str(made.store)), missing=True)
    errors = np.abs(expected["mood"][64:] - made.data.tasks["mood"].targets[64:])
    assert test["text+audio"].table["model"]["mae"]["mean"] == pytest.approx(errors.mean(), abs=1e-4)
    assert made.table["model"]["mae"]["mean"] == pytest.approx(errors.mean(), abs=1e-4)
    assert test["audio"].table["model"]["mae"]["mean"] > errors.mean()


def test_the_model_goes_where_its_folder_goes(made: Made, tmp_path: Path) -> None:
    shutil.copytree(made.folder, tmp_path / "model")
    keep_encoders(tmp_path / "model")
    said, expected = [{"text": "the film was not good"}], made.model.predict_clips(TEXT)
    encoder, adapters = made.store.parent / "bert", made.folder / "adapters"
    encoder.rename(encoder.with_name("gone"))
    adapters.rename(adapters.with_name("gone"))
    try:
        moved = load_model(tmp_path / "model")
        found = moved.predict_clips(said)
        (tmp_path / "model" / "encoders").rename(tmp_path / "encoders")
        lost = load_model(tmp_path / "model")
        with pytest.raises(ValueError, match=r"^model '.*bert' is no folder, expected one with config.json"):
            lost.predict_clips(said)
    finally:
        encoder.with_name("gone").rename(encoder)
        adapters.with_name("gone").rename(adapters)
    pd.testing.assert_frame_equal(found, expected)
    weights = tmp_path / "model" / "adapters" / STREAM / "adapter_model.safetensors"
    weights.write_bytes(b"damaged")
    with pytest.raises(ValueError, match="are others than those of training, expected the same files"):
        load_model(tmp_path / "model").predict_clips(said)


TEXT = [{"text": "the film was not good"}]


def test_features_of_the_encoder_without_its_adapters_are_refused(made: Made, tmp_path: Path) -> None:
    sentence = "^the model makes 'text_bert' of text, by an encoder that was fine-tuned with it, but this data has only"
    silent = replace(made.data, transcripts=())
    write(silent, tmp_path / "silent.h5")
    with pytest.raises(ValueError, match=sentence):
        predictions(made.model, load_samples(made.model, str(tmp_path / "silent.h5")))
    with pytest.raises(ValueError, match=sentence):
        evaluate_model(made.model, load_for(made.model, str(tmp_path / "silent.h5")))
    with pytest.raises(ValueError, match=sentence):
        made.model.inputs(made.data)
    with pytest.raises(
        ValueError, match=r"^the model reads text_bert, whose encoder was fine-tuned with it, which a f"
    ):
        export_model(made.model, tmp_path / "model.pt2", "torch")


def test_clips_beside_features_are_made_as_the_model_reads_them(made: Made) -> None:
    audio = made.data.modalities["audio"]
    rows = Samples({"audio": RawModality(audio.features[:3], audio.lengths[:3])}, made.data.ids[:3])
    said = Clips(made.data.ids[:3], [Clip(text) for text in made.data.transcripts[:3]])
    (block,) = beside(iter([rows]), Encoding(said, made.model.clip_encoders))
    expected = predictions(made.model, made.data.take(np.arange(3)))
    np.testing.assert_allclose(predictions(made.model, block)["mood"], expected["mood"], atol=1e-4)


def test_a_served_model_takes_text_in_place_of_the_stream(made: Made, tmp_path: Path) -> None:
    from haemsa.cluster.tracking.served import ServedModel  # which loads MLflow

    served, artifacts = ServedModel(), {"code": str(copy_code(tmp_path)), "model": str(made.folder)}
    served.load_context(SimpleNamespace(artifacts=artifacts))
    asked = pd.DataFrame({"text": ["the film was not good", None], "audio": [None, [[0.1, 0.2, 0.3]]]})
    expected = made.model.predict_clips(TEXT)
    assert served.predict(None, asked)["mood"][0] == pytest.approx(expected["mood"][0], abs=1e-5)
    with pytest.raises(
        ValueError, match=r"^text_bert is made by an encoder that was fine-tuned with the model, expected"
    ):
        served.predict(None, pd.DataFrame({STREAM: [[[0.0] * 16]]}))
    with pytest.raises(ValueError, match=r"^the input has no modality, expected columns of audio, text$"):
        served.predict(None, pd.DataFrame({"other": [1]}))
    assert "mood" in served.predict(None, input_example(made.model))
    assert STREAM not in signature(made.model).inputs.input_names()
    assert requirements(("peft",))[-1].startswith("peft==")


def test_noise_is_not_kept_and_the_model_stays_as_without_fine_tuning(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    counted_runs(monkeypatch)
    data = told_data(tmp_path, 60, noise=True)
    genome = replace(GENOME, training=replace(GENES, epochs=40))  # long enough to find the mean
    recipe = replace(RECIPE, members=((genome, 1),))
    train_for_good(recipe, None, 1, tmp_path / "tuned", dataset=data)
    train_for_good(replace(recipe, finetune=""), None, 1, tmp_path / "plain", dataset=data)
    note = fine_tuning_note(tmp_path / "tuned")
    assert len(note) == 1 and "so the model does without" in note[0], note
    assert (tmp_path / "tuned" / "weights.safetensors").read_bytes() == (
        tmp_path / "plain" / "weights.safetensors"
    ).read_bytes()
    assert not (tmp_path / "tuned" / "adapters").exists()
    assert json.loads((tmp_path / "tuned" / "model.json").read_text())["format"] == 2
    tuned, plain = (load_model(tmp_path / name) for name in ("tuned", "plain"))
    pd.testing.assert_frame_equal(predictions(tuned, data), predictions(plain, data))


def test_what_is_cut_off_goes_on_and_gives_the_same_model(made: Made, tmp_path: Path) -> None:
    with pytest.MonkeyPatch.context() as patch:
        counted_runs(patch, most=2)
        with pytest.raises(KeyboardInterrupt):
            train_for_good(RECIPE, str(made.store), 2, tmp_path / "model")
    with pytest.MonkeyPatch.context() as patch:
        ran = counted_runs(patch)
        train_for_good(RECIPE, str(made.store), 2, tmp_path / "model")
    assert len(ran) == 4
    for name in ("weights.safetensors", f"adapters/{STREAM}/adapter_model.safetensors"):
        assert (tmp_path / "model" / name).read_bytes() == (made.folder / name).read_bytes()


@pytest.mark.parametrize(
    ("changed", "sentence"),
    [
        (
            {"finetune": "text_brt"},
            r"^finetune is 'text_brt' \(did you mean text_bert\?\), expected a stream of the data:",
        ),
        (
            {"finetune": "audio"},
            "^finetune is 'audio', which no text encoder made, expected a stream of haemsa data embed",
        ),
        (
            {"members": ((Genome(NetworkSpec(8, ENCODERS[1:], ()), GENES), 1),)},
            "^finetune is 'text_bert', which no network reads, expected a stream of text that one reads: none$",
        ),
    ],
)
def test_a_stream_that_cannot_be_fine_tuned_is_refused_before_training(
    made: Made, tmp_path: Path, changed: dict[str, Any], sentence: str
) -> None:
    with pytest.raises(ValueError, match=sentence):
        train_for_good(replace(RECIPE, **changed), None, 1, tmp_path / "model", dataset=made.data)
    assert not (tmp_path / "model").exists()


def test_data_without_transcripts_and_another_encoder_are_refused(made: Made, tmp_path: Path) -> None:
    def refused(dataset: Dataset, sentence: str) -> None:
        with pytest.raises(ValueError, match=sentence):
            train_for_good(RECIPE, None, 1, tmp_path / "model", dataset=dataset)

    refused(
        replace(made.data, transcripts=()), "^data 'told' keeps no transcripts for 'text_bert', expected a store that"
    )
    facts = dict(made.data.encoders[STREAM])
    other = replace(made.data, encoders={STREAM: {**facts, "weights": "0" * 64}})
    refused(other, r"^model '.*bert' has other weights than when it made 'text_bert', expected the same model$")
    gone = replace(made.data, encoders={STREAM: {**facts, "model": str(tmp_path / "no" / "such" / "model")}})
    refused(gone, r"^model '.*' is no folder, expected one with config.json and weights")
    few = replace(made.data, groups=np.zeros(len(made.data), np.int64))
    refused(few, "^text_bert cannot be fine-tuned: folds:1 was asked for, expected at least 2 folds$")


def test_an_ensemble_of_a_search_by_holdout_is_tuned_on_folds_and_calibrated_on_the_validation_split(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ran = counted_runs(monkeypatch)
    monkeypatch.setattr(fine_tune, "MOST", 1)
    data = told_data(tmp_path, 40)
    labels = (data.tasks["mood"].targets > 0).astype(np.int64)
    both = replace(data, tasks={"good": Task("classes", labels, ("no", "yes")), **data.tasks})
    over_time = Genome(NetworkSpec(6, (EncoderSpec(STREAM, "attention"),), (LEVEL, LEVEL)), GENES)
    recipe = replace(RECIPE, members=((GENOME, 2), (over_time, 1)), ensemble=True, validation="holdout")
    table, line = train_for_good(recipe, None, 1, tmp_path / "model", dataset=both)
    held_out = [place for tuning in ran for place in tuning.scored.tolist()]
    assert sorted(held_out) == list(range(28))  # of the pool, in which the training split comes first
    assert [len(tuning.rows) for tuning in ran[:5]] == [2] * 5
    model = load_model(tmp_path / "model")
    found = model.info["finetuned"]
    assert found["metric"].startswith("good/")
    assert len(found["each"]) == 5
    assert model.info["calibration"] == "calibrated on the validation split"
    assert model.info["held_out"]["measured"] == "on the validation split"
    assert "trained on the training split" in line
    assert len(predictions(model, both.part("valid"))) == 4
    assert set(table) == {"model", "linear model", "constant"}


def test_a_user_sees_both_figures_and_one_sentence_for_a_wrong_stream(
    made: Made, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    counted_runs(monkeypatch)
    monkeypatch.setattr(fine_tune, "MOST", 1)
    (tmp_path / "genome.json").write_text(GENOME.to_json())
    command = ("train", tmp_path / "genome.json", "--data", made.store, "--seeds", 1, "--tracking", "off")
    where = ("--backend", "inline", "--all", "--out", tmp_path / "model")
    ran = haemsa(*command, *where, "--finetune", STREAM)
    assert ran.status == 0, ran.err
    assert "fine-tuning text_bert: mae on held-out folds " in ran.out.replace("\n", " ")
    assert "fine-tuning text_bert, samples:" in ran.err
    assert haemsa(*command, *where, "--force", "--finetune", "audio").sentence.startswith("finetune is 'audio', which")
    assert haemsa("predict", tmp_path / "model", "--data", made.store, "--out", tmp_path / "p.csv").status == 0
