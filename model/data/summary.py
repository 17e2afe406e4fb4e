"""A data set in a few words and numbers: for a person (`describe`), and for a record (`provenance`)."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from haemsa.model.data.dataset import Dataset
from haemsa.model.data.task import Task


def provenance(dataset: Dataset, source: str) -> dict[str, Any]:
    """What MLflow records of the data that a search or a model used, as plain JSON values.

    Args:
        dataset: The data.
        source: The name or path that it was read from.
    """
    path = Path(source)
    return {
        "name": dataset.name,
        "fingerprint": dataset.fingerprint,
        "source": str(path.resolve()) if path.exists() else source,
        "modalities": {name: [item.steps, item.width] for name, item in dataset.modalities.items()},
        "tasks": {name: _kind(task) for name, task in dataset.tasks.items()},
        "splits": {split: len(indices) for split, indices in dataset.splits.items()},
        **({"encoders": _encoders(dataset)} if dataset.encoders else {}),
    }


def _encoders(dataset: Dataset) -> dict[str, dict[str, Any]]:
    return {name: dict(dataset.encoders[name]) for name in dataset.modalities if name in dataset.encoders}


def _kind(task: Task) -> str:
    if task.kind == "regression":
        return "regression" + (" in [{:g}, {:g}]".format(*task.bounds) if task.bounds else "")
    return f"{task.kind}: {', '.join(task.labels)}"


def describe(dataset: Dataset) -> dict[str, Any]:
    """What `haemsa data info` tells about a data set.

    Args:
        dataset: the data, as `load` gives it.

    Returns:
        Plain JSON values: `name`, `fingerprint`, the numbers of `samples` and `groups`, the size of each of `splits`,
        the shape and presence of each of `modalities`, the kind and labels of each of `tasks`, what made
        the modalities of `encoders`, and the reader's `notes`.

    Example:
        >>> from haemsa.model.data.builtin.planted import planted
        >>> facts = describe(planted(sizes=(20, 10, 10)))
        >>> facts["samples"], facts["splits"]
        (40, {'train': 20, 'valid': 10, 'test': 10})
        >>> facts["modalities"]["text"]["steps"], facts["tasks"]["sentiment"]["kind"]
        (20, 'regression')
    """
    return {
        "name": dataset.name,
        "fingerprint": dataset.fingerprint,
        "samples": len(dataset),
        "groups": len(np.unique(dataset.groups)),
        "splits": {name: len(indices) for name, indices in dataset.splits.items()},
        "modalities": {
            name: {
                "steps": item.steps,
                "features": item.width,
                "mean_length": float(item.lengths[item.presence].mean()) if item.presence.any() else 0.0,
                "absent": int((~item.presence).sum()),
            }
            for name, item in dataset.modalities.items()
        },
        "tasks": {
            name: {
                "kind": task.kind,
                "labels": list(task.labels),
                "bounds": task.bounds,
                "unlabelled": int((~task.labelled).sum()),
                "distribution": _distribution(task),
            }
            for name, task in dataset.tasks.items()
        },
        "encoders": _encoders(dataset),
        "notes": list(dataset.notes),
    }


def _distribution(task: Task) -> str:
    values = task.targets[task.labelled]
    if task.kind == "regression":
        exact = values.astype(np.float64)
        return f"mean {exact.mean():.4g}, sd {exact.std():.4g}, {exact.min():.4g} to {exact.max():.4g}"
    counts = np.bincount(values, minlength=len(task.labels)) if task.kind == "classes" else np.nansum(values, 0)
    return ", ".join(f"{label} {int(count)}" for label, count in zip(task.labels, counts, strict=True))
