"""The utterances of dialogue pickles: their features, labels and ids, and what is wrong with some.

Axis: `N` utterances, dialogue after dialogue, in their order.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from haemsa.model.data.cleaning import RawModality, last_step
from haemsa.model.data.dataset import Task
from haemsa.model.data.memory import OBJECT, MemoryBudget
from haemsa.model.data.readers.dialogue_pickles import emotions
from haemsa.model.data.readers.dialogue_pickles.speakers import marked, session_of, speaker_of
from haemsa.model.data.readers.options import Damage, Grouping, Reading
from haemsa.model.data.readers.unpickling.unpickle import as_text, plain
from haemsa.model.data.readers.unpickling.values import entries, form_of, stacked

STREAMS: Final = (
    "text", "text_roberta1", "text_roberta2", "text_roberta3", "text_roberta4", "audio", "vision",
)  # fmt: skip
Name = str | int
Fields = Mapping[str, Mapping[Name, Any]]


class Utterances:
    """What dictionaries by dialogue hold, by utterance. places: its dialogue and its number in it, N times."""

    def __init__(self, fields: Fields, dialogues: Sequence[Name], budget: MemoryBudget) -> None:
        self._fields, self._budget = fields, budget
        self._sizes = {dialogue: _length(fields["labels"][dialogue]) for dialogue in dialogues}
        budget.claim("'labels'", OBJECT * sum(self._sizes.values()))
        self.places = [(dialogue, number) for dialogue, size in self._sizes.items() for number in range(size)]
        self._wrong: dict[int, str] = {}
        self._dropped = np.zeros(len(self.places), dtype=bool)
        self.notes: list[str] = []

    def modalities(self) -> dict[str, RawModality]:
        """One time step each; absent where an utterance has None or zeros."""
        found: dict[str, RawModality] = {}
        for stream in (stream for stream in STREAMS if stream in self._fields):
            rows, wrong = self._rows(stream)
            self._wrong = wrong | self._wrong
            found[stream] = RawModality(rows[:, None], last_step(rows[:, None]))
        return found

    def groups(self, group_by: Grouping) -> list[str]:
        """N names, equal for utterances that belong together. Raises ValueError for a dialogue that tells no session.

        An utterance without the speaker that it needs is damaged.
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
        given = self._entries("speakers")
        found = [speaker_of(dialogue, item) for (dialogue, _), item in zip(self.places, given, strict=True)]
        if not all(found):
            numbers = marked(self._rows("speakers")[0])
            found = [name or number for name, number in zip(found, numbers, strict=True)]
        for place in (place for place, name in enumerate(found) if not name):
            problem = f"its speaker is {form_of(given[place])}, expected a name or a one-hot vector"
            self._wrong.setdefault(place, problem)
        return found

    def tasks(self, name: str, reading: Reading, seen: NDArray[np.bool_]) -> dict[str, Task]:
        """What the labels say: classes of emotion, MELD's sentiment with them, or dimensions of emotion.

        name: of the file, which may tell the dimension; seen: [N], which utterances are of training or validation.
        Raises ValueError for labels of which nothing can be made.
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
            found = ", ".join(list(tasks) if emotion is None else list(emotion.labels))
            raise ValueError(
                f"4 classes were asked for, which are made of IEMOCAP's six emotions, but there are {found}"
            )
        happy, excited, frustrated = (emotions.IEMOCAP.index(label) for label in ("hap", "exc", "fru"))
        self._dropped = emotion.targets == frustrated
        self.notes.append(f"emotion: exc counts as hap; {self._dropped.sum()} utterances of fru left out")
        targets = np.where(emotion.targets == excited, happy, emotion.targets)
        targets[self._dropped] = -1
        return {**tasks, "emotion": Task("classes", targets, emotions.IEMOCAP[:4])}

    def kept(self, damage: Damage) -> NDArray[np.int64]:
        """The places of utterances that are whole and wanted. Raises ValueError unless damaged ones may be skipped."""
        for place, problem in sorted(self._wrong.items()):
            dialogue, number = self.places[place]
            damage.found(f"dialogue {as_text(dialogue)} utterance {number}", problem)
        wanted = ~self._dropped
        wanted[list(self._wrong)] = False
        return np.flatnonzero(wanted).astype(np.int64)

    def ids(self, kept: NDArray[np.int64]) -> list[str]:
        """Names of the utterances at `kept`: their own where the file has distinct ones, else "dialogue[number]"."""
        given = self._entries("ids") if "ids" in self._fields else []
        own = [given[place] for place in kept if isinstance(given[place], str)] if given else []
        if len(own) == len(set(own)) == len(kept):
            return own
        return ["{}[{}]".format(*self.places[place]) for place in kept]

    def _rows(self, field: str) -> tuple[NDArray[np.float32], dict[int, str]]:
        """Numbers [N, D] of one dictionary, NaN where it has None; and what is wrong with some, by place."""
        rows, wrong = stacked(self._entries(field), f"its {field!r}", self._budget)
        place = 0
        for dialogue, size in self._sizes.items():
            value = self._fields[field].get(dialogue)
            if value is not None and _length(value) != size:
                problem = f"its dialogue has {_length(value)} entries of {field!r}, expected {size}"
                wrong |= {place + number: problem for number in range(size)}
            place += size
        return rows, wrong

    def _entries(self, field: str) -> list[Any]:
        """One for each utterance; None for those of a dialogue without as many."""
        found: list[Any] = []
        for dialogue, size in self._sizes.items():
            value = self._fields[field].get(dialogue)
            fits = value is not None and _length(value) == size
            found += [plain(entry) for entry in entries(value) or ()] if fits else [None] * size
        return found


def _length(value: object) -> int:
    found = plain(value)
    return len(found) if isinstance(found, list | tuple) or (isinstance(found, np.ndarray) and found.size) else 0
