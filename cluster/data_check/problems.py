"""What a check found wrong, in words: leaks, which make a score worthless, and warnings."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

from haemsa.cluster.data_check.check import ALL, DataCheck
from haemsa.cluster.data_check.columns import FAR
from haemsa.cluster.data_check.leaks import Sign
from haemsa.cluster.data_check.overlap import Overlap
from haemsa.cluster.shared.text import counted, listed

RARE: Final = 0.01
"""Equal samples in several splits are a leak if a smaller share of training than this equals another sample of it."""


def leaks(check: DataCheck) -> list[str]:
    """A line for each leak: why scores on a split say less than they seem to.

    Args:
        check: what `check_data` returned.

    Example:
        >>> leaks(check_data(load_data("planted")))  # doctest: +SKIP
        []
    """
    return [*_straddling(check), *_named_twice(check), *_twins(check), *_signs(check)]


def warnings(check: DataCheck) -> list[str]:
    """A line per oddity that is no leak."""
    return [
        *_repeated_names(check),
        *_equal(check),
        *_equal_parts(check),
        *_labels(check),
        *_absent(check),
        *_shifted(check),
        *_unseen(check),
    ]


def _straddling(check: DataCheck) -> Iterator[str]:
    for overlap in check.straddling:
        groups = counted(overlap.count, "group lies", "groups lie")
        yield f"{groups} in more than one split ({_splits(overlap)}): {_examples(overlap, ' with ')}"


def _named_twice(check: DataCheck) -> Iterator[str]:
    for overlap in check.names:
        names = counted(overlap.count, "id lies", "ids lie")
        first = listed([example[0] for example in overlap.examples], overlap.count)
        yield f"{names} in more than one split ({_splits(overlap)}): {first}"


def _repeated_names(check: DataCheck) -> Iterator[str]:
    if count := sum(check.repeated_names.values()):
        samples = counted(count, "sample has", "samples have")
        yield f"{samples} the id of another one of the same split ({_per_split(check.repeated_names)})"


def _twins(check: DataCheck) -> Iterator[str]:
    for overlap in check.twins if _is_rare(check) else ():
        samples = counted(overlap.count, "sample lies", "samples lie")
        splits = f"in more than one split ({_splits(overlap)})"
        yield f"{samples} {splits} with equal features and labels: {_examples(overlap, ' = ')}"


def _equal(check: DataCheck) -> Iterator[str]:
    leaked = {(overlap.splits, overlap.count) for overlap in check.twins} if _is_rare(check) else set()
    for overlap in check.repeats[ALL].across:
        if (overlap.splits, overlap.count) not in leaked:
            samples = counted(overlap.count, "sample lies", "samples lie")
            splits = f"in more than one split ({_splits(overlap)})"
            yield f"{samples} {splits} with equal features: {_examples(overlap, ' = ')}"


def _is_rare(check: DataCheck) -> bool:
    """Whether samples of training hardly ever equal each other. If they often do, those of other splits do too."""
    return check.repeats[ALL].shared < RARE


def _signs(check: DataCheck) -> Iterator[str]:
    for task, signs in check.signs.items():
        for sign in signs:
            yield _sign(task, sign)


def _sign(task: str, sign: Sign) -> str:
    how = f"cross-validated within {sign.split}" if sign.within else "fitted on train"
    peers = "" if sign.peers is None else f"; no other modality gains more than {sign.peers:+.2f} there"
    return (
        f"{sign.modality} alone predicts {task!r} in {sign.split} with r {sign.found.correlation:.2f} ({how}). "
        f"Cross-validation within train promises only {sign.promised.correlation:.2f}, which is {sign.errors:.0f} "
        f"standard errors less{peers}. Were its features made with the labels of {sign.split}?"
    )


def _equal_parts(check: DataCheck) -> Iterator[str]:
    whole = {(overlap.splits, overlap.count) for overlap in check.repeats[ALL].across}
    for name, repeats in check.repeats.items():
        count = sum(repeats.within.values())
        if count and name == ALL:
            samples = counted(count, "sample repeats", "samples repeat")
            yield f"{samples} another of the same split ({_per_split(repeats.within)})"
        for overlap in repeats.across:
            if (overlap.splits, overlap.count) in whole:
                continue  # the same samples, reported already
            samples = counted(overlap.count, "sample", "samples")
            splits = f"in more than one split ({_splits(overlap)})"
            yield f"{name}: equal features of {samples} lie {splits}: {_examples(overlap, ' = ')}"


def _labels(check: DataCheck) -> Iterator[str]:
    for name, task in check.tasks.items():
        unseen = [f"{listed(labels)} ({split})" for split, labels in task.unseen.items() if labels]
        if unseen and task.kind != "regression":
            yield f"{name}: train lacks labels of other splits: {', '.join(unseen)}"


def _absent(check: DataCheck) -> Iterator[str]:
    for name, modality in check.modalities.items():
        for split, count in modality.absent.items():
            if count == check.splits[split]:
                yield f"{name}: absent in the whole split {split!r}"


def _shifted(check: DataCheck) -> Iterator[str]:
    for name, modality in check.modalities.items():
        for split, count in modality.far.items():
            if count:
                worst = modality.shifts[split][0]
                columns = counted(count, "column has its", "columns have their")
                yield (
                    f"{name}: {columns} mean in {split} more than {FAR:g} standard deviation from that in train; "
                    f"the worst, column {modality.title(worst.column)}, lies {worst.distance:+.1f} away"
                )


def _unseen(check: DataCheck) -> Iterator[str]:
    for task, skills in check.skills.items():
        names = [name for name, skill in skills.items() if skill.promised is None]
        if names:
            few = "train has too few samples or groups with it"
            yield f"{task}: leaks of labels cannot be detected in {listed(names)}: {few}"


def _per_split(counts: Mapping[str, int]) -> str:
    return listed([f"{split} {number:,}" for split, number in counts.items() if number])


def _splits(overlap: Overlap) -> str:
    *first, last = overlap.splits
    return f"{', '.join(first)} and {last}"


def _examples(overlap: Overlap, between: str) -> str:
    return listed([between.join(example) for example in overlap.examples], overlap.count)
