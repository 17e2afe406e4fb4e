"""Clips by their path: which reader reads what."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Final

from haemsa.model.data.clips.clip import Clip, LabelledClips
from haemsa.model.data.readers.assemble import with_streams
from haemsa.model.data.readers.options import Damage, Reading
from haemsa.model.data.sources import DESCRIPTIONS, PICKLES

COMMAND: Final = "haemsa data embed"
_FORMS: Final = "a .yaml file, a folder with label.csv, or a .pkl file with raw_text"


def read_clips(source: str, *, skip_damaged: bool = False) -> LabelledClips:
    """Read what was said in clips, where their media are, and their labels.

    Args:
        source: The path of a YAML file that describes a table, of a folder in the layout of MMSA, or of a pickle of
            MMSA.
        skip_damaged: Leave out samples whose row is damaged, or whose file does not exist.

    Raises:
        FileNotFoundError: There is nothing at the path.
        ValueError: It cannot be read. The message is one sentence.
    """
    path, damage = Path(source), Damage(skip=skip_damaged, command=COMMAND)
    if not path.exists():
        raise FileNotFoundError(f"data {source!r} does not exist, expected {_FORMS}")
    if path.is_dir():
        from haemsa.model.data.clips.mmsa_folder import read_folder

        return read_folder(path, damage)
    suffix = path.suffix.lower()
    if suffix in DESCRIPTIONS:
        from haemsa.model.data.clips.described import read_described

        return read_described(path, damage)
    if suffix in PICKLES:
        from haemsa.model.data.readers.pickles import read_with_transcripts

        Reading(skip_damaged=skip_damaged).check("a pickle with transcripts")
        dataset, texts = read_with_transcripts(path)
        clips = [Clip(text) for text in texts]
        return LabelledClips(dataset.ids, clips, partial(with_streams, dataset), tuple(dataset.modalities))
    raise ValueError(f"data {source!r} holds no clips that can be encoded, expected {_FORMS}")
