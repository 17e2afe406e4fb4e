"""`haemsa data`: what a user sees of data, and importing it."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import h5py
import numpy as np
import pytest

from haemsa.model.data.sources import load
from tests.support.cluster import bad_data
from tests.support.cluster.haemsa_command import haemsa
from tests.support.cluster.tiny import data, stored


def test_a_pickle_is_imported_and_reads_the_same(tmp_path: Path) -> None:
    source, out = bad_data.pickled(tmp_path), tmp_path / "new" / "mine.h5"
    ran = haemsa("data", "import", source, "--out", out, "--json", tmp_path / "found.json")
    assert ran.status == 0, ran.err
    assert f"written to {out}" in ran.out
    found, before = load(str(out)), load(str(source))
    assert found.fingerprint == before.fingerprint
    assert json.loads((tmp_path / "found.json").read_text())["splits"] == {"train": 24, "valid": 8, "test": 8}


def test_half_precision_takes_less_space_and_is_another_data_set(tmp_path: Path) -> None:
    source = stored(tmp_path)
    assert haemsa("data", "import", source, "--out", tmp_path / "half.h5", "--half").status == 0
    assert (tmp_path / "half.h5").stat().st_size < 0.7 * source.stat().st_size
    assert load(str(tmp_path / "half.h5")).fingerprint != data().fingerprint


def csd_folder(folder: Path) -> Path:
    """Two words a label, twelve videos, and one stream that is finer than words."""
    rng = np.random.default_rng(0)
    files = {"labels": (1, 4.0), "words": (2, 2.0), "audio": (8, 0.5)}
    for name, (rows, length) in files.items():
        with h5py.File(folder / f"{name}.csd", "w") as file:
            for number in range(12):
                group = file.create_group(f"{name}/data/video{number}")
                group["features"] = rng.normal(size=(rows, 1 if name == "labels" else 3))
                starts = np.arange(rows) * length
                group["intervals"] = np.stack([starts, starts + length], axis=1)
    videos = [f"video{number}" for number in range(12)]
    folds = {"train": videos[:6], "valid": videos[6:9], "test": videos[9:]}
    (folder / "folds.json").write_text(json.dumps(folds))
    return folder


def test_a_folder_of_sequences_is_aligned_as_asked(tmp_path: Path) -> None:
    folder = csd_folder(tmp_path)
    for options, steps in (((), 8), (("--align", "words"), 2), (("--align", "words", "--collapse", "none"), 8)):
        assert haemsa("data", "import", folder, "--out", tmp_path / "csd.h5", *options).status == 0
        assert load(str(tmp_path / "csd.h5")).modalities["audio"].steps == steps


def test_a_damaged_sample_ends_an_import_unless_it_is_skipped_and_nothing_is_left_behind(tmp_path: Path) -> None:
    folder = csd_folder(tmp_path)
    with h5py.File(folder / "audio.csd", "r+") as file:
        del file["audio/data/video3/intervals"]
    ran = haemsa("data", "import", folder, "--out", tmp_path / "out.h5")
    assert "entry 'video3': 'video3/intervals' is missing" in ran.sentence
    assert "haemsa data import --skip-damaged leaves such samples out" in ran.sentence
    assert not list(tmp_path.glob("out*"))
    ran = haemsa("data", "import", folder, "--out", tmp_path / "out.h5", "--skip-damaged")
    assert ran.status == 0, ran.err
    assert "1 damaged samples left out" in ran.out
    assert len(load(str(tmp_path / "out.h5"))) == 11


def test_data_is_looked_at_as_it_will_be_imported(tmp_path: Path) -> None:
    folder = csd_folder(tmp_path)
    ran = haemsa("data", "info", folder, "--align", "words", "--json", tmp_path / "found.json")
    assert ran.status == 0, ran.err
    assert "steps are the intervals of words.csd; rows within one: mean" in ran.out
    with h5py.File(folder / "audio.csd", "r+") as file:
        del file["audio/data/video3/intervals"]
    ran = haemsa("data", "check", folder, "--skip-damaged", "--align", "words", "--collapse", "last")
    assert "1 damaged samples left out" in ran.out.split("Modalities")[0]
    assert "--classes is 5, expected 4" in haemsa("data", "info", folder, "--classes", 5).sentence


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--out", "mine.csv"), "--out is 'mine.csv', expected a file that ends in .h5 or .hdf5"),
        (("--out", "mine.h5", "--classes", "5"), "--classes is 5, expected 4"),
        (("--out", "mine.h5", "--align", "words"), "--align is given, but does not concern"),
        (("--out", "mine.h5", "--group-by", "session"), "--group-by is given, but does not concern"),
    ],
)
def test_options_that_do_not_fit(tmp_path: Path, options: tuple[str, ...], words: str) -> None:
    assert words in haemsa("data", "import", bad_data.pickled(tmp_path), *options).sentence


def test_folders_that_a_failed_import_made_are_removed(tmp_path: Path) -> None:
    source = bad_data.pickled(tmp_path, lambda found: found["train"]["audio"].__setitem__(0, 1e6))
    ran = haemsa("data", "import", source, "--out", tmp_path / "new" / "deep" / "mine.h5", "--half")
    assert "more than float16 can hold" in ran.sentence
    assert not (tmp_path / "new").exists()


def test_what_was_there_stays_if_an_import_fails(tmp_path: Path) -> None:
    out = stored(tmp_path)
    before = out.read_bytes()
    assert haemsa("data", "import", bad_data.plain(tmp_path), "--out", out).status == 2
    assert out.read_bytes() == before


@pytest.mark.slow
def test_a_check_tells_leaks_by_its_exit_status(tmp_path: Path) -> None:
    assert haemsa("data", "check", stored(tmp_path), "--out", tmp_path / "page.html").status == 0
    assert (tmp_path / "page.html").read_text().startswith("<!doctype html>")
    whole = data()
    leaking = whole.groups.copy()
    leaking[whole.splits["test"][0]] = leaking[whole.splits["train"][0]]
    ran = haemsa("data", "check", stored(tmp_path, "leaking", replace(whole, groups=leaking)))
    assert ran.status == 1
    assert "LEAK" in ran.out
