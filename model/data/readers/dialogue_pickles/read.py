"""Dialogue pickles: a tuple of dictionaries by dialogue, as DialogueRNN, MMGCN, COSMIC and SDT keep IEMOCAP and MELD.

Each dictionary holds, for a dialogue, one entry per utterance: a label, a name, or a vector of features.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np

from haemsa.model.data.dataset import SPLITS, Dataset
from haemsa.model.data.readers.assemble import assemble
from haemsa.model.data.readers.dialogue_pickles.speakers import session_of
from haemsa.model.data.readers.dialogue_pickles.utterances import STREAMS, Fields, Name, Utterances, entry_count
from haemsa.model.data.readers.memory import MemoryBudget
from haemsa.model.data.readers.options import Damage, Reading
from haemsa.model.data.readers.trimming import keep
from haemsa.model.data.readers.unpickling.unpickle import as_text, plain
from haemsa.model.data.readers.unpickling.values import entries, form_of
from haemsa.model.data.samples import Samples
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
"""What each place of the tuple holds: lists for the splits, otherwise dictionaries. So the places tell the layout."""


def read(content: Sequence[Any], name: str, reading: Reading, budget: MemoryBudget) -> Dataset:
    """The data set in such a tuple.

    Utterances keep their order, dialogue after dialogue. If there is no validation split, it is made of about a tenth
    of training.

    Args:
        content: The tuple.
        name: What the data is called.
        reading: What is asked of the reader.
        budget: The memory that the data takes.

    Raises:
        ValueError: The tuple has another layout, or an utterance is damaged (unless damage is skipped). The message is
            one sentence.
    """
    fields, lists = _fields(content)
    split_of = _split_of(lists, fields["labels"])
    utterances = Utterances(fields, [dialogue for dialogue in fields["labels"] if dialogue in split_of], budget)
    if unused := len(fields["labels"]) - len(split_of):
        utterances.notes.append(f"{unused} dialogues are in no split; left out")
    utterances.notes += _rotation(lists["test"])
    owners = np.array([split_of[dialogue] for dialogue, _ in utterances.places], dtype=str)
    tasks = utterances.tasks(name, reading, owners != "test")
    raw, groups = utterances.modalities(), utterances.groups(reading.group_by)
    damage = Damage(skip=reading.skip_damaged)
    kept = utterances.kept(damage)
    groups = [groups[place] for place in kept]
    splits = {split: np.flatnonzero(owners[kept] == split).astype(np.int64) for split in SPLITS if split in lists}
    if "valid" not in splits:
        splits = with_validation(splits, groups, reading.group_by, utterances.notes)
    return assemble(
        name,
        {stream: keep(modality, kept) for stream, modality in raw.items()},
        {task: item.take(kept) for task, item in tasks.items()},
        utterances.ids(kept),
        groups=groups,
        splits=splits,
        notes=[*utterances.notes, *damage.notes()],
        means=reading.means,
    )


def read_samples(content: Sequence[Any], reading: Reading, budget: MemoryBudget) -> Samples:
    """The utterances in such a tuple as new samples. Labels are not read, and a dialogue may be in no split.

    Raises:
        ValueError: The tuple has another layout, or an utterance is damaged (unless damage is skipped). The message is
            one sentence.
    """
    fields, lists = _fields(content)
    counted = next(
        (field for field in ("labels", *STREAMS) if any(map(entry_count, fields.get(field, {}).values()))), ""
    )
    if not counted:
        raise ValueError("there are no utterances, expected labels or features by dialogue")
    split_of = {dialogue: split for split, dialogues in lists.items() for dialogue in dialogues}
    utterances = Utterances(fields, list(fields[counted]), budget, counted)
    raw, damage = utterances.modalities(), Damage(skip=reading.skip_damaged, command="haemsa predict")
    kept = utterances.kept(damage)
    return Samples(
        {stream: keep(modality, kept) for stream, modality in raw.items()},
        tuple(utterances.ids(kept)),
        tuple(split_of.get(utterances.places[place][0], "") for place in kept),
        (*utterances.notes, *damage.notes()),
    )


def _fields(content: Sequence[Any]) -> tuple[Fields, dict[str, list[Any]]]:
    """The dictionaries by what they hold, and the dialogues of each split."""
    places = [isinstance(item, dict) for item in content]
    layout = next((names for names in LAYOUTS if places == [name not in SPLITS for name in names]), None)
    if layout is None:
        forms = ", ".join(form_of(item) for item in content[:14])
        raise ValueError(
            f"there are {len(content)} places, {forms}, expected those of DialogueRNN, MMGCN, COSMIC or SDT"
        )
    fields: dict[str, dict[Name, Any]] = {}
    lists: dict[str, list[Any]] = {}
    for name, item in zip(layout, content, strict=True):
        if isinstance(item, dict):
            named = ((plain(key), value) for key, value in item.items())
            fields[name] = {key: value for key, value in named if isinstance(key, str | int)}
        else:
            dialogues = list(item) if isinstance(item, set | frozenset) else entries(item)
            if dialogues is None:
                raise ValueError(f"the dialogues of {name!r} are {form_of(item)}, expected a list of names")
            lists[name] = [plain(dialogue) for dialogue in dialogues]
    return fields, lists


def _split_of(lists: Mapping[str, Sequence[Any]], labels: Mapping[Name, Any]) -> dict[Name, str]:
    """The split of each dialogue that is in one."""
    split_of: dict[Name, str] = {}
    for split, dialogues in lists.items():
        for dialogue in dialogues:
            if not isinstance(dialogue, str | int) or dialogue not in labels:
                raise ValueError(f"{split!r} names the dialogue {as_text(dialogue)}, but there are no labels of it")
            if (first := split_of.setdefault(dialogue, split)) != split:
                raise ValueError(f"the dialogue {as_text(dialogue)} is in {first!r} and {split!r}, expected one")
    return split_of


def _rotation(tested: Sequence[Name]) -> list[str]:
    """A note on the sessions of the test split, and on how to test on others; none if dialogues name no sessions."""
    sessions = sorted({session for session in map(session_of, tested) if session})
    if not sessions:
        return []
    test = f"the test split is the file's own, {', '.join(sessions)}"
    return [f"{test}; to test on each session in turn, write a file for each, with its dialogues in the place of test"]
