"""Samples without labels, as a model predicts them: `Samples`. Axes: `N` samples, `T` time steps, `D` features."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from haemsa.model.data.cleaning import RawModality
from haemsa.model.data.dataset import Dataset
from haemsa.model.data.modality import Modality


@dataclass(frozen=True, eq=False)
class Samples:
    """What a source holds of its samples: features, ids and splits, but no labels. Nothing is cleaned.

    Args:
        modalities: Features and lengths by name. Cells can be non-finite: a model takes its own mean for them.
        ids: One name for each of the N samples.
        split_of: The split of each sample, "" for none; None if the source has no splits.
        notes: What the reader found, one line each.
        transcripts, encoders: As those of a `Dataset`.

    Raises:
        ValueError: A modality has another number of samples.

    Example:
        >>> import numpy as np
        >>> samples = Samples({"audio": RawModality(np.ones((2, 1, 3)), np.ones(2, np.int64))}, ("a", "b"))
        >>> samples.take(np.array([1])).ids
        ('b',)
    """

    modalities: Mapping[str, RawModality | Modality]
    ids: tuple[str, ...]
    split_of: tuple[str, ...] | None = None
    notes: tuple[str, ...] = ()
    transcripts: tuple[str, ...] = ()
    encoders: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for name, modality in self.modalities.items():
            if len(modality.lengths) != len(self):
                raise ValueError(f"modality {name!r} has {len(modality.lengths)} samples for {len(self)} ids")

    def __len__(self) -> int:
        return len(self.ids)

    @classmethod
    def of(cls, dataset: Dataset) -> Samples:
        """The samples of a data set, without its notes, which are about training."""
        split_of = split_names(len(dataset), dataset.splits)
        told, made_by = dataset.transcripts, dataset.encoders
        return cls(dataset.modalities, dataset.ids, split_of, transcripts=told, encoders=made_by)

    def take(self, indices: NDArray[np.integer[Any]]) -> Samples:
        """The samples at `indices`, in their order."""
        places = np.asarray(indices, dtype=np.int64)
        split_of = self.split_of
        return Samples(
            {name: modality.take(places) for name, modality in self.modalities.items()},
            tuple(self.ids[place] for place in places),
            None if split_of is None else tuple(split_of[place] for place in places),
            self.notes,
            tuple(self.transcripts[place] for place in places) if self.transcripts else (),
            self.encoders,
        )


def split_names(count: int, splits: Mapping[str, NDArray[np.int64]]) -> tuple[str, ...]:
    """The split of each of `count` samples, "" for none."""
    names = np.full(count, "", dtype=object)
    for split, indices in splits.items():
        names[indices] = split
    return tuple(map(str, names))
