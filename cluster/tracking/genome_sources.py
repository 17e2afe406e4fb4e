"""Genomes from wherever they are kept: a run directory, a genome.json, a saved model, or MLflow."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

from haemsa.cluster.run_directory.ranking import directions, front_of, full_rung, scored_rows
from haemsa.cluster.run_directory.run_directory import RunDirectory
from haemsa.cluster.tracking.fetch import fetch_folder
from haemsa.model.predictor.model_files import read_model
from haemsa.model.spec.genome import Genome

EXPECTED: Final = "a run directory, a genome.json, a saved model, runs:/... or models:/..."


def genomes_at(source: str, tracking: str | None = None) -> list[Genome]:
    """The different genomes of a source, the best first.

    Args:
        source: a run directory (its front: confirmed genomes first), a genome.json, the folder of a saved model, or an
            address in MLflow (runs:/... or models:/...).
        tracking: MLflow's store for an address there (None: MLFLOW_TRACKING_URI or sqlite:///mlflow.db).

    Raises:
        ValueError: the source does not exist, or holds no genome.
    """
    if source.startswith(("runs:/", "models:/")):
        genomes = _in_folder(fetch_folder(source, tracking), "**/", source)
    elif (Path(source) / "journal.sqlite").is_file():
        genomes = _front(Path(source))
    elif Path(source).is_dir():
        genomes = _in_folder(Path(source), "", source)
    else:
        genomes = [genome_in(Path(source))]
    return list({genome.key: genome for genome in genomes}.values())


def genome_in(path: Path, expected: str = EXPECTED) -> Genome:
    """The genome in a file. Raises ValueError if there is no file (in place of what is expected), or no genome."""
    try:
        return Genome.from_json(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise ValueError(f"source {path} does not exist, expected {expected}") from None
    except (UnicodeDecodeError, ValueError, OSError) as error:
        raise ValueError(f"source {path} holds no genome: {error}") from None


def _front(path: Path) -> list[Genome]:
    """The front of a search: by confirmed scores if there are any, then by the search's own."""
    with RunDirectory.open(path, read_only=True) as run:
        rows, full, manifest = list(run.journal.rows()), full_rung(run), run.manifest()
    scored = scored_rows(rows, full)
    if not scored:
        raise ValueError(f"run directory {path} has no candidate with scores yet, expected at least one")
    objectives = directions(scored, manifest)
    confirmed = [row for row in rows if row.confirmed is not None]
    searched = [replace(row, confirmed=None) for row in scored]
    fronts = [*(front_of(confirmed, objectives) if confirmed else []), *front_of(searched, objectives)]
    try:
        return [row.genome for row in fronts]
    except ValueError as error:  # a search of one's own space
        raise ValueError(f"run directory {path} holds no genomes of networks: {error}") from None


def _in_folder(folder: Path, below: str, source: str) -> list[Genome]:
    """The genomes of a saved model, or of what a search sent to MLflow. `below`: the pattern of their folders."""
    for name, read in _READERS.items():
        for path in sorted(folder.glob(below + name)):
            try:
                genomes = list(read(path))
            except (KeyError, TypeError, ValueError) as error:
                raise ValueError(f"source {source} holds no genome: {name} is damaged: {error}") from None
            if genomes:
                return genomes
    raise ValueError(f"source {source} holds no genome, expected {EXPECTED}")


def _of_summary(path: Path) -> Iterable[Genome]:
    summary: Mapping[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return [Genome.from_dict(item["genome"]) for item in summary["front"]]


def _of_model(path: Path) -> Iterable[Genome]:
    description, _ = read_model(path.parent)
    return [Genome.from_dict(genome) for genome in description["genomes"]]


def _of_front(path: Path) -> Iterable[Genome]:
    with path.open(encoding="utf-8", newline="") as file:
        return [Genome.from_json(row["genome"]) for row in csv.DictReader(file)]


_READERS: Final[Mapping[str, Callable[[Path], Iterable[Genome]]]] = {
    "summary.json": _of_summary,
    "model.json": _of_model,
    "front.csv": _of_front,
    "best_genome.json": lambda path: [genome_in(path)],
    "genome.json": lambda path: [genome_in(path)],
}
"""By name of a file, what reads its genomes. The first that is there is read."""
