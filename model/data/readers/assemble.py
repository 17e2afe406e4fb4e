"""The last step of every reader: what was read becomes a `Dataset`, cleaned, split and with notes on all of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from haemsa.model.data.cleaning import RawModality, clean
from haemsa.model.data.dataset import Dataset, Task
from haemsa.model.data.splitting import SHARES, counted, make_splits, numbered


def assemble(
    name: str,
    raw: Mapping[str, RawModality],
    tasks: Mapping[str, Task],
    ids: Sequence[str],
    *,
    groups: Sequence[str] | None = None,
    splits: Mapping[str, NDArray[np.int64]] | None = None,
    sizes: Mapping[str, float] = SHARES,
    seed: int = 0,
    notes: Sequence[str] = (),
) -> Dataset:
    """A data set of N samples. `groups`: N names, equal for samples that belong together; None: each for itself.

    Without `splits`, whole groups are divided by `make_splits` with these `sizes` and `seed`. Raises ValueError, one
    sentence, where nothing usable remains.
    """
    found = list(notes)
    members = np.arange(len(ids), dtype=np.int64) if groups is None else numbered(groups)
    if splits is None:
        splits = make_splits(members, sizes, seed)
        found.append(f"no splits were given; made of whole groups with seed {seed}: {counted(splits)}")
    if len(straddling := straddlers(members, splits)):
        found.append(f"{len(straddling)} groups (videos) lie in more than one split: scores may flatter")
    modalities, cleaned = clean(raw, splits["train"])
    return Dataset(name, modalities, dict(tasks), dict(splits), tuple(ids), members, (*found, *cleaned))


def labelled_everywhere(
    tasks: Mapping[str, Task], splits: Mapping[str, NDArray[np.int64]], notes: list[str]
) -> dict[str, Task]:
    """The tasks that have a label in each split, `notes` on the others; all of them where there is none."""
    lacking = {
        name: [split for split, indices in splits.items() if not task.labelled[indices].any()]
        for name, task in tasks.items()
    }
    if all(lacking.values()):
        return dict(tasks)  # which is an error that names the first
    notes += [f"{name}: no label in {', '.join(where)}; left out" for name, where in lacking.items() if where]
    return {name: task for name, task in tasks.items() if not lacking[name]}


def straddlers(groups: NDArray[np.int64], splits: Mapping[str, NDArray[np.int64]]) -> NDArray[np.int64]:
    """The groups that lie in more than one split."""
    seen = np.concatenate([np.unique(groups[indices]) for indices in splits.values()])
    names, counts = np.unique(seen, return_counts=True)
    return np.asarray(names[counts > 1])
