"""A tuning from beginning to end: `tune_genome`, which also keeps and records what was found."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

from haemsa.cluster.final_model.recipe import read_recipe
from haemsa.cluster.shared.given_data import check_known, check_one
from haemsa.cluster.shared.progress import Progress, lasting
from haemsa.cluster.shared.result_folder import result_folder
from haemsa.cluster.tuning.record import record
from haemsa.cluster.tuning.report import write
from haemsa.cluster.tuning.result import Tuning
from haemsa.cluster.tuning.tune import tune, tune_config
from haemsa.cluster.tuning.unfinished import FOLDER, is_of_another
from haemsa.model.data.dataset import Dataset
from haemsa.model.spec.genome import Genome


def tune_genome(
    source: str,
    data: str | None = None,
    *,
    trials: int | None = None,
    scheduler: str = "asha",
    out: Path | None = None,
    progress: Progress | None = None,
    dataset: Dataset | None = None,
    force: bool = False,
    **settings: Any,
) -> Tuning:
    """Tune how a genome is trained, with Ray Tune. Its network stays as it is.

    A tuning that was cut off goes on when it is called again: what happened to its trials is in `out` until it has
    ended.

    Args:
        source: a run directory, a genome.json, or an address in MLflow.
        data: planted, digits, or a path to data of any layout (None: the data of the search).
        trials: how many genomes are tried (None: 32, or 8 with "pbt").
        scheduler: "asha", or "pbt" for population based training.
        out: the folder for genome.json, the trials and how they were judged (None: tuned/NAME, with a number if another
            tuning is there).
        progress: shows how far it is (None: nothing is shown).
        dataset: the data, in place of `data`.
        force: replace the tuning of another genome in `out`, or one that was cut off with other settings.
        settings: settings of `haemsa config`. The others are those of the search, if `source` is a run directory.

    Returns:
        What was found. `genome` is the better of the original and the tuned genome on fresh seeds.

    Raises:
        ValueError: before any training, for what does not fit, or if another tuning is in `out`; later if no trial
            could be trained.

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
    folder = tuning_folder(read_recipe(source).members[0][0], out, Path("tuned") / config.title, force=force)
    tuning = tune(source, config, scheduler, folder, lasting(progress), dataset, force=force)
    write(tuning, folder)
    if tuning.genome is not None:  # one that was cut off goes on, and its trials would be in MLflow twice
        record(tuning, source, config, folder)
        shutil.rmtree(folder / FOLDER, ignore_errors=True)
    return tuning


def tuning_folder(original: Genome, out: Path | None, default: Path, *, force: bool = False) -> Path:
    """Where a tuning is kept: `out` or `default`, with a number if the tuning of another genome is there.

    Raises ValueError if `out` holds the tuning of another genome, and `force` is not given.
    """

    def holds_another(folder: Path) -> bool:
        try:
            found = json.loads((folder / "tuning.json").read_text(encoding="utf-8"))
            return Genome.from_dict(found["genomes"]["original"]) != original
        except FileNotFoundError:
            return (folder / "genome.json").exists() or is_of_another(folder, original)
        except (OSError, ValueError, KeyError, TypeError):
            return True

    return result_folder(out, default, holds_another, "tuning", force=force)
