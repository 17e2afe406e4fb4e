"""`haemsa predict` on new samples: a row's prediction depends on the row and the model only."""

from __future__ import annotations

import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from haemsa.cluster.final_model.load import load_samples
from haemsa.cluster.final_model.predictions import prediction_blocks, predictions, write_predictions
from haemsa.model.data.sources import load
from haemsa.model.predictor.predictor import Predictor
from tests.support.cluster.haemsa_command import Ran, haemsa
from tests.support.table_model import AUDIO, DESCRIPTION, TEXT, described, table, trained

UNSPLIT = DESCRIPTION.replace("split: fold\n", "")
UNLABELLED = UNSPLIT[: UNSPLIT.index("tasks:")] + "ids: id\n"


class World:
    """A model of a table, and fifteen rows that it did not see."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.frame = folder, table()
        self.data = described(folder, "train", self.frame)
        self.model: Predictor = trained(folder, self.data)
        self.new = self.frame[self.frame.fold == "test"].reset_index(drop=True)
        self.expected = self.predict(self.data, "--split", "test").drop(columns="split")

    def ran(self, data: Path, *options: object, out: str = "out.csv") -> Ran:
        return haemsa("predict", self.folder / "model", "--data", data, "--out", self.folder / out, *options)

    def predict(self, data: Path, *options: object) -> pd.DataFrame:
        """The predictions by id."""
        ran = self.ran(data, *options)
        assert ran.status == 0, ran.err
        return pd.read_csv(self.folder / "out.csv").set_index("id")

    def of(self, frame: pd.DataFrame, description: str | None = UNSPLIT) -> pd.DataFrame:
        """The predictions for rows of a table, without any description if it is None."""
        if description is not None:
            return self.predict(described(self.folder, "new", frame, description))
        frame.to_csv(self.folder / "new.csv", index=False)
        return self.predict(self.folder / "new.csv")


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> World:
    return World(tmp_path_factory.mktemp("predict"))


def same(found: pd.DataFrame, expected: pd.DataFrame) -> None:
    pd.testing.assert_frame_equal(found, expected.loc[found.index], rtol=1e-5, atol=5e-6)


@pytest.mark.parametrize(
    "change",
    [
        lambda new: new,
        lambda new: new.head(1),
        lambda new: new.head(3),
        lambda new: new.drop(columns=["score", "mood", "fold"]),
        lambda new: new.assign(score=np.nan, mood=np.nan),
        lambda new: new[new.mood != "sad"],
        lambda new: new.assign(score=9.0, mood="elated"),
        lambda new: new[new.columns[::-1]].assign(more="text", audio_more=1.0),
    ],
)
@pytest.mark.parametrize("description", [UNSPLIT, UNLABELLED, None])
def test_labels_splits_other_columns_and_a_least_number_of_rows_are_not_needed(
    world: World, change: Any, description: str | None
) -> None:
    same(world.of(change(world.new), description), world.expected)


def test_a_file_of_one_split_is_read_and_keeps_its_splits(world: World) -> None:
    found = world.of(world.new, DESCRIPTION)
    assert set(found.pop("split")) == {"test"}
    same(found, world.expected)


def test_a_split_that_was_made_is_predicted_as_its_samples_are_among_all(world: World) -> None:
    gaps = world.frame.copy()
    gaps.loc[::7, "audio_rate"] = np.nan  # the mean of the model fills them in both
    data = described(world.folder, "made", gaps, UNSPLIT)
    test = load(str(data)).splits["test"]
    found = world.predict(data, "--split", "test")
    assert list(found.index) == [f"s{row}" for row in test]
    assert set(found.pop("split")) == {"test"}
    same(found, world.predict(data))


@pytest.mark.parametrize("shift", [-50.0, 50.0])
def test_a_missing_cell_is_the_mean_of_training_whatever_the_other_rows_are(world: World, shift: float) -> None:
    gap, filled = world.new.copy(), world.new.copy()
    gap.loc[0, "audio_rate"] = np.nan
    gap.loc[1:, "audio_rate"] += shift
    filled["audio_rate"] = world.model.feature_means()["audio"][AUDIO.index("audio_rate")]
    same(world.of(gap).head(1), world.of(filled))


def test_a_modality_that_is_constant_in_the_new_rows_is_still_read(world: World) -> None:
    constant = world.new.assign(audio_pitch=1.5, audio_energy=0.2, audio_rate=37.0)
    among = pd.concat([constant, world.new.assign(id="x" + world.new.id)])
    same(world.of(constant), world.of(among))
    assert not np.allclose(world.of(constant).score, world.of(constant.drop(columns=list(AUDIO))).score)


def test_a_modality_without_columns_or_without_cells_is_absent(world: World) -> None:
    absent = world.of(world.new.drop(columns=list(AUDIO)))
    same(world.of(world.new.assign(**dict.fromkeys(AUDIO, np.nan))), absent)
    ran = world.ran(described(world.folder, "new", world.new.drop(columns=list(AUDIO)), UNSPLIT))
    assert "audio: absent in all samples; the model predicts without it" in ran.out


def test_missing_columns_and_other_data_are_refused_in_a_sentence_and_nothing_is_written(world: World) -> None:
    out, before = world.folder / "kept.csv", "as it was"
    out.write_text(before)
    for frame, sentence in (
        (
            world.new.drop(columns="audio_rate"),
            "modality 'audio' lacks audio_rate, which the model was trained on",
        ),
        (world.new.drop(columns=[*AUDIO, *TEXT]), "has no column of the model's modalities audio, text; it has id, "),
        (
            world.new.assign(word_a="many"),
            "row 2: 'word_a' is 'many', expected a number (and 14 more: 3, 4, 5, 6, ...); haemsa predict",
        ),
    ):
        ran = world.ran(described(world.folder, "new", frame, UNSPLIT), out="kept.csv")
        assert sentence in ran.sentence
        assert out.read_text() == before
    assert sorted(world.folder.glob(".kept*")) == []


def test_the_data_itself_is_never_overwritten(world: World) -> None:
    data = described(world.folder, "new", world.new, UNSPLIT)
    before = (world.folder / "new.csv").read_bytes()
    assert world.ran(data, out="new.csv").sentence.endswith("new.csv', which holds the data, expected another file")
    assert (world.folder / "new.csv").read_bytes() == before


def test_damaged_rows_are_left_out_if_that_is_asked_for(world: World) -> None:
    damaged = world.new.astype({"word_a": object})
    damaged.loc[3, "word_a"] = "many"
    ran = world.ran(described(world.folder, "new", damaged, UNSPLIT), "--skip-damaged")
    assert "14 predictions of 2 networks" in ran.out
    assert "1 damaged samples left out" in ran.out


def test_evaluate_still_wants_labels_and_says_so(world: World) -> None:
    new = described(world.folder, "new", world.new.drop(columns=["score", "mood"]), UNLABELLED)
    ran = haemsa("evaluate", world.folder / "model", "--data", new)
    assert ran.sentence.endswith("tasks is missing, expected names with their arrays or columns")
    new = described(world.folder, "new", world.frame.assign(score=np.nan, mood=np.nan))
    assert haemsa("evaluate", world.folder / "model", "--data", new).sentence.endswith(
        "'mood' has no label, expected at least one"
    )


def test_parquet_is_written_by_the_name_of_the_file_or_as_asked(world: World) -> None:
    for out, options in (("out.parquet", ()), ("out.data", ("--format", "parquet"))):
        assert world.ran(world.data, *options, out=out).status == 0
        found = pd.read_parquet(world.folder / out).set_index("id").loc[world.expected.index]
        same(found.drop(columns="split").astype(world.expected.dtypes), world.expected)


@pytest.mark.parametrize("kind", ["csv", "parquet"])
def test_many_rows_are_read_predicted_and_written_some_at_a_time(
    world: World, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("haemsa.model.data.readers.described.blocks._ROWS", 4)
    world.new.to_csv(world.folder / "new.csv", index=False)
    samples = load_samples(world.model, str(world.folder / "new.csv"))
    sizes = []
    frames = (sizes.append(len(frame)) or frame for frame in prediction_blocks(world.model, samples))
    assert write_predictions(frames, world.folder / f"blocks.{kind}") == 15
    assert sizes == [4, 4, 4, 3]
    read = pd.read_csv if kind == "csv" else pd.read_parquet
    same(read(world.folder / f"blocks.{kind}").set_index("id").astype(world.expected.dtypes), world.expected)
    ran = world.ran(world.folder / "new.csv")
    assert "15/15 · " in ran.err


def test_python_takes_new_samples_and_missing_cells_too(world: World) -> None:
    world.new.to_csv(world.folder / "new.csv", index=False)
    frame = predictions(world.model, load_samples(world.model, str(world.folder / "new.csv")))
    same(frame.set_index("id").astype(world.expected.dtypes), world.expected)
    audio = world.new[list(AUDIO)].to_numpy()[:1, None].copy()
    audio[0, 0, 1] = np.nan
    means = world.model.feature_means()["audio"]
    filled = np.where(np.isnan(audio), means, audio)
    one = np.ones(1, np.int64)
    found, expected = (world.model.predict({"audio": (raw, one)})["score"] for raw in (audio, filled))
    assert found == pytest.approx(expected, abs=1e-6)
    nothing = world.model.predict({"audio": (np.full((1, 1, 3), np.nan), one)})["score"]
    assert nothing == pytest.approx(world.model.predict({"audio": (audio, np.zeros(1, np.int64))})["score"])


def test_a_single_sample_of_a_pickle_is_predicted(world: World) -> None:
    audio, text = (world.new[list(columns)].to_numpy()[0] for columns in (AUDIO, TEXT))
    path = world.folder / "s75.pkl"
    path.write_bytes(pickle.dumps({"audio": audio[None], "text": text[None]}))
    same(world.predict(path), world.expected)
