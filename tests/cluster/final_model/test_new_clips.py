"""A model that was trained on encoded clips encodes new clips in the same way."""

from __future__ import annotations

import base64
import re
import shutil
import warnings
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from haemsa.cluster.embedding.embed import embed_data
from haemsa.cluster.final_model.encoders import keep_encoders
from haemsa.cluster.final_model.load import load_model, load_samples
from haemsa.cluster.final_model.predictions import predictions
from haemsa.cluster.tracking.code_copy import copy_code
from haemsa.model.data.clips.sources import read_clips
from haemsa.model.data.dataset import Dataset
from haemsa.model.data.folds import holdout
from haemsa.model.data.normalisation import Normalisation
from haemsa.model.data.readers.options import Reading
from haemsa.model.data.summary import provenance
from haemsa.model.network.cohort import CohortRow
from haemsa.model.predictor.clips import clip_of
from haemsa.model.predictor.predictor import Predictor
from haemsa.model.schema import Schema
from haemsa.model.spec.genome import Genome
from haemsa.model.spec.network import EncoderSpec, ExpertSpec, LevelSpec, NetworkSpec
from haemsa.model.spec.training import TrainingGenes
from haemsa.model.training.fold_statistics import FoldStatistics
from haemsa.model.training.pool import Pool
from haemsa.model.training.train import train
from tests.support.model.clip_data import COUNT, CUT, ClipData, clip_data

STREAMS = ("text_bert", "audio_wav2vec2", "vision_vit")


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> ClipData:
    return clip_data(tmp_path_factory.mktemp("clips"))


@pytest.fixture(scope="module")
def dataset(data: ClipData, tmp_path_factory: pytest.TempPathFactory) -> Dataset:
    return embed_data(str(data.table), tmp_path_factory.mktemp("store") / "clips.h5", data.choices)


@pytest.fixture(scope="module")
def model(dataset: Dataset, tmp_path_factory: pytest.TempPathFactory) -> Predictor:
    return Predictor.load(saved(dataset, STREAMS, tmp_path_factory.mktemp("model")))


def saved(dataset: Dataset, streams: tuple[str, ...], folder: Path) -> Path:
    """A model that reads these streams."""
    encoders = tuple(EncoderSpec(name, "mean") for name in streams)
    genome = Genome(NetworkSpec(8, encoders, (LevelSpec((ExpertSpec(streams, width=4),)),)), TrainingGenes(epochs=2))
    normalisation, folds = Normalisation.fit(dataset), holdout(dataset.pool())
    pool = Pool.of(normalisation.apply(dataset.pool()))
    trained = train([CohortRow(genome, seed=0)], pool, folds)
    info = {"dataset": provenance(dataset, "clips.h5")}
    made = Predictor.of(trained, FoldStatistics.fit(pool, folds), Schema.of(dataset), normalisation, info)
    made.save(folder)
    return folder


def new_table(data: ClipData, folder: Path) -> Path:
    """The last five clips without labels, in a table without the columns of labels and splits."""
    for name in ("clips.csv", "clips.yaml"):
        shutil.copy(data.table.with_name(name), folder / name)
    lines = (folder / "clips.csv").read_text().splitlines()
    rows = [",".join(line.split(",")[:3]) for line in (lines[0], *lines[-5:])]
    (folder / "clips.csv").write_text("\n".join(rows).replace("clips/", f"{data.table.parent}/clips/") + "\n")
    return folder / "clips.yaml"


def test_new_clips_get_the_answers_of_features_that_were_made_beforehand(
    data: ClipData, dataset: Dataset, model: Predictor, tmp_path: Path
) -> None:
    new = load_samples(model, str(new_table(data, tmp_path)))
    found = predictions(model, new)
    beforehand = predictions(model, dataset)
    assert found["id"].tolist() == ["c7", "c8", "c9", "c10", "c11"]
    np.testing.assert_allclose(found["mood"], beforehand["mood"][-5:], atol=1e-4)
    assert new.notes == ()


def test_a_table_without_a_yaml_file_is_read_by_the_columns_of_training(
    data: ClipData, model: Predictor, tmp_path: Path
) -> None:
    described = predictions(model, load_samples(model, str(new_table(data, tmp_path))))
    (tmp_path / "clips.yaml").unlink()
    found = predictions(model, load_samples(model, str(tmp_path / "clips.csv")))
    pd.testing.assert_frame_equal(found, described)
    table = pd.read_csv(tmp_path / "clips.csv")
    table.drop(columns="id").to_parquet(tmp_path / "clips.parquet")
    found = predictions(model, load_samples(model, str(tmp_path / "clips.parquet")))
    assert found["id"].tolist() == ["1", "2", "3", "4", "5"]
    assert found["mood"].tolist() == described["mood"].tolist()
    table.drop(columns="file").to_csv(tmp_path / "no-files.csv", index=False)
    expected = r"no-files.csv has no column 'file', which was the column of media files in training; it has id, text$"
    with pytest.raises(ValueError, match=expected):
        load_samples(model, str(tmp_path / "no-files.csv"))


def test_a_clip_that_does_not_exist_is_named_or_left_out(data: ClipData, model: Predictor, tmp_path: Path) -> None:
    described = new_table(data, tmp_path)
    table = described.with_suffix(".csv")
    table.write_text(table.read_text().replace("/8.mp4", "/gone.mp4"))
    for source, files in ((described, [described, table]), (table, [table])):
        with pytest.raises(ValueError, match=r"clips.csv: row 3: there is no file '.*gone.mp4'; haemsa predict --skip"):
            load_samples(model, str(source))
        new = load_samples(model, str(source), Reading(skip_damaged=True))
        assert predictions(model, new)["id"].tolist() == ["c7", "c9", "c10", "c11"]
        assert [note[:38] for note in new.notes] == ["1 damaged samples left out; the first:"]
        assert [file for file in files if file in new.files] == files  # haemsa predict does not write over them


def test_a_model_whose_clips_had_no_table_takes_the_names_that_a_server_takes(
    data: ClipData, model: Predictor, tmp_path: Path
) -> None:
    facts = {name: {**made, "columns": {}} for name, made in model.info["dataset"]["encoders"].items()}
    changed = Predictor(model.schema, model.normalisation, model.members, {"dataset": {"encoders": facts}})
    described = predictions(model, load_samples(model, str(new_table(data, tmp_path))))
    table = pd.read_csv(tmp_path / "clips.csv").rename(columns={"file": "media"})
    table.to_csv(tmp_path / "clips.csv", index=False)
    found = predictions(changed, load_samples(changed, str(tmp_path / "clips.csv")))
    pd.testing.assert_frame_equal(found, described)


def test_a_clip_that_cannot_be_read_is_predicted_without_that_modality(
    data: ClipData, dataset: Dataset, model: Predictor
) -> None:
    new = load_samples(model, str(data.table))
    found = predictions(model, new)
    np.testing.assert_allclose(found["mood"], predictions(model, dataset)["mood"], atol=1e-4)
    note = "vision_vit: clips that do not give it (1): c5 (it is damaged, or no clip)"
    assert note in new.notes
    clip = read_clips(str(data.table)).clips[CUT]
    with pytest.warns(UserWarning, match=re.escape(note)) as told:
        alone = model.predict_clips([{"id": "c5", "text": clip.text, "media": clip.media}])
    assert [warning.filename for warning in told] == [__file__] * 2
    np.testing.assert_allclose(alone["mood"], found["mood"][CUT], atol=1e-4)


def test_what_is_not_said_of_a_clip_is_no_problem(model: Predictor) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert model.predict_clips([{"text": "a good film"}])["id"].tolist() == ["0"]


def test_what_is_no_clip_is_refused(model: Predictor) -> None:
    with pytest.raises(ValueError, match=r"^there is no clip, expected at least one$"):
        model.predict_clips([])
    with pytest.raises(ValueError, match=r"^clip 0 is a str, expected a dictionary with text, media, media_base64, st"):
        model.predict_clips("a good film")  # type: ignore[arg-type]


def test_clips_from_python_and_a_served_model_give_the_same_answers(
    data: ClipData, dataset: Dataset, model: Predictor, tmp_path: Path
) -> None:
    from haemsa.cluster.tracking.served import ServedModel  # which loads MLflow

    clips = [clip for clip in read_clips(str(data.table)).clips[-2:] if isinstance(clip.media, Path)]
    said = [{"id": "one", "text": clips[0].text, "media": str(clips[0].media)}, {"text": clips[1].text}]
    found = model.predict_clips(said)
    assert found["id"].tolist() == ["one", "1"]
    last = dataset.part("test").take(np.array([2, 3]))
    shown = last.hiding(STREAMS[1:], np.array([[True, True], [False, False]]))
    np.testing.assert_allclose(found["mood"], predictions(model, shown)["mood"], atol=1e-4)

    model.save(tmp_path / "model")
    served = ServedModel()
    served.load_context(SimpleNamespace(artifacts={"code": str(copy_code(tmp_path)), "model": str(tmp_path / "model")}))
    content = [base64.b64encode(clips[0].media.read_bytes()).decode(), None]
    asked = pd.DataFrame({"text": [clip.text for clip in clips], "media_base64": content})
    np.testing.assert_allclose(served.predict(None, asked)["mood"], found["mood"], atol=1e-4)
    with pytest.raises(ValueError, match=r"^media_base64 of row 0 is no base64 \("):
        served.predict(None, pd.DataFrame({"media_base64": ["?"]}))


@pytest.mark.parametrize(
    ("said", "sentence"),
    [
        ({"txt": "a"}, r"clip 0 has 'txt' \(did you mean text\?\), expected text, media, media_base64, start, end"),
        ({"text": 3}, "text of clip 0 is a int, expected a transcript"),
        ({"media": "/no/clip.mp4"}, "media of clip 0 is '/no/clip.mp4', but there is no such file"),
        ({"media": b"bytes"}, "media of clip 0 is a bytes, expected the path of a file"),
        ({"media": __file__, "media_base64": ""}, "clip 0 has media and media_base64, expected one of them"),
        ({"media_base64": "A" * 100_000_000}, "media_base64 of clip 0 has 75000000 bytes, expected at most 67108864"),
        ({"start": -1}, "start of clip 0 is '-1', expected a second, 0 or more"),
        ({"start": 3, "end": 3.0}, "clip 0 starts at second 3 and ends at 3, expected the start first"),
    ],
)
def test_what_is_said_of_a_clip_is_checked(said: dict[str, object], sentence: str) -> None:
    with pytest.raises(ValueError, match=f"^{sentence}$"):
        clip_of(said, "clip 0")


def test_a_table_can_hold_features_beside_clips(data: ClipData, tmp_path: Path) -> None:
    table = pd.read_csv(data.table.with_suffix(".csv")).assign(pace=np.linspace(-1, 1, COUNT))
    table["file"] = [str(data.table.parent / file) for file in table["file"]]
    table.to_csv(tmp_path / "clips.csv", index=False)
    (tmp_path / "clips.yaml").write_text(f"{data.table.read_text()}modalities: {{pace: pace}}\n")
    dataset = embed_data(str(tmp_path / "clips.yaml"), tmp_path / "clips.h5", data.choices[:1])
    model = Predictor.load(saved(dataset, ("pace", "text_bert"), tmp_path / "model"))
    beforehand = predictions(model, dataset)
    for source in ("clips.yaml", "clips.csv"):
        new = load_samples(model, str(tmp_path / source))
        found = predictions(model, new)
        np.testing.assert_allclose(found["mood"], beforehand["mood"], atol=1e-4)
        assert found["id"].tolist() == list(dataset.ids)
        assert new.notes == ()
    with pytest.raises(
        ValueError, match=r"^--skip-damaged is given, but does not concern a table of features and clips"
    ):
        load_samples(model, str(tmp_path / "clips.yaml"), Reading(skip_damaged=True))
    table[["id", "pace"]].to_csv(tmp_path / "features.csv", index=False)
    new = load_samples(model, str(tmp_path / "features.csv"))
    assert len(predictions(model, new)) == COUNT
    assert new.notes == ("text_bert: absent in all samples; the model predicts without it",)


def test_encoders_that_are_kept_with_a_model_go_where_it_goes(
    data: ClipData, dataset: Dataset, model: Predictor, tmp_path: Path
) -> None:
    model.save(tmp_path / "model")
    keep_encoders(tmp_path / "model")
    (tmp_path / "model").rename(tmp_path / "moved")
    table, encoders = new_table(data, tmp_path), Path(data.text).parent
    for name in ("bert", "wav2vec2", "vit"):
        (encoders / name).rename(encoders / f"{name}-gone")
    try:
        with pytest.raises(ValueError, match=r"^model '.*bert' is no folder, expected one with config.json"):
            load_samples(model, str(table))
        moved = load_model(tmp_path / "moved")
        found = predictions(moved, load_samples(moved, str(table)))
    finally:
        for name in ("bert", "wav2vec2", "vit"):
            (encoders / f"{name}-gone").rename(encoders / name)
    np.testing.assert_allclose(found["mood"], predictions(model, dataset)["mood"][-5:], atol=1e-4)


def test_a_model_of_other_features_has_no_encoders_to_keep(model: Predictor, tmp_path: Path) -> None:
    Predictor(model.schema, model.normalisation, model.members).save(tmp_path)
    with pytest.raises(ValueError, match="has no stream of haemsa data embed, so it has no encoder to keep"):
        keep_encoders(tmp_path)


def test_another_encoder_is_refused(data: ClipData, model: Predictor, tmp_path: Path) -> None:
    source = new_table(data, tmp_path)
    shutil.copytree(data.vision, tmp_path / "vit")
    (tmp_path / "vit" / "preprocessor_config.json").write_text("{}")
    facts = {name: dict(made) for name, made in model.info["dataset"]["encoders"].items()}
    facts["vision_vit"]["model"] = str(tmp_path / "vit")
    changed = Predictor(model.schema, model.normalisation, model.members, {"dataset": {"encoders": facts}})
    with pytest.raises(ValueError, match=r"^model '.*vit' has other settings than when it made 'vision_vit', expected"):
        load_samples(changed, str(source))
    for encoders, sentence in (
        ({}, r"^the model reads text_bert, audio_wav2vec2, vision_vit, which haemsa data embed did not make"),
        ({"text_bert": {}}, r"^it is not known what made 'text_bert', expected a stream of haemsa data embed$"),
    ):
        changed = Predictor(model.schema, model.normalisation, model.members, {"dataset": {"encoders": encoders}})
        with pytest.raises(ValueError, match=sentence):
            load_samples(changed, str(source))
