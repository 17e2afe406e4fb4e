"""A check as tables of text. The terminal and the page share them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from haemsa.cluster.data_check.check import ALL, DataCheck
from haemsa.cluster.data_check.columns import ModalityCheck, Spread
from haemsa.cluster.data_check.labels import TaskCheck
from haemsa.cluster.data_check.leaks import Score
from haemsa.cluster.data_check.worth import Worth
from haemsa.cluster.shared.bootstrap import Difference
from haemsa.cluster.shared.text import counted, duration, figure, listed

NOTICE: Final = (
    "This check reads the labels of all splits, the test split too. It is about the data, not about models. "
    "No search sees its results."
)
_BARS: Final = "▁▂▃▄▅▆▇█"
_WIDEST: Final = 20  # bars
_TOO_FEW: Final = "Unknown: train and valid have too few labels or groups."


@dataclass(frozen=True)
class TextTable:
    """One table: a title, names of columns, rows of cells, and help on how to read it."""

    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    help: str = ""


def heading(check: DataCheck) -> str:
    """Name and sizes in one line."""
    return heading_of(check.name, check.samples, check.splits, check.groups, check.fingerprint)


def heading_of(name: str, samples: int, splits: Mapping[str, int], groups: int, fingerprint: str) -> str:
    """Name and sizes of data in one line."""
    sizes = ", ".join(f"{split} {count:,}" for split, count in splits.items())
    return f"{name}: {counted(samples, 'sample')} ({sizes}) in {counted(groups, 'group')}, fingerprint {fingerprint}"


def check_tables(check: DataCheck) -> list[TextTable]:
    """All tables: modalities, labels, how well each modality alone predicts them, what it adds, and equal samples."""
    return [_modalities(check), _tasks(check), _skills(check), _worth(check), _repeats(check)]


def _modalities(check: DataCheck) -> TextTable:
    others = [split for split in check.splits if split != "train"]
    columns = (
        "modality", "shape", "lengths", "values", "zeros", "constant", "absent",
        *(f"shift in {split}" for split in others),
    )  # fmt: skip
    rows = tuple((name, *_modality(modality, others)) for name, modality in check.modalities.items())
    text = (
        "Shape: steps x features. Lengths, values: least, quartiles, largest. Zeros: share of cells. Constant: columns "
        f"that never change in train. Absent: samples of {', '.join(check.splits)} without it. Shift: how far a "
        "column's mean is from its mean in train, in standard deviations; the farthest column is in brackets."
    )
    return TextTable("Modalities", columns, rows, text)


def _modality(modality: ModalityCheck, others: Sequence[str]) -> Iterator[str]:
    yield from (f"{modality.steps} x {modality.width}", _spread(modality.lengths), _spread(modality.values))
    yield _share(modality.zeros)
    shown = listed([modality.title(column) for column in modality.constant])
    yield f"{len(modality.constant)} ({shown})" if modality.constant else "0"
    yield _counts(modality.absent)
    for split in others:
        worst = modality.shifts.get(split)
        yield f"{worst[0].distance:+.2f} ({modality.title(worst[0].column)})" if worst else "-"


def _tasks(check: DataCheck) -> TextTable:
    columns = ("task", "kind", *check.splits, "missing", "not in train")
    rows = tuple((name, *_task(task)) for name, task in check.tasks.items())
    text = "Bars: how many labels of each class or value, or in each tenth of the range."
    return TextTable("Labels", columns, rows, f"{text} Missing: samples of {', '.join(check.splits)} without a label.")


def _task(task: TaskCheck) -> Iterator[str]:
    yield task.kind
    for counts in task.counts.values():
        yield _bars(counts)
    yield _counts(task.missing)
    unseen = [f"{split}: {listed(words)}" for split, words in task.unseen.items() if words]
    yield "; ".join(unseen) or "-"


def _skills(check: DataCheck) -> TextTable:
    others = [split for split in check.splits if split != "train"]
    columns = (
        "task",
        "modality",
        "within train",
        *(f"train to {split}" for split in others),
        *(f"within {split}" for split in others),
    )
    rows = []
    for task, skills in check.skills.items():
        for name, skill in skills.items():
            scores = [skill.promised, *(part.get(split) for part in (skill.fitted, skill.within) for split in others)]
            rows.append((task, name, *map(_score, scores)))
    text = (
        "Correlation of a linear model's predictions with the labels, and its standard error. Within: cross-validated "
        "within the split. Train to: fitted on train. A score far above the one within train is a sign of a leak."
    )
    return TextTable("What each modality predicts alone", columns, tuple(rows), text)


def _worth(check: DataCheck) -> TextTable:
    columns = ("task", "modality", "alone", "adds to the best (95% interval)", "in words")
    known = {task: worth for task, worth in check.worth.items() if worth is not None}
    rows = [
        (task, name, f"{worth.metric} {figure(stream.alone)}", _added(worth, stream.adds), worth.words(name))
        for task, worth in known.items()
        for name, stream in worth.streams.items()
    ]
    most = max((worth.samples for worth in known.values()), default=0)
    how = (
        f"Ridge or logistic regression of means over time, cross-validated on up to {most:,} samples of train and "
        "valid, by whole groups. Adds: how much better the score gets with the best modality and this one together. "
        f"A network may find more. This took {duration(check.worth_seconds)}."
    )
    return TextTable("Which modalities are worth it", columns, tuple(rows), how if rows else _TOO_FEW)


def _added(worth: Worth, adds: Difference | None) -> str:
    """What a modality adds, with its interval. Next to the best one, what a constant reaches."""
    if adds is None:
        return f"(a constant: {figure(worth.constant)})"
    return f"{figure(adds.mean, sign='+')} ({figure(adds.low)} to {figure(adds.high)})"


def _repeats(check: DataCheck) -> TextTable:
    columns = ("equal features in", *(f"within {split}" for split in check.splits), "in several splits")
    rows = []
    for name, repeats in check.repeats.items():
        if name != ALL and not repeats.across and not any(repeats.within.values()):
            continue
        across = [f"{' and '.join(overlap.splits)} {overlap.count:,}" for overlap in repeats.across]
        rows.append((name, *(f"{count:,}" for count in repeats.within.values()), ", ".join(across) or "0"))
    text = "Within a split: samples that repeat an earlier sample of that split."
    return TextTable("Equal samples", columns, tuple(rows), text)


def _spread(spread: Spread) -> str:
    numbers = (spread.low, spread.first, spread.median, spread.third, spread.high)
    if spread.low == spread.high:
        return f"{spread.low:.3g}"
    return ", ".join(f"{number:.0f}" if 100 <= abs(number) < 1e6 else f"{number:.2g}" for number in numbers)


def _counts(counts: Mapping[str, int]) -> str:
    """The counts of all splits, such as "0 / 3 / 1"; "0" if all are 0."""
    return " / ".join(f"{count:,}" for count in counts.values()) if any(counts.values()) else "0"


def _share(value: float) -> str:
    return f"{value:.1%}" if value >= 0.001 or not value else "< 0.1%"


def _score(score: Score | None) -> str:
    return "-" if score is None else f"{score.correlation:.2f} ± {score.error:.2f}"


def _bars(counts: Sequence[int]) -> str:
    if len(counts) > _WIDEST:
        return f"{len(counts)} classes, {min(counts):,} to {max(counts):,} of each"
    most = max(1, *counts)
    return "".join(_BARS[max(0, -(-count * len(_BARS) // most) - 1)] if count else " " for count in counts)
