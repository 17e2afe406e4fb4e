"""Is data fit for a search? Sizes, ranges, labels, shifts, and most of all leaks between splits.

A check is about data, not about models. It reads the labels of all splits, also of the test split. It writes nothing
that a search reads.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from haemsa.cluster.data_check.columns import ModalityCheck, modality_check
from haemsa.cluster.data_check.labels import TaskCheck, task_check
from haemsa.cluster.data_check.leaks import Part, Sign, Skill, signs, skill_of
from haemsa.cluster.data_check.overlap import Overlap, Repeats, numbered_rows, overlaps, repeated, repeats
from haemsa.cluster.data_check.scan import Scan, scan
from haemsa.cluster.data_check.worth import Worth, streams_of, worth_of
from haemsa.cluster.shared.text import printable
from haemsa.model.baselines.threads import on_one_thread
from haemsa.model.data.dataset import Dataset, Task
from haemsa.model.data.splitting import numbered

ALL: Final = "all modalities"
_PROBED: Final = {"train": 3000, "valid": 1000, "test": 1000}
"""Linear probes read so many samples. Of wide modalities they read fewer, down to a tenth ..."""
_PROBED_CELLS: Final = 2**25
"""... so that the samples, averaged over time, take 128 MiB at most."""
Indices = NDArray[np.int64]


@dataclass(frozen=True)
class DataCheck:
    """All that was found, in plain values. Names from the data are made printable.

    straddling: groups in more than one split.
    names: ids in more than one split. repeated_names: per split, how many samples have the id of another one of it.
    repeats: equal samples, per modality and over all modalities.
    twins: samples of several splits with equal features and equal labels.
    skills: per task and modality, how well that modality alone predicts the task.
    signs: per task, where a modality predicts far better than training promises. This is the sign of a leak.
    worth: per task, what each modality adds to the best one. None: there are too few labels or groups to say.
    worth_seconds: how long that took to find out.
    notes: what the reader found.
    """

    name: str
    fingerprint: str
    groups: int
    splits: dict[str, int]
    modalities: dict[str, ModalityCheck]
    tasks: dict[str, TaskCheck]
    straddling: tuple[Overlap, ...]
    names: tuple[Overlap, ...]
    repeated_names: dict[str, int]
    repeats: dict[str, Repeats]
    twins: tuple[Overlap, ...]
    skills: dict[str, dict[str, Skill]]
    signs: dict[str, tuple[Sign, ...]]
    worth: dict[str, Worth | None]
    worth_seconds: float
    notes: tuple[str, ...]

    @property
    def samples(self) -> int:
        """Samples of all splits."""
        return sum(self.splits.values())


def check(dataset: Dataset) -> DataCheck:
    """Check data for leaks between splits, shifts, and odd features and labels.

    Args:
        dataset: the data, as `load` gives it. Its features are read once, in blocks.

    Returns:
        All that was found. `leaks` makes sentences of what is wrong.

    Raises:
        ValueError: there is no training split.

    Example:
        >>> from haemsa.model.data.builtin.planted import planted
        >>> check(planted(sizes=(120, 40, 40))).samples
        200
    """
    dataset.split("train")
    chosen = _chosen(dataset)
    every = np.sort(np.concatenate(list(chosen.values())))
    scans = {name: scan(modality, dataset.splits, every) for name, modality in dataset.modalities.items()}
    with on_one_thread("sklearn.linear_model"):
        skills = {name: _skills(dataset, task, scans, chosen, every) for name, task in dataset.tasks.items()}
    worth, seconds = _worth(dataset, scans, chosen, every)
    used, names = np.concatenate(list(dataset.splits.values())), numbered(dataset.ids)
    return DataCheck(
        name=printable(dataset.name),
        fingerprint=dataset.fingerprint,
        groups=len(np.unique(dataset.groups[used])),
        splits={split: len(indices) for split, indices in dataset.splits.items()},
        modalities={
            name: modality_check(modality, scans[name], dataset.splits) for name, modality in dataset.modalities.items()
        },
        tasks={name: task_check(task, dataset.splits) for name, task in dataset.tasks.items()},
        straddling=overlaps(dataset.groups, dataset.splits, dataset.ids),
        names=overlaps(names, dataset.splits, dataset.ids),
        repeated_names=repeated(names, dataset.splits),
        repeats=_repeats(dataset, scans),
        twins=_twins(dataset, scans),
        skills=skills,
        signs={name: tuple(signs(of_task)) for name, of_task in skills.items()},
        worth=worth,
        worth_seconds=seconds,
        notes=tuple(printable(note, 400) for note in dataset.notes),
    )


def _chosen(dataset: Dataset) -> dict[str, Indices]:
    """Per split, the samples that are probed: a random part of those that have a label."""
    width = max(modality.width for modality in dataset.modalities.values())
    share = min(1.0, max(0.1, _PROBED_CELLS / width / sum(_PROBED.values())))
    labelled = np.any([task.labelled for task in dataset.tasks.values()], axis=0)
    rng, chosen = np.random.default_rng(0), {}
    for split, indices in dataset.splits.items():
        candidates = indices[labelled[indices]]
        chosen[split] = rng.permutation(candidates)[: int(share * _PROBED[split])]
    return chosen


def _skills(
    dataset: Dataset, task: Task, scans: Mapping[str, Scan], chosen: Mapping[str, Indices], every: Indices
) -> dict[str, Skill]:
    """How well each modality alone predicts the task, on chosen samples that have it and all labels of the task."""
    skills = {}
    for name, modality in dataset.modalities.items():
        parts = {}
        for split, indices in chosen.items():
            targets = _targets(task, indices)
            known = modality.presence[indices] & ~np.isnan(targets).any(axis=1)
            usable = indices[known]
            features = scans[name].means[np.searchsorted(every, usable)]
            parts[split] = Part(features, targets[known], dataset.groups[usable])
        skills[name] = skill_of(parts)
    return skills


def _worth(
    dataset: Dataset, scans: Mapping[str, Scan], chosen: Mapping[str, Indices], every: Indices
) -> tuple[dict[str, Worth | None], float]:
    """What each modality is worth on the chosen samples of training and validation, and how long this took."""
    started = time.perf_counter()
    pool = np.concatenate([indices for split, indices in chosen.items() if split != "test"])
    place = np.searchsorted(every, pool)
    means = {name: scanned.means[place] for name, scanned in scans.items()}
    features = streams_of(means, {name: modality.presence[pool] for name, modality in dataset.modalities.items()})
    groups = dataset.groups[pool]
    worth = {name: worth_of(features, task.take(pool), groups) for name, task in dataset.tasks.items()}
    return worth, time.perf_counter() - started


def _targets(task: Task, indices: Indices) -> NDArray[np.float64]:
    """Targets [B, C]; classes as indicators; NaN where a label is missing."""
    labels = task.targets[indices]
    if task.kind != "classes":
        return np.asarray(labels.reshape(len(labels), -1), dtype=np.float64)
    indicators = np.eye(len(task.labels))[labels]
    indicators[labels < 0] = np.nan
    return np.asarray(indicators)


def _repeats(dataset: Dataset, scans: Mapping[str, Scan]) -> dict[str, Repeats]:
    """Over all modalities; if there are several, also for each one that is not constant."""
    digests = {name: scanned.digests for name, scanned in scans.items()}
    compared = {ALL: np.stack(list(digests.values()), axis=1)}
    if len(digests) > 1:
        varied = {name: column for name, column in digests.items() if len(np.unique(column[column > 0])) > 1}
        compared |= {name: column[:, None] for name, column in varied.items()}
    return {name: repeats(columns, dataset.splits, dataset.ids) for name, columns in compared.items()}


def _twins(dataset: Dataset, scans: Mapping[str, Scan]) -> tuple[Overlap, ...]:
    """Samples of several splits with equal features in all modalities, and equal labels of all tasks."""
    digests = np.stack([scanned.digests for scanned in scans.values()], axis=1)
    labels = [np.nan_to_num(task.targets.reshape(len(dataset), -1), nan=np.inf) for task in dataset.tasks.values()]
    contents = numbered_rows(np.column_stack([numbered_rows(part) for part in (digests, *labels)]))
    present = {split: indices[digests[indices].any(axis=1)] for split, indices in dataset.splits.items()}
    return overlaps(contents, present, dataset.ids)
