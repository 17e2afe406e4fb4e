"""Tables for a terminal: metrics of models, of subsets of modalities, and of data."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rich.table import Table

Figures = Mapping[str, Mapping[str, Mapping[str, Any]]]


def metric_table(models: Figures) -> Table:
    """A row per metric, a column per model: mean and standard deviation."""
    from rich.table import Table

    table = Table()
    table.add_column("metric")
    for name in models:
        table.add_column(name, justify="right")
    for metric in next(iter(models.values())):
        table.add_row(metric, *(_figure(model[metric]) for model in models.values()))
    return table


def subset_table(tables: Mapping[str, Figures], split: str) -> Table:
    """A row per subset of modalities, a column per metric: the mean over networks."""
    from rich.table import Table

    main = next(iter(next(iter(tables.values()))))
    metrics = list(next(iter(tables.values()))[main])
    table = Table(title=f"{split} split, by the modalities that are shown", title_justify="left")
    table.add_column("modalities", no_wrap=True)
    for metric in metrics:
        table.add_column(metric.replace("_", " "), justify="right")
    for subset, models in tables.items():
        table.add_row(subset, *(f"{models[main][metric]['mean']:.3f}" for metric in metrics))
    return table


def reference_table(data: str, models: Figures) -> Table | None:
    """For the built-in data, what the figures are to be measured by, beside them; None for other data."""
    if data == "planted":
        return _planted_table(next(iter(models.values())))
    return _digits_table(next(iter(models.values()))) if data == "digits" else None


def _planted_table(found: Mapping[str, Mapping[str, Any]]) -> Table:
    """The structure of the planted data is known, and so is what can be reached."""
    from haemsa.model.data.builtin.planted import planted_floor

    truth = planted_floor()
    rows = {
        "this model": (found["sentiment/mae"]["mean"], found["emotion/accuracy"]["mean"]),
        "floor: nothing can do better": (truth.mae, truth.accuracy),
        f"the best from a single modality ({truth.single})": (truth.single_mae, truth.single_accuracy),
        "the best constant": (truth.constant_mae, truth.constant_accuracy),
    }
    return _references("planted: what is known of it", ("sentiment/mae", "emotion/accuracy"), rows)


def _digits_table(found: Mapping[str, Mapping[str, Any]]) -> Table:
    from haemsa.model.baselines.classical import tuned_logistic
    from haemsa.model.data.builtin.digits import digits
    from haemsa.model.data.normalisation import Normalisation

    data = digits()
    baseline = tuned_logistic(Normalisation.fit(data).apply(data), "digit")
    metrics = ("accuracy", "macro_f1")
    rows = {
        "this model": tuple(found[name]["mean"] for name in metrics),
        "logistic regression on all views": tuple(baseline[name] for name in metrics),
    }
    return _references("digits: beside a plain baseline on the same splits", metrics, rows)


def _references(title: str, metrics: Sequence[str], rows: Mapping[str, Sequence[float]]) -> Table:
    from rich.table import Table

    table = Table(title=title, title_justify="left")
    table.add_column("")
    for name in metrics:
        table.add_column(name, justify="right")
    for name, figures in rows.items():
        table.add_row(name, *(f"{figure:.4f}" for figure in figures))
    return table


def _figure(cell: Mapping[str, Any]) -> str:
    return f"{cell['mean']:.4f}" + (f" ± {cell['std']:.4f}" if len(cell["values"]) > 1 else "")
