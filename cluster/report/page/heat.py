"""Tables whose cells are shaded: what a network uses, what it loses without a modality, and what it mistakes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from haemsa.cluster.report.best_model.missing import goodness
from haemsa.cluster.report.best_model.predictions import confusion
from haemsa.cluster.report.best_model.usage import Usage
from haemsa.cluster.shared.text import number

_MOST_CLASSES: Final = 12
_STRONGEST: Final = 75
"""In percent: text can be read on it."""
Array = np.ndarray[Any, Any]


@dataclass(frozen=True)
class HeatCell:
    """The text of a cell, and how strong its colour is, in percent."""

    text: str
    strength: int


@dataclass(frozen=True)
class Heat:
    """A shaded table with its caption. `corner`: what the rows and columns are."""

    caption: str
    columns: Sequence[str]
    rows: Sequence[tuple[str, Sequence[HeatCell]]]
    corner: str = ""


def usage_heat(usage: Usage, task: str) -> Heat:
    """How much a network takes of each token or expert, by groups of samples."""
    texts = [[f"{weight:.2f}" for weight in row] for row in usage.weights]
    caption = f"{usage.title}, by {task}: the mean weights of its gates"
    return _heat(caption, usage.rows, usage.columns, texts, usage.weights)


def missing_heat(table: Mapping[str, Mapping[str, float]]) -> Heat:
    """Metrics by the modalities that are shown. The better within its column, the stronger the colour."""
    columns = [name.replace("_", " ") for name in next(iter(table.values()))]
    texts = [[number(value) for value in row.values()] for row in table.values()]
    caption = "scores when only some modalities are shown: the stronger the colour, the better within its column"
    return _heat(caption, list(table), columns, texts, goodness(table), "shown")


def confusion_heat(targets: Array, chances: Array, labels: Sequence[str], task: str) -> Heat:
    """Which classes are mistaken for which, of classes [N] and their predicted probabilities [N, C]."""
    known, first = targets >= 0, slice(_MOST_CLASSES)
    counts = confusion(targets[known], chances[known].argmax(1), len(labels))
    shares = (counts / np.maximum(counts.sum(1, keepdims=True), 1))[first, first]
    texts = [[f"{share:.0%}" for share in row] for row in shares]
    caption = f"which classes of {task} are mistaken for which, in shares of each true class"
    return _heat(caption, labels[first], labels[first], texts, shares, "true \\ predicted")


def _heat(
    caption: str, rows: Sequence[str], columns: Sequence[str], texts: Sequence[Sequence[str]], strengths: Array,
    corner: str = "",
) -> Heat:  # fmt: skip
    percent = np.rint(np.clip(np.nan_to_num(strengths), 0, 1) * _STRONGEST).astype(int)
    cells = [
        [HeatCell(text, strength) for text, strength in zip(*pair, strict=True)]
        for pair in zip(texts, percent.tolist(), strict=True)
    ]
    return Heat(caption[:1].upper() + caption[1:], columns, list(zip(rows, cells, strict=True)), corner)
