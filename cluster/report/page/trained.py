"""The model that was trained for good from a search: its figures on the test split, beside those of plain models."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from haemsa.cluster.report.figures.front import in_words
from haemsa.cluster.report.html import macros
from haemsa.cluster.report.page.parts import Parts
from haemsa.cluster.report.page.tables import Table
from haemsa.cluster.report.record import SearchRecord
from haemsa.cluster.report.trained_models import TrainedModel, trained_models
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
        model: the folder of the model. None: one in the folder `models`, if possible of the best network of now.

    Raises:
        ValueError: a folder is given, and it holds no model of this search.
    """
    write = macros("haemsa.cluster.report", "fragments.html")
    best = record.best.genome if record.best else None
    models = trained_models(record.path, record.manifest.get("fingerprint"), best, model)
    scored = next((found for found in models if found.scored), None)
    if scored is None:
        if model is not None:
            raise ValueError(f"folder {model} holds no scores of a model of this search, expected that of haemsa train")
        return Parts({"trained": write.nothing(), "tested": write.nothing()})
    told = _told(scored, record)
    return Parts({"trained": write.trained(told), "tested": write.tested(told)})


def _told(model: TrainedModel, record: SearchRecord) -> _Trained:
    facts, models = model.facts, model.facts["models"]
    main = next((name for name in record.objectives if name in models["model"]), str(facts["objective"]))
    beside = [f"{_NAMES[name]} {figure(models[name][main]['mean'])}" for name in list(_NAMES)[2:] if name in models]
    reached = f"{in_words(main)} {_with_interval(models['model'][main])}"
    older = "" if model.of_best else ", which is of another network than the best one of now,"
    line = f"The trained model {model.folder}{older} reaches {reached} on the {facts['split']} split"
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
