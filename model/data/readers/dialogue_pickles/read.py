"""Dialogue pickles: a tuple of dictionaries by dialogue, as DialogueRNN, MMGCN, COSMIC and SDT keep IEMOCAP and MELD.

Each dictionary holds, for a dialogue, one entry per utterance: a label, a name, or a vector of features.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np

from haemsa.model.data.dataset import SPLITS, Dataset
from haemsa.model.data.memory import MemoryBudget
from haemsa.model.data.readers.assemble import assemble
from haemsa.model.data.readers.dialogue_pickles.speakers import session_of
from haemsa.model.data.readers.dialogue_pickles.utterances import STREAMS, Fields, Name, Utterances
from haemsa.model.data.readers.options import Damage, Reading
from haemsa.model.data.readers.trimming import keep
from haemsa.model.data.readers.unpickling.unpickle import as_text, plain
from haemsa.model.data.readers.unpickling.values import entries, form_of
from haemsa.model.data.splitting import with_validation

_SPOKEN: Final = ("ids", "speakers", "labels")
_ROBERTA: Final = tuple(stream for stream in STREAMS if "roberta" in stream)
LAYOUTS: Final[tuple[tuple[str, ...], ...]] = (
    (*_SPOKEN, "text", "audio", "vision", "sentences", "train", "test"),  # DialogueRNN, MMGCN
    (*_SPOKEN, "text", "audio", "sentences", "train", "test", "sentiment"),  # DialogueRNN: MELD
    (*_SPOKEN, "text", "audio", "vision", "sentences", "train", "test", "sentiment"),  # MMGCN: MELD
    ("speakers", "labels", *_ROBERTA, "sentences", "train", "test", "valid"),  # COSMIC
    ("speakers", "labels", "sentiment", *_ROBERTA, "sentences", "train", "test", "valid"),  # COSMIC: MELD
    (*_SPOKEN, *_ROBERTA, "audio", "vision", "sentences", "train", "test"),  # SDT
    (*_SPOKEN, *_ROBERTA, "audio", "vision", "sentences", "train", "test", "sentiment"),  # SDT: MELD
)
"""What each place of the tuple holds. All are dictionaries but the splits, whose places tell the layouts apart."""


def read(content: Sequence[Any], name: str, reading: Reading, budget: MemoryBudget) -> Dataset:
    """The data set called `name` in such a tuple. Raises ValueError, one sentence, for anything else.

    Utterances keep their order, dialogue after dialogue. Where no validation split is given, about a tenth of the
    training split becomes it.
    """
    fields, lists = _fields(content)
    split_of = _split_of(lists, fields["labels"])
    found = Utterances(fields, [dialogue for dialogue in fields["labels"] if dialogue in split_of], budget)
    if unused := len(fields["labels"]) - len(split_of):
        found.notes.append(f"{unused} dialogues are in no split; left out")
    found.notes += _rotation(lists["test"])
    owners = np.array([split_of[dialogue] for dialogue, _ in found.places], dtype=str)
    tasks = found.tasks(name, reading, owners != "test")
    raw, groups = found.modalities(), found.groups(reading.group_by)
    damage = Damage(skip=reading.skip_damaged)
    kept = found.kept(damage)
    groups = [groups[place] for place in kept]
    splits = {split: np.flatnonzero(owners[kept] == split).astype(np.int64) for split in SPLITS if split in lists}
    if "valid" not in splits:
        splits = with_validation(splits, groups, reading.group_by, found.notes)
    return assemble(
        name,
        {stream: keep(modality, kept) for stream, modality in raw.items()},
        {task: item.take(kept) for task, item in tasks.items()},
        found.ids(kept),
        groups=groups,
        splits=splits,
        notes=[*found.notes, *damage.notes()],
    )


def _fields(content: Sequence[Any]) -> tuple[Fields, dict[str, list[Any]]]:
    """The dictionaries by what they hold, and the dialogues of each split that there is."""
    places = [isinstance(item, dict) for item in content]
    layout = next((names for names in LAYOUTS if places == [name not in SPLITS for name in names]), None)
    if layout is None:
        found = ", ".join(form_of(item) for item in content[:14])
        raise ValueError(
            f"there are {len(content)} places, {found}, expected those of DialogueRNN, MMGCN, COSMIC or SDT"
        )
    fields: dict[str, dict[Name, Any]] = {}
    lists: dict[str, list[Any]] = {}
    for name, item in zip(layout, content, strict=True):
        if isinstance(item, dict):
            named = ((plain(key), value) for key, value in item.items())
            fields[name] = {key: value for key, value in named if isinstance(key, str | int)}
        else:
            given = list(item) if isinstance(item, set | frozenset) else entries(item)
            if given is None:
                raise ValueError(f"the dialogues of {name!r} are {form_of(item)}, expected a list of names")
            lists[name] = [plain(dialogue) for dialogue in given]
    return fields, lists


def _split_of(lists: Mapping[str, Sequence[Any]], labels: Mapping[Name, Any]) -> dict[Name, str]:
    """The split of each dialogue that is in one."""
    found: dict[Name, str] = {}
    for split, dialogues in lists.items():
        for dialogue in dialogues:
            if not isinstance(dialogue, str | int) or dialogue not in labels:
                raise ValueError(f"{split!r} names the dialogue {as_text(dialogue)}, but there are no labels of it")
            if found.setdefault(dialogue, split) != split:
                raise ValueError(
                    f"the dialogue {as_text(dialogue)} is in {found[dialogue]!r} and {split!r}, expected one"
                )
    return found


def _rotation(tested: Sequence[Name]) -> list[str]:
    """A note, where dialogues tell their sessions, on which the test split is and how it becomes another."""
    sessions = sorted({session for session in map(session_of, tested) if session})
    if not sessions:
        return []
    found = f"the test split is the file's own, {', '.join(sessions)}"
    return [f"{found}; to test on each session in turn, write a file for each, with its dialogues in the place of test"]
