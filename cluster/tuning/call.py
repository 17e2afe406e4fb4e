"""A tuning from beginning to end: `tune_genome`, which also keeps and records what was found."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from haemsa.cluster.shared.given_data import check_known, check_one
from haemsa.cluster.shared.progress import Progress, lasting
from haemsa.cluster.tuning.record import record
from haemsa.cluster.tuning.report import write
from haemsa.cluster.tuning.result import Tuning
from haemsa.cluster.tuning.tune import tune, tune_config
from haemsa.model.data.dataset import Dataset


def tune_genome(
    source: str,
    data: str | None = None,
    *,
    trials: int | None = None,
    scheduler: str = "asha",
    out: Path | None = None,
    progress: Progress | None = None,
    dataset: Dataset | None = None,
    **settings: Any,
) -> Tuning:
    """Tune how a genome is trained, with Ray Tune. Its network stays as it is.

    Args:
        source: a run directory, a genome.json, or an address in MLflow.
        data: planted, digits, or a path to data of any layout (None: the data of the search).
        trials: how many genomes are tried (None: 32, or 8 with "pbt").
        scheduler: "asha", or "pbt" for population based training.
        out: the folder for genome.json, the trials and how they were judged (None: tuned/NAME).
        progress: shows how far it is (None: nothing is shown).
        dataset: the data, in place of `data`.
        settings: settings of `haemsa config`. The others are those of the search, if `source` is a run directory.

    Returns:
        What was found. `genome` is the better of the original and the tuned genome on fresh seeds.

    Raises:
        ValueError: before any training, for what does not fit; later if no trial could be trained.

    Example:
        >>> tuned = tune_genome("runs/planted", "planted", trials=32, workers=2)  # doctest: +SKIP
        >>> tuned.genome.training  # doctest: +SKIP
    """
    check_one(data, dataset)
    own = {name: value for name, value in {"data": data, "evaluations": trials}.items() if value is not None}
    config = tune_config(source, scheduler, own | settings)
    if dataset is None:
        check_known(config.data, f"the search in {source}")
    else:
        config = config.model_copy(update={"data": None, "name": config.name or dataset.name})
    folder = out or Path("tuned") / config.title
    tuning = tune(source, config, scheduler, folder, lasting(progress), dataset)
    write(tuning, folder)
    record(tuning, source, config, folder)
    return tuning
