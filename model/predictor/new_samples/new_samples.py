"""Samples that a model predicts, some at a time: `NewSamples`."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from haemsa.model.data.dataset import SPLITS, Dataset
from haemsa.model.data.samples import Samples
from haemsa.model.data.streamed import StoredFeatures
from haemsa.model.schema import Schema

BLOCK: Final = 2**14
"""How many samples are predicted at a time, if they are in memory or in a store."""


class NewSamples:
    """Samples, put into the order of a model's features. Labels are not read.

    Args:
        name: What the data is called in messages.
        schema: The modalities that the model reads.
        count: How many samples there are.
        has_splits: Whether the data says which split a sample is in.
        as_trained: Reads the data as training does, which makes splits where the data has none. None: it cannot be.
        blocks: Reads the samples, some at a time.
        notes: Gives what the reader found, when all is read.
        files: The files that samples are read from while they are predicted.

    Example:
        >>> from haemsa.model.data.builtin.planted import planted
        >>> data = planted(sizes=(20, 10, 10))
        >>> new = NewSamples.of("mine", Schema.of(data), Samples.of(data))
        >>> [len(block) for block in new.blocks()], new.notes
        ([40], ())
    """

    def __init__(
        self,
        name: str,
        schema: Schema,
        count: int,
        *,
        has_splits: bool,
        blocks: Callable[[], Iterator[Samples]],
        notes: Callable[[], tuple[str, ...]],
        as_trained: Callable[[], Dataset] | None = None,
        files: Sequence[Path] = (),
    ) -> None:
        self.name, self.count, self.has_splits, self.files = name, count, has_splits, tuple(files)
        self._schema, self._blocks, self._reader_notes, self._as_trained = schema, blocks, notes, as_trained
        self._longest = dict.fromkeys(schema.modalities, 0)
        self._cut = dict.fromkeys(schema.modalities, 0)

    @classmethod
    def of(
        cls,
        name: str,
        schema: Schema,
        samples: Samples,
        as_trained: Callable[[], Dataset] | None = None,
        files: Sequence[Path] = (),
    ) -> NewSamples:
        """Samples that are in memory, or whose features stay in their store."""
        return cls(
            name,
            schema,
            len(samples),
            has_splits=samples.split_of is not None,
            blocks=lambda: _in_blocks(samples),
            notes=lambda: samples.notes,
            as_trained=as_trained,
            files=files,
        )

    def blocks(self, split: str | None = None) -> Iterator[Samples]:
        """The samples, some at a time, with only the features that the model reads, in its order.

        Args:
            split: Only the samples of this split; None: all. If the data does not say which split a sample is in, it is
                read whole, and split as training splits it.

        Raises:
            ValueError: The data has none of the model's modalities, a modality lacks features or has another number of
                them, a sample is damaged, or there is no sample in the split. The message is one sentence.
        """
        found, splits = False, set[str]()
        self._longest, self._cut = (dict.fromkeys(self._schema.modalities, 0) for _ in range(2))
        for block in self._blocks() if split is None or self.has_splits else self._split_as_trained(split):
            samples = self._fitted(block)
            if split is not None:
                splits.update(samples.split_of or ())
                samples = samples.take(np.flatnonzero([name == split for name in samples.split_of or ()]))
            found = found or len(samples) > 0
            if len(samples):
                yield samples
        if not found and split is not None:
            known = ", ".join(name for name in (*SPLITS, *sorted(splits - {*SPLITS})) if name and name in splits)
            raise ValueError(f"data {self.name!r} has no split {split!r}, it has {known[:200] or 'none'}")
        if not found:
            raise ValueError(f"data {self.name!r} has no sample")

    @property
    def notes(self) -> tuple[str, ...]:
        """What was found in the samples that were read so far, one line each."""
        notes = list(self._reader_notes())
        for name, (steps, _) in self._schema.modalities.items():
            notes += misfit(name, steps, self._longest[name], self._cut[name])
        return tuple(dict.fromkeys(notes))

    def _split_as_trained(self, split: str) -> Iterator[Samples]:
        problem = f"data {self.name!r} does not say which split a sample is in, so it has no {split!r}"
        if self._as_trained is None:
            raise ValueError(problem)
        try:
            dataset = self._as_trained()
        except ValueError as error:
            raise ValueError(f"{problem}, and it cannot be split as training does it: {error}") from None
        self._reader_notes = lambda: dataset.notes
        return _in_blocks(Samples.of(dataset))

    def _fitted(self, samples: Samples) -> Samples:
        kept = {}
        for name, (steps, _) in self._schema.modalities.items():
            if (modality := samples.modalities.get(name)) is None:
                continue
            places = self._schema.places_of(name, modality.columns, modality.width)
            kept[name] = modality if places is None else modality.in_columns(places)
            if _has_numbers(modality.features):
                self._longest[name] = max(self._longest[name], int(modality.lengths.max(initial=0)))
            self._cut[name] += int((modality.lengths > steps).sum())
        if not kept:
            raise ValueError(
                f"data {self.name!r} has none of the model's modalities {', '.join(self._schema.modalities)}"
            )
        return replace(samples, modalities=kept)


def _in_blocks(samples: Samples) -> Iterator[Samples]:
    for start in range(0, len(samples), BLOCK):
        yield samples.take(np.arange(start, min(start + BLOCK, len(samples))))


def misfit(name: str, steps: int, longest: int, cut: int) -> list[str]:
    """A note on a modality that samples lack, or of which a model does not read all steps.

    Args:
        name: The modality.
        steps: The most steps that the model knows.
        longest: The most steps of a sample; 0 if none has the modality.
        cut: How many samples are longer than the model knows.
    """
    if not longest:
        return [f"{name}: absent in all samples; the model predicts without it"]
    if steps == 1 < longest:
        first = "only the first step of each is read"
        return [f"{name}: the model was trained on single steps, and samples have up to {longest}; {first}"]
    return [f"{name}: {cut} samples cut to their first {steps} steps, the most that the model knows"] if cut else []


def _has_numbers(features: NDArray[Any] | StoredFeatures) -> bool:
    """Whether any cell is finite. Those of a store are."""
    return isinstance(features, StoredFeatures) or bool(np.isfinite(features).any())
