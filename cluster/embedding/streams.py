"""The streams that encoders make. Each portion of clips is kept as soon as it is encoded. Axes: `N`, `T`, `D`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from haemsa.cluster.embedding.work import Arrays, Portion
from haemsa.cluster.shared.kept import Kept
from haemsa.cluster.shared.steps import Tally
from haemsa.cluster.workers.tasks.tasks import Tasks
from haemsa.model.data.cleaning import RawModality
from haemsa.model.data.clips.clip import Clip, Clips
from haemsa.model.data.readers.memory import zeros
from haemsa.model.data.store.float16 import Rounding
from haemsa.model.encoders.encoder import notes_of

if TYPE_CHECKING:
    from haemsa.cluster.shared.progress import Progress
    from haemsa.model.encoders.encoder import Encoder


@dataclass(frozen=True)
class Stream:
    """A stream while it is made.

    Attributes:
        name: Its name.
        encoder: What encodes it.
        clips: What is encoded.
        kept: Where portions are kept that are encoded.
        half: Whether numbers have 16 bits.
    """

    name: str
    encoder: Encoder
    clips: Clips
    kept: Kept
    half: bool

    def make(self, tasks: Tasks, progress: Progress) -> tuple[RawModality, list[str]]:
        """Encode what is not kept yet. The result is the stream, and notes about it.

        Raises:
            ValueError: No clip has this modality, or a number is too large for 16 bits.
            OSError: The disk has no room.
        """
        size = self.encoder.batch
        portions = [
            Portion(self.name, tuple(self.clips.clips[start : start + size]))
            for start in range(0, len(self.clips.clips), size)
        ]
        told = [self._without_features(self._read(portion)) for portion in portions]
        missing = [place for place, arrays in enumerate(told) if arrays is None]
        before = len(self.clips.clips) - sum(len(portions[place].clips) for place in missing)
        tally = Tally(progress, self.name, len(self.clips.clips), before)
        tally.show()
        for number, arrays in tasks.run([portions[place] for place in missing]):
            place = missing[number]
            self._write(portions[place], arrays)
            told[place] = self._without_features(arrays)
            tally.add(len(portions[place].clips))
        return self._joined(portions, [arrays for arrays in told if arrays is not None])

    def _joined(self, portions: Sequence[Portion], told: Sequence[Arrays]) -> tuple[RawModality, list[str]]:
        lengths, problems, cut = (
            np.concatenate([arrays[key] for arrays in told]) for key in ("lengths", "problems", "cut")
        )
        named = [f"{self.clips.ids[place]} ({problems[place]})" for place in np.flatnonzero(problems != "").tolist()]
        if not lengths.any():
            reason = f"; the first: {named[0]}" if named else ""
            raise ValueError(f"no clip has anything for {self.name}{reason}")
        features, start = zeros((len(lengths), int(lengths.max()), self.encoder.width)), 0
        for portion in portions:
            arrays = self._read(portion)
            if arrays is None:
                raise ValueError(
                    f"{self.kept.folder} has lost what was encoded, expected it to stay while it is in use"
                )
            ends = np.cumsum(arrays["lengths"])
            for sample, steps in enumerate(np.split(arrays["features"], ends[:-1])):
                features[start + sample, : len(steps)] = steps
            start += len(ends)
        return RawModality(features, lengths), notes_of(self.name, self.encoder.facts["steps"], int(cut.sum()), named)

    def _read(self, portion: Portion) -> Arrays | None:
        return self.kept.read(self.name, self._depends(portion))

    def _write(self, portion: Portion, arrays: Arrays) -> None:
        made: dict[str, NDArray[Any]] = dict(arrays)
        if self.half:
            try:
                Rounding(self.name, self.encoder.width).check(made["features"])
            except ValueError as error:
                raise ValueError(f"{error}, expected --float32 for such a model") from None
            made["features"] = made["features"].astype(np.float16)
        self.kept.write(self.name, self._depends(portion), made)

    def _depends(self, portion: Portion) -> dict[str, Any]:
        """All that the features of a portion depend on."""
        facts = {name: value for name, value in self.encoder.facts.items() if name != "model"}
        return {
            "encoder": facts,
            "half": self.half,
            "clips": [_seen(clip, self.encoder.facts["encodes"]) for clip in portion.clips],
        }

    def _without_features(self, arrays: Arrays | None) -> Arrays | None:
        return None if arrays is None else {key: array for key, array in arrays.items() if key != "features"}


def _seen(clip: Clip, kind: str) -> list[Any]:
    """What an encoder of this kind sees of a clip, as JSON holds it. A file is told by its size and last change."""
    if kind == "text":
        return [clip.text]
    if not isinstance(clip.media, Path):
        return []
    status = clip.media.stat()
    return [str(clip.media.absolute()), status.st_size, status.st_mtime_ns, clip.start, clip.end]
