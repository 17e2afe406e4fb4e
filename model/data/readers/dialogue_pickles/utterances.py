"""The utterances of dialogue pickles: their features, labels and ids, and what is wrong with damaged ones.

Axis: `N` utterances, dialogue after dialogue, in their order.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from haemsa.model.data.cleaning import RawModality, last_step
from haemsa.model.data.dataset import Task
from haemsa.model.data.readers.dialogue_pickles import emotions
from haemsa.model.data.readers.dialogue_pickles.speakers import marked, session_of, speaker_of
from haemsa.model.data.readers.memory import OBJECT, MemoryBudget
from haemsa.model.data.readers.options import Damage, Grouping, Reading
from haemsa.model.data.readers.unpickling.unpickle import as_text, plain
from haemsa.model.data.readers.unpickling.values import entries, form_of, stacked

STREAMS: Final = (
    "text", "text_roberta1", "text_roberta2", "text_roberta3", "text_roberta4", "audio", "vision",
)  # fmt: skip
Name = str | int
Fields = Mapping[str, Mapping[Name, Any]]


class Utterances:
    """The content of dictionaries by dialogue, for each utterance. `counted` is the dictionary that tells their number.

    Attributes:
        places: The dialogue of each utterance, and its number in that dialogue.
        notes: What was found so far.
    """

    def __init__(
        self, fields: Fields, dialogues: Sequence[Name], budget: MemoryBudget, counted: str = "labels"
    ) -> None:
        self._fields, self._budget = fields, budget
        self._sizes = {dialogue: entry_count(fields[counted][dialogue]) for dialogue in dialogues}
        budget.claim(repr(counted), OBJECT * sum(self._sizes.values()))
        self.places = [(dialogue, number) for dialogue, size in self._sizes.items() for number in range(size)]
        self._wrong: dict[int, str] = {}
        self._dropped = np.zeros(len(self.places), dtype=bool)
        self.notes: list[str] = []

    def modalities(self) -> dict[str, RawModality]:
        """The modalities, of one time step each. An utterance with None or zeros lacks the modality."""
        modalities: dict[str, RawModality] = {}
        for stream in (stream for stream in STREAMS if stream in self._fields):
            rows, wrong = self._rows(stream)
            self._wrong = wrong | self._wrong
            modalities[stream] = RawModality(rows[:, None], last_step(rows[:, None]))
        return modalities

    def groups(self, group_by: Grouping) -> list[str]:
        """The group of each utterance, N names. An utterance without a speaker is damaged if speakers are the groups.

        Raises:
            ValueError: Sessions are the groups, and the name of a dialogue tells none.
        """
        if group_by == "speaker":
            return self._speakers()
        names: dict[Name, str] = {}
        for dialogue in self._sizes:
            name = str(dialogue) if group_by == "dialogue" else session_of(dialogue)
            if name is None:
                problem = "names no session, expected one such as 'Ses01' to group by"
                raise ValueError(f"the dialogue {as_text(dialogue)} {problem}")
            names[dialogue] = name
        return [names[dialogue] for dialogue, _ in self.places]

    def _speakers(self) -> list[str]:
        listed = self._entries("speakers")
        speakers = [speaker_of(dialogue, entry) for (dialogue, _), entry in zip(self.places, listed, strict=True)]
        if not all(speakers):
            numbers = marked(self._rows("speakers")[0])
            speakers = [name or number for name, number in zip(speakers, numbers, strict=True)]
        for place in (place for place, name in enumerate(speakers) if not name):
            problem = f"its speaker is {form_of(listed[place])}, expected a name or a one-hot vector"
            self._wrong.setdefault(place, problem)
        return speakers

    def tasks(self, name: str, reading: Reading, seen: NDArray[np.bool_]) -> dict[str, Task]:
        """The tasks: classes of emotion (and MELD's sentiment), or dimensions of emotion.

        Args:
            name: The name of the file, which can tell the dimension.
            reading: What is asked of the reader.
            seen: bool [N], which utterances are of training or validation.

        Raises:
            ValueError: Labels are neither classes nor dimensions, or four classes were asked for but cannot be made.
        """
        labels, self._wrong = self._rows("labels")
        if emotions.is_classes(labels):
            emotion = self._emotion(labels[:, 0])
            tasks = {"emotion": emotion, **self._sentiment(emotion, seen)}
        else:
            infinite = np.flatnonzero(np.isinf(labels).any(axis=1))
            labels[infinite] = np.nan
            self._wrong |= dict.fromkeys(infinite.tolist(), "its 'labels' is infinite, expected numbers")
            tasks = emotions.dimensions(labels, name)
        return tasks if reading.classes is None else self._merged(tasks)

    def _emotion(self, labels: NDArray[np.float32]) -> Task:
        of_iemocap = any(session_of(dialogue) for dialogue in self._sizes)
        of_meld = "sentiment" in self._fields
        names = emotions.MELD if of_meld else emotions.class_names(labels, of_iemocap=of_iemocap)
        return self._classes(labels, names, "emotion")

    def _sentiment(self, emotion: Task, seen: NDArray[np.bool_]) -> dict[str, Task]:
        if "sentiment" not in self._fields:
            return {}
        rows, wrong = self._rows("sentiment")
        if len(wrong) == len(rows) or not emotions.is_classes(rows):
            self.notes.append("sentiment: no classes; left out")
            return {}
        self._wrong = wrong | self._wrong
        names = emotions.sentiment_names(rows[seen, 0], emotion.targets[seen])
        return {"sentiment": self._classes(rows[:, 0], names, "sentiment")}

    def _classes(self, labels: NDArray[np.float32], names: Sequence[str], what: str) -> Task:
        task, wrong = emotions.classes(labels, names, what)
        self._wrong = wrong | self._wrong
        if missing := set(np.flatnonzero(~task.labelled).tolist()) - set(self._wrong):
            self.notes.append(f"{what}: {len(missing)} labels missing")
        return task

    def _merged(self, tasks: Mapping[str, Task]) -> dict[str, Task]:
        """IEMOCAP's four classes: excitement is happiness, frustration is left out."""
        emotion = tasks.get("emotion")
        if emotion is None or emotion.labels != emotions.IEMOCAP:
            others = ", ".join(list(tasks) if emotion is None else list(emotion.labels))
            raise ValueError(
                f"4 classes were asked for, which are made of IEMOCAP's six emotions, but there are {others}"
            )
        happy, excited, frustrated = (emotions.IEMOCAP.index(label) for label in ("hap", "exc", "fru"))
        self._dropped = emotion.targets == frustrated
        self.notes.append(f"emotion: exc counts as hap; {self._dropped.sum()} utterances of fru left out")
        targets = np.where(emotion.targets == excited, happy, emotion.targets)
        targets[self._dropped] = -1
        return {**tasks, "emotion": Task("classes", targets, emotions.IEMOCAP[:4])}

    def kept(self, damage: Damage) -> NDArray[np.int64]:
        """The places of utterances that are not damaged and not dropped. Raises ValueError unless damage is skipped."""
        for place, problem in sorted(self._wrong.items()):
            dialogue, number = self.places[place]
            damage.report(f"dialogue {as_text(dialogue)} utterance {number}", problem)
        wanted = ~self._dropped
        wanted[list(self._wrong)] = False
        return np.flatnonzero(wanted).astype(np.int64)

    def ids(self, kept: NDArray[np.int64]) -> list[str]:
        """The names of the utterances at `kept`: the file's if they are distinct, otherwise "dialogue[number]"."""
        ids = self._entries("ids") if "ids" in self._fields else []
        names = [ids[place] for place in kept if isinstance(ids[place], str)] if ids else []
        if len(names) == len(set(names)) == len(kept):
            return names
        return ["{}[{}]".format(*self.places[place]) for place in kept]

    def _rows(self, field: str) -> tuple[NDArray[np.float32], dict[int, str]]:
        """The numbers [N, D] of one dictionary, NaN where it has None; and what is wrong with others, by place."""
        rows, wrong = stacked(self._entries(field), f"its {field!r}", self._budget)
        place = 0
        for dialogue, size in self._sizes.items():
            value = self._fields[field].get(dialogue)
            if value is not None and entry_count(value) != size:
                problem = f"its dialogue has {entry_count(value)} entries of {field!r}, expected {size}"
                wrong |= {place + number: problem for number in range(size)}
            place += size
        return rows, wrong

    def _entries(self, field: str) -> list[Any]:
        """The entry of each utterance in one dictionary; None if its dialogue has another number of entries."""
        all_entries: list[Any] = []
        for dialogue, size in self._sizes.items():
            value = self._fields[field].get(dialogue)
            fits = value is not None and entry_count(value) == size
            all_entries += [plain(entry) for entry in entries(value) or ()] if fits else [None] * size
        return all_entries


def entry_count(value: object) -> int:
    """The number of entries of a list, a tuple or an array; 0 for anything else."""
    content = plain(value)
    is_filled = isinstance(content, list | tuple) or (isinstance(content, np.ndarray) and content.size)
    return len(content) if is_filled else 0
