"""A table of clips: one without sound, one truncated; with three tiny encoders beside it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from haemsa.model.encoders.choice import Choice
from tests.support.model.made_clips import cut_off, write_clip
from tests.support.model.tiny_encoders import WORDS, tiny_audio, tiny_text, tiny_vision

COUNT, MUTE, CUT = 12, 3, 5


@dataclass(frozen=True)
class ClipData:
    """Where the table and the encoders are."""

    table: Path
    text: str
    audio: str
    vision: str

    @property
    def choices(self) -> list[Choice]:
        return [Choice("text", self.text), Choice("audio", self.audio), Choice("vision", self.vision, rate=2.0)]

    @property
    def options(self) -> tuple[str, ...]:
        return "--text", self.text, "--audio", self.audio, "--vision", self.vision


def clip_data(folder: Path, count: int = COUNT) -> ClipData:
    folds = ["train"] * (count // 2) + ["valid"] * (count // 6) + ["test"] * count
    lines = ["id,text,file,mood,fold"]
    for number in range(count):
        tone = None if number == MUTE else 200.0 + 30 * number
        clip = write_clip(folder / "clips" / f"{number}.mp4", 0.6 + number / 20, tone=tone)
        if number == CUT:
            cut_off(clip)
        words = " ".join(WORDS[number % 7 : number % 7 + 3 + number % 3])
        lines.append(f"c{number},{words},clips/{number}.mp4,{number % 16 / 4 - 1:.2f},{folds[number]}")
    (folder / "clips.csv").write_text("\n".join(lines) + "\n")
    table = folder / "clips.yaml"
    columns = "source: clips.csv\ntranscript: text\nmedia: file\nids: id\nsplit: fold\n"
    table.write_text(columns + "tasks: {mood: {from: mood, bounds: [-3, 3]}}\n")
    made = (tiny_text(folder / "bert"), tiny_audio(folder / "wav2vec2"), tiny_vision(folder / "vit"))
    return ClipData(table, *map(str, made))
