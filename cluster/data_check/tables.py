"""A check as tables of text, which the terminal and the page share."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from haemsa.cluster.data_check.check import ALL, DataCheck
from haemsa.cluster.data_check.columns import ModalityCheck, Spread
from haemsa.cluster.data_check.labels import TaskCheck
from haemsa.cluster.data_check.leaks import Score
from haemsa.cluster.shared.text import counted, listed

PROMISE: Final = (
    "This reads the labels of all splits, the test split too: it is about the data, not about models, and no search "
    "sees anything of it."
)
_BARS: Final = "▁▂▃▄▅▆▇█"
_WIDEST: Final = 20  # bars


@dataclass(frozen=True)
class Facts:
    """One table: a title, the columns' names, rows of as many cells, and a sentence on how to read it."""

    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    help: str = ""


def heading(check: DataCheck) -> str:
    """Name and sizes in one line."""
    splits = ", ".join(f"{split} {count:,}" for split, count in check.splits.items())
    groups = counted(check.groups, "group")
    return f"{check.name}: {counted(check.samples, 'sample')} ({splits}) in {groups}, fingerprint {check.fingerprint}"


def facts(check: DataCheck) -> list[Facts]:
    """All tables: modalities, labels, what modalities predict alone, equal samples."""
    return [_modalities(check), _tasks(check), _skills(check), _repeats(check)]


def _modalities(check: DataCheck) -> Facts:
    others = [split for split in check.splits if split != "train"]
    columns = (
        "modality", "shape", "lengths", "values", "zeros", "constant", "absent",
        *(f"shift in {split}" for split in others),
    )  # fmt: skip
    rows = tuple((name, *_modality(found, others)) for name, found in check.modalities.items())
    told = (
        "Shape: steps x features. Lengths, values: least, quartiles, largest. Zeros: share of cells. Constant: columns "
        f"that never change in train. Absent: samples of {', '.join(check.splits)}. Shift: of the column (in brackets) "
        "whose mean lies farthest from that in train, in standard deviations."
    )
    return Facts("Modalities", columns, rows, told)


def _modality(found: ModalityCheck, others: Sequence[str]) -> Iterator[str]:
    yield from (f"{found.steps} x {found.width}", _spread(found.lengths), _spread(found.values))
    yield _share(found.zeros)
    shown = listed([str(column) for column in found.constant])
    yield f"{len(found.constant)} ({shown})" if found.constant else "0"
    yield _counts(found.absent)
    for split in others:
        worst = found.shifts.get(split)
        yield f"{worst[0].distance:+.2f} ({worst[0].column})" if worst else "-"


def _tasks(check: DataCheck) -> Facts:
    columns = ("task", "kind", *check.splits, "missing", "not in train")
    rows = tuple((name, *_task(found)) for name, found in check.tasks.items())
    told = "Bars: how many labels of each class or value, or in each tenth of the range."
    return Facts("Labels", columns, rows, f"{told} Missing: in {', '.join(check.splits)}.")


def _task(found: TaskCheck) -> Iterator[str]:
    yield found.kind
    for counts in found.counts.values():
        yield _bars(counts)
    yield _counts(found.missing)
    unseen = [f"{split}: {listed(words)}" for split, words in found.unseen.items() if words]
    yield "; ".join(unseen) or "-"


def _skills(check: DataCheck) -> Facts:
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
    told = (
        "Correlation of a linear model's predictions with the labels, and its standard error: cross-validated within a "
        "split, or fitted on train and scored elsewhere. Far above that within train, it is a sign of a leak."
    )
    return Facts("What each modality predicts alone", columns, tuple(rows), told)


def _repeats(check: DataCheck) -> Facts:
    columns = ("equal features in", *(f"within {split}" for split in check.splits), "in several splits")
    rows = []
    for name, found in check.repeats.items():
        if name != ALL and not found.across and not any(found.within.values()):
            continue
        across = [f"{' and '.join(part.splits)} {part.count:,}" for part in found.across]
        rows.append((name, *(f"{count:,}" for count in found.within.values()), ", ".join(across) or "0"))
    return Facts("Equal samples", columns, tuple(rows), "Within a split: samples that repeat an earlier one of it.")


def _spread(found: Spread) -> str:
    numbers = (found.low, found.first, found.median, found.third, found.high)
    if found.low == found.high:
        return f"{found.low:.3g}"
    return ", ".join(f"{number:.0f}" if 100 <= abs(number) < 1e6 else f"{number:.2g}" for number in numbers)


def _counts(counts: Mapping[str, int]) -> str:
    """Counts of all splits, as "0 / 3 / 1"; "0" where there are none."""
    return " / ".join(f"{count:,}" for count in counts.values()) if any(counts.values()) else "0"


def _share(value: float) -> str:
    return f"{value:.1%}" if value >= 0.001 or not value else "< 0.1%"


def _score(found: Score | None) -> str:
    return "-" if found is None else f"{found.correlation:.2f} ± {found.error:.2f}"


def _bars(counts: Sequence[int]) -> str:
    if len(counts) > _WIDEST:
        return f"{len(counts)} classes, {min(counts):,} to {max(counts):,} of each"
    most = max(1, *counts)
    return "".join(_BARS[max(0, -(-count * len(_BARS) // most) - 1)] if count else " " for count in counts)
