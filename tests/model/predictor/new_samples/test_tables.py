"""Rows of a table as new samples: nothing but the columns of the model is needed."""

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from haemsa.model.data.readers.options import Reading
from haemsa.model.data.sources import load
from haemsa.model.predictor.new_samples.new_samples import NewSamples
from haemsa.model.predictor.new_samples.read import read_samples
from haemsa.model.schema import Schema

MODEL = Schema({"audio": (1, 2), "text": (1, 1)}, {}, {"audio": ("pitch", "rate"), "text": ("word",)})
TABLE = "id,word,rate,pitch\nx,1,2,3\ny,,5,6\n"
YAML = "source: t.csv\nmodalities: {audio: [pitch, rate], text: word}\n"


def written(tmp_path, table=TABLE, yaml=None):
    (tmp_path / "t.csv").write_text(table)
    if yaml is None:
        return str(tmp_path / "t.csv")
    (tmp_path / "t.yaml").write_text(yaml)
    return str(tmp_path / "t.yaml")


def whole(new, split=None):
    """The only block of new samples."""
    (block,) = new.blocks(split)
    return block


def cells(samples, name):
    return samples.modalities[name].features[:, 0].tolist()


def test_a_table_without_a_description_is_read_by_the_names_that_the_model_knows(tmp_path):
    new = read_samples(written(tmp_path), MODEL)
    found = whole(new)
    assert (new.name, new.count, new.has_splits, new.notes) == ("t", 2, False, ())
    assert found.ids == ("x", "y")
    assert found.split_of is None
    assert cells(found, "audio") == [[3, 2], [6, 5]]
    assert np.array_equal(cells(found, "text"), [[1], [np.nan]], equal_nan=True)


def test_rows_without_ids_are_numbered_from_one(tmp_path):
    assert whole(read_samples(written(tmp_path, "word,rate,pitch\n1,2,3\n1,2,3\n"), MODEL)).ids == ("1", "2")


@pytest.mark.parametrize(
    "yaml",
    [
        YAML,
        YAML + "ids: id\n",
        YAML + "tasks: {score: no_such_column}\ngroups: nor_this\nsplit: nor_that\n",
        YAML.replace("[pitch, rate]", '["p*", "r*"]').replace("text: word", "text: [word]"),
    ],
)
def test_a_description_needs_no_tasks_and_its_labels_groups_and_splits_may_be_absent(tmp_path, yaml):
    found = whole(read_samples(written(tmp_path, TABLE, yaml), MODEL))
    assert cells(found, "audio") == [[3, 2], [6, 5]]
    assert found.split_of is None


def test_a_column_of_splits_chooses_rows_and_any_of_them_may_lack_all_rows(tmp_path):
    path = written(tmp_path, "id,word,rate,pitch,fold\nx,1,2,3,dev\ny,4,5,6,\n", YAML + "ids: id\nsplit: fold\n")
    new = read_samples(path, MODEL)
    assert new.has_splits
    assert whole(new).split_of == ("valid", "")
    assert whole(new, "valid").ids == ("x",)
    with pytest.raises(ValueError, match="data 't' has no split 'test', it has valid"):
        list(new.blocks("test"))


def test_a_split_of_data_without_splits_is_that_of_training(tmp_path):
    rows = [f"r{row},{row},{row % 7},{row % 5},{row % 3},g{row // 2}\n" for row in range(40)]
    labelled = YAML + "tasks: {score: {from: mark, kind: regression}}\nids: id\ngroups: video\nseed: 3\n"
    path = written(tmp_path, "id,word,rate,pitch,mark,video\n" + "".join(rows), labelled)
    new, data = read_samples(path, MODEL), load(path)
    for split, indices in data.splits.items():
        found = whole(new, split)
        assert found.ids == tuple(data.ids[sample] for sample in indices)
        assert set(found.split_of) == {split}
        assert cells(found, "text") == [[float(name[1:])] for name in found.ids]
    assert "no splits were given; made of whole groups with seed 3: train 28, valid 4, test 8" in new.notes
    assert whole(new).split_of is None


@pytest.mark.parametrize(
    ("yaml", "reason"),
    [(None, r"t.csv' needs a YAML file next to it, .*"), (YAML, r".*t.yaml: tasks is missing, .*")],
)
def test_a_split_of_data_that_training_cannot_read_is_refused(tmp_path, yaml, reason):
    new = read_samples(written(tmp_path, TABLE, yaml), MODEL)
    sentence = "data 't' does not say which split a sample is in, so it has no 'test'"
    with pytest.raises(ValueError, match=f"{sentence}, and it cannot be split as training does it: .*{reason}"):
        list(new.blocks("test"))


def test_a_split_of_samples_of_python_without_splits_is_refused(tmp_path):
    new = NewSamples.of("mine", MODEL, whole(read_samples(written(tmp_path), MODEL)))
    with pytest.raises(ValueError, match="data 'mine' does not say which split a sample is in, so it has no 'test'"):
        list(new.blocks("test"))


@pytest.mark.parametrize("yaml", [None, YAML])
def test_a_modality_without_any_column_is_absent_and_a_note_says_so(tmp_path, yaml):
    new = read_samples(written(tmp_path, "rate,pitch\n2,3\n", yaml), MODEL)
    assert list(whole(new).modalities) == ["audio"]
    assert new.notes == ("text: absent in all samples; the model predicts without it",)


def test_columns_that_are_missing_are_listed(tmp_path):
    with pytest.raises(ValueError, match="modality 'audio' lacks rate, which the model was trained on; the data has p"):
        read_samples(written(tmp_path, "id,word,pitch\nx,1,2\n"), MODEL)


def test_a_table_without_any_column_of_the_model_is_refused(tmp_path):
    with pytest.raises(ValueError, match=r"t\.csv has no column of the model's modalities audio, text; it has id"):
        read_samples(written(tmp_path, "id,other\nx,1\n"), MODEL)
    unnamed = Schema({"audio": (1, 2)}, {})
    with pytest.raises(ValueError, match="have no names in the model: a YAML file next to it must name them"):
        read_samples(written(tmp_path), unnamed)


def test_a_model_without_names_reads_a_described_table_of_its_width(tmp_path):
    unnamed = Schema({"audio": (1, 2)}, {})
    assert cells(whole(read_samples(written(tmp_path, TABLE, YAML), unnamed)), "audio") == [[3, 2], [6, 5]]
    with pytest.raises(ValueError, match="modality 'audio' has 2 features, the model was trained on 3"):
        read_samples(written(tmp_path, TABLE, YAML), Schema({"audio": (1, 3)}, {}))


@pytest.mark.parametrize(
    ("row", "problem"),
    [
        (
            "z,1,loud,3",
            "row 4: 'rate' is 'loud', expected a number; haemsa predict --skip-damaged",
        ),
        (
            "z,1,2",
            "row 4: it has 3 cells, fewer than the header; haemsa predict --skip-damaged",
        ),
        (",1,2,3", "row 4: 'id' is None, expected a name; haemsa predict --skip-damaged"),
    ],
)
def test_a_damaged_row_is_named_or_left_out(tmp_path, row, problem):
    path = written(tmp_path, TABLE + row + "\nlast,1,2,3\n")
    with pytest.raises(ValueError, match=problem):
        list(read_samples(path, MODEL).blocks())
    new = read_samples(path, MODEL, Reading(skip_damaged=True))
    assert whole(new).ids == ("x", "y", "last")
    assert "1 damaged samples left out; the first: " in new.notes[0]


def test_a_row_with_too_many_cells_is_refused(tmp_path):
    with pytest.raises(ValueError, match="row 4 has 5 cells, expected 4 as the header; a cell that"):
        read_samples(written(tmp_path, TABLE + "z,1,2,3,4\n"), MODEL)


def test_rows_are_read_some_at_a_time(tmp_path, monkeypatch):
    monkeypatch.setattr("haemsa.model.data.readers.described.blocks._ROWS", 3)
    frame = pd.DataFrame({"word": np.arange(8.0), "rate": np.arange(8.0) + 10, "pitch": np.arange(8.0) + 20})
    frame.to_csv(tmp_path / "t.csv", index=False)
    frame.to_parquet(tmp_path / "t.parquet")
    for name in ("t.csv", "t.parquet"):
        blocks = list(read_samples(str(tmp_path / name), MODEL).blocks())
        assert [len(block) for block in blocks] == [3, 3, 2]
        assert [name for block in blocks for name in block.ids] == [str(row) for row in range(1, 9)]
        assert np.concatenate([block.modalities["audio"].features for block in blocks])[:, 0, 0].tolist() == list(
            range(20, 28)
        )


def test_lists_in_parquet_may_be_longer_or_shorter_than_in_training(tmp_path):
    model = Schema({"text": (2, 2)}, {})
    steps = [[[1.0, 2.0]], [[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]], None]
    pq.write_table(pa.table({"id": ["a", "b", "c"], "text": steps}), tmp_path / "t.parquet")
    new = read_samples(str(tmp_path / "t.parquet"), model)
    text = whole(new).modalities["text"]
    assert text.lengths.tolist() == [1, 3, 0]
    assert text.features.tolist() == [[[1, 2], [0, 0]], [[1, 2], [3, 4]], [[0, 0], [0, 0]]]
    assert new.notes == ("text: 1 samples cut to their first 2 steps, the most that the model knows",)


def test_lists_of_another_size_are_refused(tmp_path):
    pq.write_table(pa.table({"text": [[1.0, 2.0, 3.0]]}), tmp_path / "t.parquet")
    with pytest.raises(ValueError, match="row 1: 'text' has a list of 3 numbers, expected 2"):
        list(read_samples(str(tmp_path / "t.parquet"), Schema({"text": (1, 2)}, {})).blocks())


def test_one_long_cell_does_not_fill_the_memory(tmp_path):
    long, short = [[0.0, 1.0]] * 100_000, [[0.0, 1.0]]
    pq.write_table(pa.table({"text": [long, *[short] * 5000]}), tmp_path / "t.parquet")
    blocks = list(read_samples(str(tmp_path / "t.parquet"), Schema({"text": (4, 2)}, {})).blocks())
    assert sum(map(len, blocks)) == 5001
    assert max(block.modalities["text"].features.nbytes for block in blocks) < 2**20


def test_given_lengths_of_lists_are_kept(tmp_path):
    pq.write_table(pa.table({"text": [[[1.0], [2.0]], [[3.0], [4.0]]], "n": [1, 2]}), tmp_path / "t.parquet")
    (tmp_path / "t.yaml").write_text("source: t.parquet\nmodalities: {text: {from: text, lengths: n}}\n")
    found = whole(read_samples(str(tmp_path / "t.yaml"), Schema({"text": (2, 1)}, {})))
    assert found.modalities["text"].lengths.tolist() == [1, 2]


def test_sequences_for_a_model_of_single_steps_are_told(tmp_path):
    pq.write_table(pa.table({"text": [[[1.0], [2.0]]]}), tmp_path / "t.parquet")
    new = read_samples(str(tmp_path / "t.parquet"), Schema({"text": (1, 1)}, {}))
    list(new.blocks())
    (note,) = new.notes
    assert note.startswith("text: the model was trained on single steps, and samples have up to 2; only the first step")
