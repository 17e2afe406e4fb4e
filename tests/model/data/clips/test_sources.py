"""Clips of each layout: their transcripts, files and labels, and what is refused."""

from __future__ import annotations

import math
import pickle
from pathlib import Path

import numpy as np
import pytest

from haemsa.model.data.cleaning import RawModality
from haemsa.model.data.clips.clip import Clip
from haemsa.model.data.clips.mmsa_folder import read_new_folder
from haemsa.model.data.clips.sources import read_clips
from haemsa.model.data.readers.options import Damage
from haemsa.model.data.sources import load

ROWS = ["a,good film,1.mp4,,0.5,train", "b,,2.mp4,1.5,2,train", "c,bad,,,-1,valid", "d,so so,1.mp4,2,0.1,test"]

FOLDS = ["train", "train", "valid", "test"]


def table(folder: Path, rows: list[str] = ROWS, extra: str = "start: begins") -> str:
    for number in (1, 2):
        (folder / f"{number}.mp4").touch()
    (folder / "clips.csv").write_text("\n".join(["name,words,file,begins,mood,fold", *rows]) + "\n")
    lines = ["source: clips.csv", "transcript: words", "media: file", "ids: name", "split: fold", "tasks: {mood: mood}"]
    (folder / "clips.yaml").write_text("\n".join([*lines, extra]) + "\n")
    return str(folder / "clips.yaml")


def stream(count: int) -> dict[str, RawModality]:
    features = np.arange(count * 2, dtype=np.float32).reshape(count, 1, 2)
    return {"text_new": RawModality(features, np.ones(count, np.int64))}


def test_a_table_names_transcripts_files_and_seconds(tmp_path: Path) -> None:
    found = read_clips(table(tmp_path))
    assert list(found.ids) == ["a", "b", "c", "d"]
    assert found.clips[0] == Clip("good film", tmp_path / "1.mp4", 0.0, math.inf)
    assert found.clips[1] == Clip("", tmp_path / "2.mp4", 1.5, math.inf)
    assert found.clips[2].media is None
    data = found.dataset(stream(4), ["a note"])
    assert list(data.modalities) == ["text_new"]
    assert data.tasks["mood"].targets.tolist() == pytest.approx([0.5, 2, -1, 0.1])
    assert data.splits["valid"].tolist() == [2]
    assert "a note" in data.notes


def test_features_that_a_table_has_already_stay_beside_the_streams(tmp_path: Path) -> None:
    rows = [
        f"{name},good,1.mp4,{place},0.5,{fold}" for place, (name, fold) in enumerate(zip("abcd", FOLDS, strict=True))
    ]
    found = read_clips(table(tmp_path, rows, extra="modalities: {pace: begins}"))
    assert found.streams == ("pace",)
    assert list(found.dataset(stream(4), []).modalities) == ["pace", "text_new"]


@pytest.mark.parametrize(
    ("row", "sentence"),
    [
        ("e,well,3.mp4,,1,test", r"clips.csv: row 6: there is no file '.*3.mp4'; haemsa data embed --skip-damaged"),
        ("e,well,1.mp4,-2,1,test", "row 6: 'begins' is '-2', expected a second, 0 or more"),
        ("e,well,1.mp4,soon,1,test", "row 6: 'begins' is 'soon', expected a second, 0 or more"),
    ],
)
def test_a_damaged_row_is_named_or_left_out(tmp_path: Path, row: str, sentence: str) -> None:
    source = table(tmp_path, [*ROWS, row])
    with pytest.raises(ValueError, match=sentence):
        read_clips(source)
    found = read_clips(source, skip_damaged=True)
    assert len(found.clips) == 4
    assert any(note.startswith("1 damaged samples left out") for note in found.dataset(stream(4), []).notes)


def test_a_start_after_the_end_is_damage(tmp_path: Path) -> None:
    rows = [f"{fold},good,1.mp4,{begins},1,{fold}" for begins, fold in zip((0, 0.5, 1, 3), FOLDS, strict=True)]
    source = table(tmp_path, rows, extra="start: begins\nend: mood")
    expected = r"row 4: it starts at second 1 and ends at 1 \(and 1 more: 5\); haemsa data embed --skip-damaged"
    with pytest.raises(ValueError, match=expected):
        read_clips(source)


def test_such_a_table_holds_no_features_before_it_is_encoded(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"modalities is missing, expected names with their arrays or columns .haemsa"):
        load(table(tmp_path))


def test_a_table_without_clips_and_other_files_are_refused(tmp_path: Path) -> None:
    table(tmp_path)
    (tmp_path / "plain.yaml").write_text("{source: clips.csv, modalities: {a: begins}, tasks: {mood: mood}}")
    with pytest.raises(ValueError, match=r"transcript and media are missing, expected at least one of them"):
        read_clips(str(tmp_path / "plain.yaml"))
    with pytest.raises(ValueError, match=r"clips.csv' holds no clips that can be encoded, expected a .yaml file"):
        read_clips(str(tmp_path / "clips.csv"))
    with pytest.raises(FileNotFoundError, match=r"nowhere' does not exist, expected a .yaml file, a folder with label"):
        read_clips(str(tmp_path / "nowhere"))


def mmsa(folder: Path, clips: int = 6) -> Path:
    lines = ["video_id,clip_id,text,label,label_T,annotation,mode"]
    for number in range(clips):
        mode = ("train", "train", "train", "valid", "test", "test")[number]
        lines.append(f"v{number // 2},000{number % 2},text {number},{number / 5 - 0.5:.1f},,Positive,{mode}")
        media = folder / "Raw" / f"v{number // 2}" / f"000{number % 2}.mp4"
        media.parent.mkdir(parents=True, exist_ok=True)
        media.touch()
    (folder / "label.csv").write_text("\n".join(lines) + "\n")
    return folder


def test_a_folder_of_mmsa_has_its_clips_below_raw(tmp_path: Path) -> None:
    found = read_clips(str(mmsa(tmp_path / "sims")))
    assert list(found.ids)[:3] == ["v0$_$0000", "v0$_$0001", "v1$_$0000"]
    assert found.clips[1] == Clip("text 1", tmp_path / "sims" / "Raw" / "v0" / "0001.mp4")
    data = found.dataset(stream(6), [])
    assert data.name == "sims"
    assert data.tasks["sentiment"].bounds == (-1.0, 1.0)
    assert list(data.tasks) == ["sentiment"]
    assert data.groups.tolist() == [0, 0, 1, 1, 2, 2]
    assert {split: len(indices) for split, indices in data.splits.items()} == {"train": 3, "valid": 1, "test": 2}


def test_a_folder_without_its_clips_has_transcripts_and_one_that_lacks_a_clip_says_which(tmp_path: Path) -> None:
    folder = mmsa(tmp_path / "sims")
    (folder / "Raw" / "v2" / "0001.mp4").unlink()
    with pytest.raises(ValueError, match=r"label.csv: row 7: there is no file '.*v2/0001.mp4'"):
        read_clips(str(folder))
    lines = (folder / "label.csv").read_text()
    (folder / "label.csv").write_text(lines + lines.splitlines()[1] + "\n")
    with pytest.raises(ValueError, match=r"label.csv has clip 'v0\$_\$0000' 2 times, expected each once"):
        read_clips(str(folder), skip_damaged=True)
    (folder / "label.csv").write_text(lines)
    (folder / "Raw").rename(folder / "elsewhere")
    assert {clip.media for clip in read_clips(str(folder)).clips} == {None}
    (folder / "label.csv").unlink()
    with pytest.raises(ValueError, match=r"is a folder without label.csv, expected one"):
        read_clips(str(folder))


def test_new_clips_of_a_folder_need_no_labels(tmp_path: Path) -> None:
    folder = mmsa(tmp_path / "sims")
    lines = (folder / "label.csv").read_text().splitlines()
    (folder / "label.csv").write_text("\n".join(",".join(line.split(",")[:3]) for line in lines) + "\n")
    found = read_new_folder(folder, Damage(skip=False))
    assert (found.ids[1], found.clips[1].text, len(found.clips)) == ("v0$_$0001", "text 1", 6)
    with pytest.raises(ValueError, match=r"label.csv has no column 'label', it has video_id"):
        read_clips(str(folder))


def pickled(folder: Path, **changes: object) -> str:
    rng, content = np.random.default_rng(0), {}
    for split, count in (("train", 6), ("valid", 2), ("test", 3)):
        content[split] = {
            "audio": rng.normal(size=(count, 4, 3)).astype(np.float32),
            "regression_labels": rng.uniform(-3, 3, count),
            "id": [f"{split}{place}$_$1" for place in range(count)],
            "raw_text": np.array([f"{split} {place}" for place in range(count)]),
            **changes,
        }
    (folder / "mosi.pkl").write_bytes(pickle.dumps(content))
    return str(folder / "mosi.pkl")


def test_a_pickle_of_mmsa_has_transcripts_beside_its_features(tmp_path: Path) -> None:
    found = read_clips(pickled(tmp_path))
    assert [clip.text for clip in found.clips][5:8] == ["train 5", "valid 0", "valid 1"]
    assert found.streams == ("audio",)
    data = found.dataset(stream(11), ["a note"])
    assert list(data.modalities) == ["audio", "text_new"]
    assert data.ids[6] == "valid0$_$1"
    assert data.notes[-1] == "a note"


def test_a_pickle_without_transcripts_and_damage_in_a_pickle_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"mosi.pkl: it has no 'raw_text' in each split, expected transcripts"):
        read_clips(pickled(tmp_path, raw_text=None))
    with pytest.raises(ValueError, match=r"mosi.pkl: 'raw_text' has 0 transcripts, expected 11"):
        read_clips(pickled(tmp_path, raw_text=[[1], [2]]))
    with pytest.raises(ValueError, match=r"--skip-damaged is given, but does not concern a pickle"):
        read_clips(pickled(tmp_path), skip_damaged=True)
