"""The models that `haemsa train` made of a search, and whether they are of its best network of now.

A search that goes on may find a better network after a model was trained.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import chain, count
from pathlib import Path
from typing import Any, Final

from haemsa.model.spec.genome import Genome

MODELS: Final = Path("models")


@dataclass(frozen=True)
class TrainedModel:
    """A model of a search. facts: its metrics.json. of_best: whether it is of the best network or ensemble of now."""

    folder: Path
    facts: Mapping[str, Any]
    of_best: bool

    @property
    def scored(self) -> bool:
        """Whether it was scored on a split."""
        return bool(self.facts["models"].get("model"))


def trained_models(
    run: Path, fingerprint: str | None, best: Genome | None, folder: Path | None = None
) -> list[TrainedModel]:
    """The models of a search that are in the folder `models`.

    Args:
        run: the run directory of the search.
        fingerprint: that of its data.
        best: its best network of now.
        folder: the only model to look at. None: all.

    Returns:
        Those of the best network or ensemble of now first, and among them the latest.
    """
    folders = [folder] if folder else sorted(MODELS.iterdir()) if MODELS.is_dir() else []
    ensemble = _genomes(_json(run / "ensemble" / "members.json"), "genome")
    wanted = {genomes for genomes in (frozenset([best] if best else []), ensemble) if genomes}
    found = []
    for place in folders:
        facts = _json(place / "metrics.json")
        if _is_of(facts, run, fingerprint):
            genomes = _genomes(_json(place / "model.json"), "genomes")
            found.append(TrainedModel(place, facts, genomes in wanted))
    return sorted(found, key=lambda model: (not model.of_best, -float(model.facts.get("began", 0.0))))


def free_folder(name: str) -> Path:
    """The first of models/NAME, models/NAME-2 ... that holds no model."""
    folders = (MODELS / each for each in chain([name], (f"{name}-{number}" for number in count(2))))
    return next(folder for folder in folders if not (folder / "model.json").exists())


def _is_of(facts: Any, run: Path, fingerprint: str | None) -> bool:
    """Whether a model with these facts was trained from this search, on its data."""
    if not isinstance(facts, dict) or not isinstance(facts.get("models"), dict):
        return False
    return Path(str(facts.get("origin"))).resolve() == run.resolve() and facts.get("fingerprint") == fingerprint


def _genomes(values: Any, key: str) -> frozenset[Genome]:
    """The distinct genomes under a key of a mapping, or of each mapping of a list. Empty if they are not known."""
    try:
        genomes = [value[key] for value in values] if isinstance(values, list) else values[key]
        return frozenset(map(Genome.from_dict, genomes))
    except (TypeError, ValueError, KeyError):
        return frozenset()


def _json(path: Path) -> Any:
    """What a file holds. None if there is none, or if it is damaged."""
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
