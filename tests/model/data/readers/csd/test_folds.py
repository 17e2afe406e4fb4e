import json

import pytest

from haemsa.model.data.readers.csd.folds import find_folds, read_folds

FOLDS = {"train": ["a", "b"], "valid": ["c"], "test": ["d"]}
SPLIT_OF = {"a": "train", "b": "train", "c": "valid", "d": "test"}


def standard(path):
    """As the SDK keeps them, but for a first line that would end the process."""
    lines = [f"standard_{split}_fold={videos!r}" for split, videos in FOLDS.items()]
    path.write_text("\n\n".join(["import os; os.abort()", *lines, "other = [1]", "standard_ = x"]))
    return path


def test_lists_of_videos_become_the_split_of_each(tmp_path):
    path = tmp_path / "folds.json"
    path.write_text(json.dumps({**FOLDS, "comment": "official"}))
    assert read_folds(path) == SPLIT_OF
    assert list(read_folds(path)) == ["a", "b", "c", "d"]


def test_the_sdks_own_folds_are_read_and_not_run(tmp_path):
    assert read_folds(standard(tmp_path / "cmu_mosi_std_folds.py")) == SPLIT_OF


def test_folds_lie_next_to_the_data(tmp_path):
    assert find_folds(tmp_path) is None
    own = standard(tmp_path / "cmu_mosi_std_folds.py")
    assert find_folds(tmp_path) == own
    standard(tmp_path / "pom_std_folds.py")
    with pytest.raises(ValueError, match=r"has folds in cmu_mosi_std_folds\.py, pom_std_folds\.py, expected one of th"):
        find_folds(tmp_path)
    (tmp_path / "folds.json").touch()
    assert find_folds(tmp_path) == tmp_path / "folds.json"


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("{", "are no JSON: Expecting"),
        ("[" * 100_000, "are no JSON"),
        ("\xff", "are no JSON: 'utf-8' codec"),
        ("[]", "has no list of videos for 'train' but list, expected train, valid, test"),
        ('{"train": [], "dev": []}', "has no list of videos for 'valid' but train, dev, expected"),
        ('{"train": ["a", 1], "valid": [], "test": []}', "has no list of videos for 'train'"),
        ('{"train": ["a"], "valid": ["a"], "test": ["b"]}', "'a' is in 'train' and in 'valid', expected one of them"),
    ],
)
def test_broken_folds_are_one_sentence(tmp_path, text, problem):
    path = tmp_path / "folds.json"
    path.write_text(text, encoding="latin1")
    with pytest.raises(ValueError, match=rf"folds\.json.* {problem}"):
        read_folds(path)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("standard_train_fold = (", "are no Python"),
        ("standard_train_fold = open('x')", "are no Python: malformed"),
        ("standard_train_fold = " + "[" * 5000, "are no Python"),
        ("standard_train_fold = " + "1+" * 50_000 + "1", "are no Python"),
        ("standard_train_fold = ['\0']", "are no Python"),
        ("standard_train_fold = ['a']", "has no list of videos for 'valid' but train"),
    ],
)
def test_broken_python_folds_are_one_sentence(tmp_path, text, problem):
    path = tmp_path / "mine.py"
    path.write_text(text)
    with pytest.raises(ValueError, match=rf"mine\.py.* {problem}"):
        read_folds(path)


def test_folds_that_are_not_there_are_named(tmp_path):
    with pytest.raises(ValueError, match=r"folds '.*nowhere\.json' cannot be read: No such file"):
        read_folds(tmp_path / "nowhere.json")
