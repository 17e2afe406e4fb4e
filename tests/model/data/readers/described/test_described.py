import numpy as np
import pandas as pd
import pytest

from haemsa.model.data.dataset import Task
from haemsa.model.data.readers.assemble import teaching_nothing
from haemsa.model.data.readers.described.description import read_description
from haemsa.model.data.readers.described.read import read
from haemsa.model.data.readers.options import Reading
from haemsa.model.data.sources import load
from tests.support.places import ROOT, SHARED_DATA

DOCS = ROOT / "docs" / "data"

EXAMPLES = ("pom", "mmmo", "mfeat")


def arrays():
    """Two training samples, one each to validate and test; text lacks the training split."""
    rng, found = np.random.default_rng(0), {}
    for split, count in (("train", 3), ("valid", 2), ("test", 2)):
        found[f"audio_{split}"] = rng.normal(size=(count, 4, 2))
        found[f"y_{split}"] = rng.normal(size=(count, 2))
    return found | {"text_valid": rng.normal(size=(2, 3)), "text_test": rng.normal(size=(2, 3))}


BY_SPLIT = """
source: six.npz
modalities: {audio: "audio_{split}"}
tasks:
  mood: {from: "y_{split}", columns: [calm, vivid]}
"""

TABLE = pd.DataFrame({
    "a_1": np.arange(12) / 4, "a_2": np.arange(12) % 5, "v": [*range(11), None],
    "mood": ["joy", "fear", None, "joy"] * 3, "level": np.arange(12) % 3,
    "video": [f"v{row // 2}" for row in range(12)], "id": [f"s{row:02}" for row in range(12)],
    "fold": ["train"] * 6 + ["valid"] * 2 + ["test"] * 4,
})  # fmt: skip
OF_TABLE = """
source: six.csv
modalities: {a: "a_*", v: v}
tasks: {mood: mood, level: {from: level, kind: regression}}
"""


def described_files(tmp_path, source):
    if isinstance(source, dict):
        np.savez_compressed(tmp_path / "six.npz", **source)
    else:
        source.to_csv(tmp_path / "six.csv", index=False)
        source.to_parquet(tmp_path / "six.parquet")


def described(tmp_path, text, source, **reading):
    (tmp_path / "six.yaml").write_text(text)
    described_files(tmp_path, source)
    return load(str(tmp_path / "six.yaml"), reading=Reading(**reading))


def test_labels_that_are_all_the_same_in_training_get_a_note():
    train = np.arange(2)
    tasks = {
        "mood": Task("classes", np.array([1, 1, 0]), ("sad", "glad")),
        "score": Task("regression", np.array([0.5, np.nan, 1], np.float32)),
        "other": Task("regression", np.array([0.5, 1, 1], np.float32)),
    }
    assert teaching_nothing(tasks, train) == [
        "mood: all labels of the training split are glad, so there is nothing to learn",
        "score: all labels of the training split are 0.5, so there is nothing to learn",
    ]


def test_arrays_of_splits_are_read_by_what_the_description_calls_them(tmp_path):
    source = arrays()
    source["audio_train"][1, 2:] = 0
    data = described(tmp_path, BY_SPLIT, source)
    assert data.name == "six"
    assert {split: indices.tolist() for split, indices in data.splits.items()} == {
        "train": [0, 1, 2], "valid": [3, 4], "test": [5, 6],
    }  # fmt: skip
    assert np.array_equal(data.modalities["audio"].features[3:5], source["audio_valid"].astype(np.float32))
    assert data.modalities["audio"].lengths.tolist() == [4, 2, 4, 4, 4, 4, 4]
    assert list(data.tasks) == ["calm", "vivid"]
    assert np.array_equal(data.tasks["vivid"].targets[5:], source["y_test"][:, 1].astype(np.float32))
    assert data.ids == ("train-0", "train-1", "train-2", "valid-0", "valid-1", "test-0", "test-1")
    assert data.groups.tolist() == list(range(7))
    assert data.notes == ()


def test_a_modality_that_splits_lack_is_absent_there(tmp_path):
    text = BY_SPLIT.replace('audio: "audio_{split}"', 'audio: "audio_{split}", text: "text_{split}"')
    data = described(tmp_path, text, arrays() | {"text_train": np.ones((3, 3)) * [[1], [2], [3]]})
    assert data.modalities["text"].presence.all()
    data = described(tmp_path, text, arrays())
    assert list(data.modalities) == ["audio"]
    assert "text: absent in the whole split 'train'" in data.notes
    assert "text: dropped, absent or non-finite in the whole training split" in data.notes


def test_lengths_are_cut_and_all_zero_samples_stay_absent(tmp_path):
    text = BY_SPLIT.replace('"audio_{split}"', '{from: "audio_{split}", lengths: "n_{split}"}')
    source = arrays() | {"n_train": [1, 3, 9], "n_valid": [4, 2], "n_test": [4, 2]}
    source["audio_train"][1] = 0
    data = described(tmp_path, text, source)
    assert data.modalities["audio"].lengths.tolist() == [1, 0, 4, 4, 2, 4, 2]
    assert "audio: 1 lengths cut to the steps that there are" in data.notes
    with pytest.raises(ValueError, match=r"sample valid-1: 'n_\{split\}' is 1\.5, expected a whole number from 0"):
        described(tmp_path, text, source | {"n_valid": [4, 1.5]})


@pytest.mark.parametrize("ending", ["csv", "parquet"])
def test_a_table_is_read_with_groups_ids_and_a_column_of_splits(tmp_path, ending):
    text = OF_TABLE.replace("csv", ending) + "groups: video\nids: id\nsplit: fold\n"
    data = described(tmp_path, text, TABLE)
    assert data.ids == tuple(TABLE["id"])
    assert data.groups.tolist() == [row // 2 for row in range(12)]
    assert {split: len(indices) for split, indices in data.splits.items()} == {"train": 6, "valid": 2, "test": 4}
    assert data.modalities["a"].features[4].tolist() == [[1, 4]]
    assert data.modalities["v"].lengths.tolist() == [1] * 11 + [0]
    assert data.tasks["mood"].labels == ("fear", "joy")
    assert data.tasks["mood"].targets[:4].tolist() == [1, 0, -1, 1]
    assert data.tasks["level"].targets[:4].tolist() == [0, 1, 2, 0]
    assert "mood: 3 labels missing" in data.notes


def test_a_csv_and_a_parquet_file_are_the_same_data(tmp_path):
    text = OF_TABLE + "groups: video\nids: id\n"
    prints = {described(tmp_path, text.replace("csv", end), TABLE).fingerprint for end in ("csv", "parquet")}
    assert len(prints) == 1


def test_splits_are_made_of_whole_groups_with_the_seed(tmp_path):
    data = described(tmp_path, OF_TABLE + "groups: video\n", TABLE)
    owners = [set(data.groups[indices].tolist()) for indices in data.splits.values()]
    assert sum(map(len, owners)) == 6
    assert any(note.startswith("no splits were given; made of whole groups with seed 0: train ") for note in data.notes)
    assert data.ids[:2] == ("1", "2")
    sizes = OF_TABLE + "splits: {train: 6, valid: 3, test: 3}\n"
    order = np.random.default_rng(7).permutation(12)
    data = described(tmp_path, sizes + "seed: 7", TABLE)
    assert data.splits["train"].tolist() == sorted(order[:6].tolist())
    assert data.splits["test"].tolist() == sorted(order[9:].tolist())


def test_damaged_samples_are_an_error_or_left_out_and_counted(tmp_path):
    odd = TABLE.astype(str).replace({"nan": "", "None": ""})
    odd.loc[2, "a_1"], odd.loc[3, "fold"], odd.loc[3, "id"] = "x", "none", ""
    text = OF_TABLE + "groups: video\nids: id\nsplit: fold\n"
    with pytest.raises(
        ValueError, match=r"six\.yaml: modalities.a: .*six\.csv: row 4: 'a_1' is 'x', expected a number"
    ):
        described(tmp_path, text, odd)
    data = described(tmp_path, text, odd, skip_damaged=True)
    assert data.ids == tuple(TABLE["id"].drop([2, 3]))
    assert data.splits["train"].tolist() == [0, 1, 2, 3]
    assert data.modalities["a"].features[2].tolist() == [[1, 4]]
    assert data.tasks["mood"].targets.tolist() == [1, 0, 1, 0, -1, 1, 1, 0, -1, 1]
    assert any(note.startswith("2 damaged samples left out; the first: ") for note in data.notes)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (BY_SPLIT.replace("six.npz", "six.txt"), r"source is 'six.txt', expected a file that ends in \.npz, \.csv, "),
        (BY_SPLIT.replace("six.npz", "seven.npz"), "source is 'seven.npz', but there is no file '.*seven.npz'"),
        (BY_SPLIT.replace("six.npz", "Six.npz"), r"'Six.npz' \(did you mean six.npz\?\), but there is no file"),
        (BY_SPLIT.replace("six.npz", "six.csv"), r"\{split\} is for arrays, expected split: and the column of six.csv"),
        (
            BY_SPLIT.replace("audio_", "sound_"),
            r"modalities.audio: .*six.npz has no array 'sound_train' or 'sound_valid'",
        ),
        (BY_SPLIT.replace("calm, vivid", "calm"), "tasks.mood: columns gives 1 names, expected 2, one for each"),
        (
            BY_SPLIT + "  calm: {from: 'y_{split}', columns: [calm, x]}",
            "tasks.calm: two tasks are called 'calm', expect",
        ),
        (BY_SPLIT + "ids: y_{split}", r"ids: 'y_\{split\}' has 2 columns, expected one"),
        (
            OF_TABLE.replace("a_*", "b_*"),
            r"six.csv has no column 'b_\*', it has a_1, a_2, v, mood, level, video, id, fold",
        ),
        (OF_TABLE.replace("kind: regression", ""), "tasks.level: its labels could be of any kind, expected kind: regr"),
        (OF_TABLE + "split: video", "split: .*six.csv: row 2: 'video' is 'v0', expected train or valid or test"),
        (OF_TABLE + "split: Fold", r"six.csv has no column 'Fold' \(did you mean fold\?\), it has a_1, "),
        (
            OF_TABLE + "splits: {train: 6, valid: 3, test: 4}",
            "split sizes are train 6, .* expected shares that sum to 1",
        ),
        (OF_TABLE + "groups: speaker", "six.csv has no column 'speaker', it has a_1,"),
        (OF_TABLE.replace("mood: mood", "'my mood': mood"), "a task is named 'my mood', expected letters, digits"),
        (OF_TABLE.replace("v: v", "global: v"), "a modality is named 'global', which is the network's own token"),
    ],
)
def test_what_does_not_fit_is_one_sentence(tmp_path, text, message):
    for source in (arrays(), TABLE):
        described_files(tmp_path, source)
    with pytest.raises(ValueError, match=message) as found:
        described(tmp_path, text, arrays())
    assert str(found.value).startswith(str(tmp_path / "six.yaml"))


def test_a_split_with_a_wrong_capital_is_told_with_the_split_that_was_meant(tmp_path):
    table = TABLE.replace({"fold": {"test": "Test"}})
    with pytest.raises(ValueError, match=r"split: .*six.csv: row 10: 'fold' is 'Test' \(did you mean test\?\), "):
        described(tmp_path, OF_TABLE + "split: fold", table)


def test_a_split_without_samples_is_told(tmp_path):
    with pytest.raises(ValueError, match="split 'test' has no sample, expected train, valid, test"):
        described(tmp_path, OF_TABLE + "split: fold", TABLE.replace({"fold": {"test": "train"}}))


@pytest.mark.parametrize("called", ["val", "dev", "validation"])
def test_the_validation_split_may_be_called_otherwise(tmp_path, called):
    data = described(tmp_path, OF_TABLE + "split: fold", TABLE.replace({"fold": {"valid": called}}))
    assert data.splits["valid"].tolist() == [6, 7]


def test_without_a_validation_split_whole_groups_of_training_are_one(tmp_path):
    data = described(tmp_path, OF_TABLE + "split: fold\ngroups: video", TABLE.replace({"fold": {"valid": "train"}}))
    assert sorted(np.concatenate([data.splits["train"], data.splits["valid"]]).tolist()) == list(range(8))
    assert data.splits["test"].tolist() == [8, 9, 10, 11]
    assert len(data.splits["valid"]) == 2
    assert len(set(data.groups[data.splits["valid"]])) == 1
    assert "no validation split was given; made of whole groups of training: train 6, valid 2, test 4" in data.notes
    source = {name: array for name, array in arrays().items() if "valid" not in name}
    assert {split: len(found) for split, found in described(tmp_path, BY_SPLIT, source).splits.items()} == {
        "train": 2, "valid": 1, "test": 2,
    }  # fmt: skip


def test_ids_that_repeat_are_told(tmp_path):
    data = described(tmp_path, OF_TABLE + "ids: video\nsplit: fold", TABLE)
    assert "ids: 6 names are of several samples, such as 'v0'" in data.notes


def test_steps_that_are_padded_in_front_are_moved(tmp_path):
    source = arrays()
    for split in ("train", "valid", "test"):
        source[f"audio_{split}"][:, :2] = 0
    data = described(tmp_path, BY_SPLIT, source)
    assert data.modalities["audio"].lengths.tolist() == [2] * 7
    assert np.array_equal(data.modalities["audio"].features[:3, :2], source["audio_train"][:, 2:].astype(np.float32))
    assert "audio: 7 samples padded in front; their steps moved to the front" in data.notes
    text = BY_SPLIT.replace('"audio_{split}"', '{from: "audio_{split}", lengths: "n_{split}"}')
    lengths = {"n_train": [2, 2, 3], "n_valid": [2, 2], "n_test": [2, 2]}
    assert described(tmp_path, text, source | lengths).modalities["audio"].lengths.tolist() == [2, 2, 3, 2, 2, 2, 2]


def test_samples_may_be_cut_to_their_first_steps_behind_padding(tmp_path):
    source = arrays()
    for split in ("train", "valid", "test"):
        source[f"audio_{split}"][:, :2] = 0
    described(tmp_path, BY_SPLIT, source)
    data = read(tmp_path / "six.yaml", Reading(steps=1))
    assert data.modalities["audio"].features.shape == (7, 1, 2)
    assert np.array_equal(data.modalities["audio"].features[:3, 0], source["audio_train"][:, 2].astype(np.float32))
    assert "audio: 7 samples cut to their first 1 steps" in data.notes


def test_nothing_left_is_told(tmp_path):
    with pytest.raises(ValueError, match=r"six\.yaml: no sample is left"):
        described(tmp_path, OF_TABLE + "split: video", TABLE, skip_damaged=True)


def test_the_descriptions_in_the_documentation_are_read(tmp_path):
    page = (DOCS.parent / "data.md").read_text()
    blocks = [block.split("```")[0] for block in page.split("```yaml")[1:]]
    whole = [block for block in blocks if "source:" in block]
    assert len(whole) == 2
    for block in whole:
        (tmp_path / "page.yaml").write_text(block)
        assert read_description(tmp_path / "page.yaml").modalities


@pytest.mark.parametrize("name", EXAMPLES)
def test_the_documented_descriptions_have_under_20_lines(name):
    assert len((DOCS / f"{name}.yaml").read_text().splitlines()) < 20


def example(tmp_path, name):
    """The documented description beside the real arrays."""
    (tmp_path / f"{name}.yaml").write_bytes((DOCS / f"{name}.yaml").read_bytes())
    (tmp_path / f"{name}.npz").symlink_to(SHARED_DATA / name / f"{name}.npz")
    return load(str(tmp_path / f"{name}.yaml"))


real = pytest.mark.skipif(not (SHARED_DATA / "pom").exists(), reason="the real data are not at hand")


@real
def test_pom_is_read_by_its_description(tmp_path):
    data = example(tmp_path, "pom")
    assert [len(indices) for indices in data.splits.values()] == [600, 100, 203]
    assert {name: (m.steps, m.width) for name, m in data.modalities.items()} == {"audio": (20, 43), "video": (20, 41)}
    assert "audio: 749 samples padded in front; their steps moved to the front" in data.notes
    assert data.modalities["audio"].features[:, 0].any(axis=1).all()
    assert len(data.tasks) == 17
    assert {task.kind for task in data.tasks.values()} == {"regression"}
    assert data.tasks["confident"].targets[:2].tolist() == [5, 7]
    assert data.tasks["sentiment"].targets[:2].tolist() == pytest.approx([1, 20 / 3])
    correlation = np.corrcoef(data.tasks["reserved"].targets, data.tasks["outgoing"].targets)[0, 1]
    assert correlation < -0.7


@real
def test_mmmo_is_read_without_the_text_that_its_training_split_lacks(tmp_path):
    data = example(tmp_path, "mmmo")
    assert [len(indices) for indices in data.splits.values()] == [220, 40, 80]
    assert {name: (m.steps, m.width) for name, m in data.modalities.items()} == {"audio": (20, 74), "video": (20, 36)}
    assert data.tasks["sentiment"].bounds == (1.0, 5.0)
    assert data.tasks["sentiment"].targets[:3].tolist() == [1.5, 3, 4]
    assert "text: absent in the whole split 'train'" in data.notes


@real
def test_mfeat_is_split_as_its_users_do(tmp_path):
    data = example(tmp_path, "mfeat")
    order = np.random.default_rng(0).permutation(2000)
    assert data.splits["train"].tolist() == sorted(order[:1200].tolist())
    assert data.splits["valid"].tolist() == sorted(order[1200:1600].tolist())
    assert data.splits["test"].tolist() == sorted(order[1600:].tolist())
    assert {name: m.width for name, m in data.modalities.items()} == {
        "fac": 216, "fou": 76, "kar": 64, "mor": 6, "pix": 240, "zer": 47,
    }  # fmt: skip
    assert np.bincount(data.tasks["digit"].targets).tolist() == [200] * 10
    assert data.modalities["fac"].features[0, 0, :2].tolist() == [98, 236]
