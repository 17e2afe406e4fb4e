"""What was said before: the previous utterances of a dialogue or video, as further feature streams.

In a dialogue, emotions depend on what came before (Poria et al. 2017). A stream "text_before" holds the text of up to
K previous utterances as its time steps, the oldest first. A search finds whether and how a network reads it.
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
from haemsa.model.data.readers.memory import zeros

BEFORE: Final = "_before"
_PLACE: Final = re.compile(r"(.*?)(\d+)\D*")


def with_context(dataset: Dataset, steps: int) -> Dataset:
    """Add, for each modality, a stream of previous samples, each averaged over its time.

    Previous samples are those of the same group and conversation ("Ses01F[3]" belongs to "Ses01F["). The last number
    in their ids gives their order; without numbers it is the order of the data. Samples that lack the modality are
    passed over.

    Args:
        dataset: The data.
        steps: The most previous samples in a stream.

    Raises:
        ValueError: No sample has a previous one, or the data has such a stream.
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
        has_features = present[samples]
        candidates = samples[has_features]
        earlier: NDArray[np.int64] = np.cumsum(has_features) - has_features
        for sample, count in zip(samples, earlier, strict=True):
            before = candidates[max(0, count - steps) : count]
            features[sample, : len(before)] = means[before]
            lengths[sample] = len(before)
    return Modality(features, lengths, modality.columns)


def _conversations(dataset: Dataset) -> list[NDArray[np.int64]]:
    """The samples of each conversation, in order. Samples of the test split are a conversation of their own."""
    tested = set(dataset.splits.get("test", np.zeros(0, np.int64)).tolist())
    members: dict[tuple[int, str, bool], list[tuple[int, int]]] = defaultdict(list)
    for sample, (name, group) in enumerate(zip(dataset.ids, dataset.groups.tolist(), strict=True)):
        match = _PLACE.fullmatch(name)
        head, place = (match[1], int(match[2])) if match and len(match[2]) < 10 else ("", 0)
        members[group, head, sample in tested].append((place, sample))
    return [np.array([sample for _, sample in sorted(placed)], dtype=np.int64) for placed in members.values()]
