"""The real thing, small: planted data of 200 samples, and a space of networks that train in a blink."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

from haemsa.cluster.config import SearchConfig
from haemsa.cluster.search.problem import Problem, worker_data
from haemsa.cluster.workers.cohort_trainer import WorkerData
from haemsa.model.data.builtin.planted import planted
from haemsa.model.data.dataset import Dataset
from haemsa.model.data.store.file import write

SPACE = {"epochs": [1, 2], "widths": [8, 16], "expert_widths": [8], "max_levels": 1, "max_experts": 2, "max_depth": 1}


@cache
def data() -> Dataset:
    """Planted data: 120 samples to train with, 40 to choose with and 40 to test with."""
    return planted(sizes=(120, 40, 40))


def stored(folder: Path, name: str = "tiny", dataset: Dataset | None = None) -> Path:
    """`dataset` (default: `data()`) as a store in `folder`."""
    path = folder / f"{name}.h5"
    write(dataset or data(), path)
    return path


def settings(**given: Any) -> SearchConfig:
    """Settings of a small search in this process that nobody follows; options that are None go."""
    values = {"data": "planted", "backend": "inline", "tracking": "off", "space": SPACE, "evaluations": 12, **given}
    return SearchConfig.of(
        {"population": 6, "cohort": 6, "validation": "holdout", "rungs": False, "confirm": 0, **values}
    )


def problem(dataset: Dataset | None = None, **given: Any) -> tuple[Problem, WorkerData]:
    """A problem on `dataset` (default: `data()`), and what its workers get."""
    config = settings(**given)
    found = Problem.of(config, dataset or data())
    return found, worker_data(config, found)
