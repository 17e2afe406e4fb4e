"""The model that was trained for good from a search: its figures on the test split, beside those of plain models."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from haemsa.cluster.report.figures.front import in_words
from haemsa.cluster.report.html import macros
from haemsa.cluster.report.page.parts import Parts
from haemsa.cluster.report.page.tables import Table
from haemsa.cluster.report.record import SearchRecord
from haemsa.cluster.shared.text import figure

_NAMES: Final = {
    "model": "the model",
    "each seed": "each seed",
    "linear model": "a linear model",
    "constant": "a constant",
}


@dataclass(frozen=True)
class _Trained:
    """The headline, the split that was scored, and the table of all metrics."""

    line: str
    split: str
    table: Table


def trained_part(record: SearchRecord, model: Path | None = None) -> Parts:
    """The figures of a trained model. None are shown if there is no such model, or if it is of another search.

    Args:
        record: the search.
        model: the folder of the model. None: models/NAME.

    Raises:
        ValueError: a folder is given, and it holds no model of this search.
    """
    write = macros("haemsa.cluster.report", "fragments.html")
    folder = model or Path("models") / record.config.title
    facts = _figures(folder)
    if facts is None or not _is_of(facts, record):
        if model is not None:
            raise ValueError(f"folder {model} holds no scores of a model of this search, expected that of haemsa train")
        return Parts({"trained": write.nothing(), "tested": write.nothing()})
    found = _told(facts, folder, record)
    return Parts({"trained": write.trained(found), "tested": write.tested(found)})


def _figures(folder: Path) -> Mapping[str, Any] | None:
    """What haemsa train wrote of its scores. None if it is not there, or has no scores."""
    try:
        facts = json.loads((folder / "metrics.json").read_text(encoding="utf-8"))
        return facts if isinstance(facts, dict) and facts.get("models", {}).get("model") else None
    except (OSError, ValueError, AttributeError):
        return None


def _is_of(facts: Mapping[str, Any], record: SearchRecord) -> bool:
    """Whether a model was trained from this search, on its data."""
    same = Path(str(facts.get("origin"))).resolve() == record.path.resolve()
    return same and facts.get("fingerprint") == record.manifest.get("fingerprint")


def _told(facts: Mapping[str, Any], folder: Path, record: SearchRecord) -> _Trained:
    models = facts["models"]
    main = next((name for name in record.objectives if name in models["model"]), str(facts["objective"]))
    beside = [f"{_NAMES[name]} {figure(models[name][main]['mean'])}" for name in list(_NAMES)[2:] if name in models]
    reached = f"{in_words(main)} {_with_interval(models['model'][main])}"
    line = f"The trained model {folder} reaches {reached} on the {facts['split']} split"
    rows = []
    for metric, score in models["model"].items():
        others = [figure(models[name][metric]["mean"]) if name in models else "-" for name in list(_NAMES)[1:]]
        rows.append([metric, figure(score["mean"]), _interval(score) or "-", *others])
    columns = ["metric", "the model", "95 % interval", *list(_NAMES.values())[1:]]
    protocol = str(facts.get("protocol", ""))
    note = f"The model was {protocol}. " if protocol else ""
    table = Table(columns, rows, f"{note}Intervals are over the samples (bootstrap by group).")
    return _Trained(f"{line}{'; ' + ', '.join(beside) if beside else ''}.", facts["split"], table)


def _with_interval(score: Mapping[str, Any]) -> str:
    interval = _interval(score)
    return figure(score["mean"]) + (f" (95 % interval {interval})" if interval else "")


def _interval(score: Mapping[str, Any]) -> str:
    low, high = score.get("interval") or (None, None)
    return f"{figure(low)} to {figure(high)}" if low is not None and high is not None else ""
