"""What is trained for good: a genome or an ensemble, and how the search that found it trained."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from haemsa.cluster.config import Compute
from haemsa.cluster.run_directory.manifest import validation_of
from haemsa.cluster.run_directory.ranking import best_genome
from haemsa.cluster.run_directory.run_directory import RunDirectory
from haemsa.cluster.tracking.genome_sources import genome_in
from haemsa.model.data.dataset import Dataset
from haemsa.model.data.folds import Folds, final, holdout
from haemsa.model.seeds import SeedPurpose, derived_seed
from haemsa.model.spec.genome import Genome


@dataclass(frozen=True)
class Recipe:
    """Genomes to train for good, and how the search that found them trained.

    members: each genome with how often it counts. ensemble: whether they are an ensemble. validation: how the search
    scored ("holdout", "folds:K" or "groups"). batch_size, seed, stream, tasks: settings of the search. origin: where
    the genomes were read. fingerprint: of the data that the search used. whole: train on the validation split too, even
    if the search held it out. name, search, tracking: the name, the id and the setting of the search; empty or None if
    no search is known. data: the name or path of its data. None if no search is known, or if the data was given from
    Python. compute: where the search trained. None if no search is known. finetune: the stream whose text encoder is
    trained together with the networks. Empty: none is.
    """

    members: tuple[tuple[Genome, int], ...]
    ensemble: bool = False
    validation: str = "holdout"
    batch_size: int | Literal["auto"] = "auto"
    seed: int = 0
    origin: str = ""
    fingerprint: str | None = None
    stream: bool | None = None
    tasks: tuple[str, ...] = ()
    whole: bool = False
    name: str = ""
    search: str = ""
    tracking: str | None = None
    data: str | None = None
    compute: Compute | None = None
    finetune: str = ""


def read_recipe(
    source: str | Path,
    *,
    ensemble: bool = False,
    whole: bool = False,
    finetune: str = "",
    tracking: str | None = None,
) -> Recipe:
    """Read what is trained for good: the best genome of a search, or any other genome.

    Args:
        source: a run directory, a genome.json, or an address in MLflow (runs:/... or models:/...).
        ensemble: read the best ensemble of the run directory, not its best genome.
        whole: train on the validation split too, in any case.
        finetune: the stream whose text encoder is trained together with the networks ("": none is).
        tracking: MLflow's store for an address there (None: MLFLOW_TRACKING_URI or sqlite:///mlflow.db).

    Raises:
        ValueError: the source holds no genome, or no ensemble.

    Example:
        >>> recipe = read_recipe("runs/planted", ensemble=True)  # doctest: +SKIP
    """
    path, source = Path(source), str(source)
    if ensemble and not path.is_dir():
        raise ValueError(f"source {source} has no ensemble, expected a run directory")
    if source.startswith(("runs:/", "models:/")):
        from haemsa.cluster.tracking.fetch import fetch_genome

        genome = Genome.from_json(fetch_genome(source, None if tracking == "off" else tracking))
        registered = re.match(r"models:/haemsa-([^/@]+)", source)
        name = registered[1] if registered else ""
        return Recipe(((genome, 1),), origin=source, whole=whole, name=name, finetune=finetune)
    if path.is_dir():
        with RunDirectory.open(path, read_only=True) as run:
            config = run.config()
            members = _ensemble(run) if ensemble else ((best_genome(run), 1),)
            facts = run.manifest()
            validation, found_on = validation_of(facts), facts.get("fingerprint")
            settings = config.batch_size, config.seed, source, found_on, config.stream, tuple(config.tasks)
            name = config.title
            search = {"name": name, "search": facts.get("id", ""), "tracking": config.tracking, "data": config.data}
            found = Recipe(members, ensemble, validation, *settings, **search)
            return replace(found, whole=whole, finetune=finetune, compute=config.compute)
    genome = genome_in(path, "a run directory, a genome.json, runs:/... or models:/...")
    return Recipe(((genome, 1),), origin=source, whole=whole, finetune=finetune)


def _ensemble(run: RunDirectory) -> tuple[tuple[Genome, int], ...]:
    path = run.ensemble / "members.json"
    try:
        members = json.loads(path.read_text(encoding="utf-8"))
        return tuple((Genome.from_dict(member["genome"]), int(member["count"])) for member in members)
    except FileNotFoundError:
        raise ValueError(f"run directory {run.path} has no ensemble: its search confirmed no front") from None
    except (ValueError, KeyError, TypeError) as error:
        raise ValueError(f"{path} is damaged: {error!r}") from None


def protocol(validation: str, pool: Dataset, *, whole: bool = False) -> tuple[Folds, str]:
    """The folds of final training, and one line that describes them.

    Args:
        validation: how the search scored.
        pool: the training and validation samples.
        whole: train on all of them, even if the search held the validation split out.
    """
    if validation.startswith("holdout") and not whole:
        return holdout(pool), "trained on the training split, as the search did (holdout)"
    why = "as was asked" if validation.startswith("holdout") else f"as the search scored by {validation}"
    return final(pool), f"trained on the training and validation splits together, {why}"


def final_seed(seed: int, replicate: int) -> int:
    """A seed of final training. No candidate of a search has the same."""
    return derived_seed(seed, SeedPurpose.FINAL_TRAINING, replicate)
