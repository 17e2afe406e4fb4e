"""What was said before: for utterances of dialogues or videos, the previous ones as further feature streams.

Emotions in dialogue follow one another, so what came before says something of now (Poria et al. 2017). A stream
"text_before" holds the text of up to K previous utterances as its time steps, the oldest first; whether it is read, and
how it is pooled, is for the search to find.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from haemsa.model.data.dataset import Dataset, Modality
from haemsa.model.data.memory import zeros

BEFORE: Final = "_before"
_PLACE: Final = re.compile(r"(.*?)(\d+)\D*")


def with_context(dataset: Dataset, steps: int) -> Dataset:
    """The data set with a stream of up to `steps` previous samples beside each modality, averaged over their time.

    Previous samples are those of the same group and conversation ("Ses01F[3]" is of "Ses01F["), by the last number in
    their ids, else in the order of the data; such as lack the modality are passed over. Raises ValueError if no sample
    has any.
    """
    conversations = _conversations(dataset)
    if max(map(len, conversations)) < 2:
        raise ValueError(f"data {dataset.name!r} has no two samples of one conversation, expected some to look back on")
    train, kept = dataset.split("train"), dict[str, Modality]()
    for name, modality in dataset.modalities.items():
        if name.endswith(BEFORE):
            raise ValueError(f"data {dataset.name!r} has the stream {name!r}: it looks back already")
        stream = _stream(modality, conversations, steps)
        if stream.presence[train].any():
            kept[f"{name}{BEFORE}"] = stream
    note = f"{', '.join(kept)}: up to {steps} previous samples of the same conversation"
    return replace(dataset, modalities={**dataset.modalities, **kept}, notes=(*dataset.notes, note))


def _stream(modality: Modality, conversations: Sequence[NDArray[np.int64]], steps: int) -> Modality:
    means, present = modality.moments[0], modality.presence
    features, lengths = zeros((len(means), steps, modality.width)), np.zeros(len(means), dtype=np.int64)
    for samples in conversations:
        here = present[samples]
        had = samples[here]
        earlier: NDArray[np.int64] = np.cumsum(here) - here
        for sample, count in zip(samples, earlier, strict=True):
            before = had[max(0, count - steps) : count]
            features[sample, : len(before)] = means[before]
            lengths[sample] = len(before)
    return Modality(features, lengths)


def _conversations(dataset: Dataset) -> list[NDArray[np.int64]]:
    """The samples of each conversation, in order; none looks back on one of the test split unless it is of it too."""
    tested = set(dataset.splits.get("test", np.zeros(0, np.int64)).tolist())
    members: dict[tuple[int, str, bool], list[tuple[int, int]]] = defaultdict(list)
    for sample, (name, group) in enumerate(zip(dataset.ids, dataset.groups.tolist(), strict=True)):
        found = _PLACE.fullmatch(name)
        head, place = (found[1], int(found[2])) if found and len(found[2]) < 10 else ("", 0)
        members[group, head, sample in tested].append((place, sample))
    return [np.array([sample for _, sample in sorted(found)], dtype=np.int64) for found in members.values()]
