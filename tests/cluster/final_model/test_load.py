"""Data for a saved model: it is put into the model's order, or refused."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from haemsa.cluster.final_model.evaluate import evaluate_model
from haemsa.cluster.final_model.load import load_for, load_model, misfits
from haemsa.cluster.final_model.predictions import predictions
from haemsa.model.data.modality import Modality
from haemsa.model.data.sources import import_data, load
from haemsa.model.predictor.predictor import Predictor
from tests.support.table_model import AUDIO, described, table, trained


class World:
    """A model of a table, and the table again with its columns in another order, among others."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.frame = folder, table()
        self.plain = str(described(folder, "train", self.frame))
        self.model: Predictor = trained(folder, Path(self.plain))
        turned = self.frame[self.frame.columns[::-1]].assign(audio_new=7.0, word_0=3.0)
        self.shuffled = str(described(folder, "shuffled", turned))


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> World:
    return World(tmp_path_factory.mktemp("load"))


def test_a_saved_model_knows_the_names_of_its_columns(world: World) -> None:
    assert load_model(world.folder / "model").schema.columns["audio"] == AUDIO


def test_columns_in_another_order_and_among_others_give_the_same_scores_and_predictions(world: World) -> None:
    plain, shuffled = load_for(world.model, world.plain), load_for(world.model, world.shuffled)
    assert shuffled.modalities["audio"].columns == AUDIO
    pd.testing.assert_frame_equal(predictions(world.model, plain), predictions(world.model, shuffled))
    first, second = (evaluate_model(world.model, data)["audio+text"].table for data in (plain, shuffled))
    assert first == second


def test_data_that_was_not_loaded_for_the_model_is_put_into_its_order_too(world: World) -> None:
    expected = predictions(world.model, load(world.plain))
    pd.testing.assert_frame_equal(predictions(world.model, load(world.shuffled)), expected)


@pytest.mark.parametrize("stream", [True, False])
def test_a_store_keeps_the_names_and_is_put_into_the_models_order(world: World, tmp_path: Path, stream: bool) -> None:
    import_data(world.shuffled, tmp_path / "shuffled.h5")
    stored = load(str(tmp_path / "shuffled.h5"), stream=stream)
    assert stored.fingerprint == load(world.shuffled).fingerprint
    expected = predictions(world.model, load(world.plain))
    pd.testing.assert_frame_equal(predictions(world.model, stored), expected)


def test_a_column_of_the_model_that_is_missing_is_named(world: World, tmp_path: Path) -> None:
    renamed = described(tmp_path, "renamed", world.frame.rename(columns={"audio_rate": "audio_speed"}))
    with pytest.raises(ValueError, match="modality 'audio' lacks audio_rate, which the model was trained on; the data"):
        load_for(world.model, str(renamed))


def test_names_do_not_change_the_fingerprint(world: World, tmp_path: Path) -> None:
    renamed = described(tmp_path, "renamed", world.frame.rename(columns={"audio_rate": "audio_speed"}))
    assert load(str(renamed)).fingerprint == load(world.plain).fingerprint


def test_hidden_and_taken_samples_keep_their_names(world: World) -> None:
    data = load(world.plain)
    hidden = data.hiding(["audio"], np.arange(len(data))[:, None] % 2 > 0).part("test")
    assert hidden.modalities["audio"].columns == AUDIO


def test_evaluation_tells_of_steps_that_a_model_does_not_read_and_of_modalities_that_are_absent(world: World) -> None:
    data = load_for(world.model, world.plain)
    assert misfits(world.model, data) == []
    audio = data.modalities["audio"]
    longer = Modality(np.repeat(audio.features, 2, axis=1), audio.lengths * 2, audio.columns)
    absent = replace(data, modalities={"audio": longer})
    assert misfits(world.model, absent) == [
        "audio: the model was trained on single steps, and samples have up to 2; only the first step of each is read",
        "text: absent in all samples; the model predicts without it",
    ]


def test_missing_cells_of_data_to_score_get_the_means_of_the_models_training(world: World, tmp_path: Path) -> None:
    turned = world.frame[world.frame.columns[::-1]].assign(audio_new=7.0)
    turned.loc[[3, 80], "audio_rate"] = np.nan
    data = load_for(world.model, str(described(tmp_path, "gaps", turned.assign(audio_rate=turned.audio_rate + 100))))
    place = AUDIO.index("audio_rate")
    mean = world.model.feature_means()["audio"][place]
    assert data.modalities["audio"].features[[3, 80], 0, place].tolist() == [mean, mean]


def test_a_modality_that_is_constant_in_data_to_score_is_not_dropped(world: World, tmp_path: Path) -> None:
    constant = world.frame.assign(audio_pitch=1.5, audio_energy=0.2, audio_rate=37.0)
    data = load_for(world.model, str(described(tmp_path, "constant", constant)))
    assert list(data.modalities) == ["audio", "text"]
    import_data(str(described(tmp_path, "train", world.frame)), tmp_path / "kept.h5")
    assert list(load_for(world.model, str(tmp_path / "kept.h5")).modalities) == ["audio", "text"]
