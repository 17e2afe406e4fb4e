"""docs/encoders.md: its description can be read, and its options exist."""

from __future__ import annotations

import re
from pathlib import Path

from haemsa.model.data.clips.sources import read_clips
from tests.support.cluster.haemsa_command import haemsa
from tests.support.places import ROOT

PAGE = (ROOT / "docs" / "encoders.md").read_text(encoding="utf-8")
ROWS = ["a good film,a.mp4,0.5,2,1.5,v1,train", "bad,,,,-2,v2,train", ",a.mp4,,,0,v3,valid", "so so,,,,0.5,v4,test"]


def test_the_description_of_the_page_is_read(tmp_path: Path) -> None:
    (description,) = re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL)
    (tmp_path / "clips.yaml").write_text(description)
    (tmp_path / "clips.csv").write_text("\n".join(["words,file,begins,ends,mood,video,fold", *ROWS]) + "\n")
    (tmp_path / "a.mp4").touch()
    found = read_clips(str(tmp_path / "clips.yaml"))
    assert [(clip.text, clip.media is None) for clip in found.clips] == [
        ("a good film", False),
        ("bad", True),
        ("", False),
        ("so so", True),
    ]
    assert (found.clips[0].start, found.clips[0].end) == (0.5, 2.0)


def test_the_options_of_the_page_exist() -> None:
    help_text = haemsa("data", "embed", "--help").out + haemsa("train", "--help").out
    named = set(re.findall(r"(?<![\w-])--[a-z][a-z0-9-]+", PAGE))
    elsewhere = {"--evaluations", "--run"}  # of haemsa search
    assert named >= {"--text", "--audio", "--vision", "--layers", "--steps", "--float32", "--allow-pickle"}
    assert {option for option in named - elsewhere if option not in help_text} == set()
