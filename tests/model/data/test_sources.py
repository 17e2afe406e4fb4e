import numpy as np
import pytest

from haemsa.model.data.dataset import Dataset, Modality, Task
from haemsa.model.data.readers.options import Reading
from haemsa.model.data.sources import load
from haemsa.model.data.store.file import write
from tests.support.model.csd_files import seconds, write_sequence


def test_names_give_the_data_that_comes_with_haemsa():
    assert load("planted").name == "planted"
    assert load("digits", seed=3).name == "digits"
    assert load("digits", seed=3).fingerprint != load("digits").fingerprint


def test_a_store_is_read_by_its_ending_and_named_by_its_stem(tmp_path):
    write(load("digits"), tmp_path / "numbers.h5")
    assert load(str(tmp_path / "numbers.h5")).name == "numbers"


def test_a_missing_file_is_named():
    with pytest.raises(FileNotFoundError, match=r"data 'nowhere\.pkl' does not exist, expected planted, digits"):
        load("nowhere.pkl")


def test_a_folder_of_csd_files_is_read_as_the_options_say(tmp_path):
    with pytest.raises(ValueError, match=r"is a folder without \.csd files"):
        load(str(tmp_path))
    for name in ("labels", "text", "words"):
        rows = np.arange(4.0)[:, None] % 3
        videos = {video: (rows, seconds(0, 1, 2, 3)) for video in "abc"}
        write_sequence(tmp_path / f"{name}.csd", videos)
    assert load(str(tmp_path)).modalities["text"].steps == 1
    write_sequence(tmp_path / "words.csd", dict.fromkeys("abc", (rows, seconds(0, 0.5, 2, 3, long=0.5))))
    assert load(str(tmp_path), reading=Reading(align="words")).modalities["text"].steps == 2
    (tmp_path / "text.csd").write_bytes(b"")
    with pytest.raises(ValueError, match=r"text\.csd cannot be read: .*file signature not found"):
        load(str(tmp_path))


def test_an_unknown_form_says_what_is_read(tmp_path):
    path = tmp_path / "data.txt"
    path.touch()
    with pytest.raises(
        ValueError, match=r"has an unknown form, expected \.h5, \.hdf5, \.pkl, \.yaml or a folder of \.csd"
    ):
        load(str(path))


@pytest.mark.parametrize(("name", "what"), [("pom.npz", "ARRAY"), ("pom.csv", "COLUMN"), ("pom.parquet", "COLUMN")])
def test_arrays_and_tables_without_a_description_say_that_they_need_one(tmp_path, name, what):
    (tmp_path / name).touch()
    least = f"{{source: {name}, modalities: {{NAME: {what}}}, tasks: {{NAME: {what}}}}}"
    with pytest.raises(ValueError, match=f"needs a YAML file next to it, .* says at least {least}"):
        load(str(tmp_path / name))


def test_a_store_whose_modality_is_constant_is_read_without_it(tmp_path):
    rng = np.random.default_rng(0)
    modalities = {
        "text": Modality(rng.normal(size=(6, 1, 2)).astype(np.float32), np.ones(6, np.int64)),
        "vision": Modality(np.full((6, 1, 2), 0.5, np.float32), np.ones(6, np.int64)),
    }
    splits = {"train": np.arange(2), "valid": np.arange(2, 4), "test": np.arange(4, 6)}
    task = Task("regression", np.arange(6, dtype=np.float32))
    data = Dataset("six", modalities, {"y": task}, splits, tuple("abcdef"), np.arange(6))
    write(data, tmp_path / "six.h5")
    found = load(str(tmp_path / "six.h5"))
    assert list(found.modalities) == ["text"]
    assert any("vision" in note and "constant" in note for note in found.notes)
