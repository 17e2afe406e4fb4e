"""Tables for a terminal: metrics of models, by subsets of modalities, and next to what can be reached."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from haemsa.cluster.shared.text import figure

if TYPE_CHECKING:
    from rich.console import Group
    from rich.table import Table

Metrics = Mapping[str, Mapping[str, Any]]
"""By metric: its `mean` and `std` over networks, and the `values` of each."""


def metric_table(models: Mapping[str, Metrics]) -> Table:
    """A row per metric and a column per model: mean and standard deviation over networks.

    Args:
        models: by the name of the model, its metrics: the first result of `train_for_good`.

    Example:
        >>> table, _ = train_for_good(recipe, "planted", 5, Path("models/planted"))  # doctest: +SKIP
        >>> rich.print(metric_table(table))  # doctest: +SKIP
    """
    from rich.table import Table

    table = Table()
    table.add_column("metric")
    for name in models:
        table.add_column(name, justify="right")
    for metric in next(iter(models.values())):
        table.add_row(metric, *(_mean_and_spread(model[metric]) for model in models.values()))
    return table


def subset_table(tables: Mapping[str, Mapping[str, Metrics]], split: str) -> Group:
    """A table per task, with a row per subset of modalities and a column per metric: the mean over networks.

    Args:
        tables: by subset, what `metric_table` takes. Only the first model is shown.
        split: the split that was scored, for the title.

    Example:
        >>> evaluations = evaluate_model(model, data, "valid", missing=True)  # doctest: +SKIP
        >>> tables = {shown: evaluation.table for shown, evaluation in evaluations.items()}  # doctest: +SKIP
        >>> rich.print(subset_table(tables, "valid"))  # doctest: +SKIP
    """
    from rich.console import Group
    from rich.table import Table

    main = next(iter(next(iter(tables.values()))))
    by_task: dict[str, list[str]] = {}
    for metric in next(iter(tables.values()))[main]:
        by_task.setdefault(metric.rpartition("/")[0], []).append(metric)
    result = []
    for task, metrics in by_task.items():
        title = f"{split} split{task and f', {task}'}, by the modalities that are shown"
        table = Table(title=title, title_justify="left")
        table.add_column("modalities", no_wrap=True)
        for metric in metrics:
            table.add_column(metric.rpartition("/")[2].replace("_", " "), justify="right")
        for subset, models in tables.items():
            table.add_row(subset, *(figure(models[main][metric]["mean"], 3) for metric in metrics))
        result.append(table)
    return Group(*result)


def reference_table(data: str, models: Mapping[str, Metrics]) -> Table | None:
    """For built-in data, the first model next to what can be reached. None for other data.

    Args:
        data: planted, digits, or other data.
        models: what `metric_table` takes.

    Example:
        >>> rich.print(reference_table("planted", table))  # doctest: +SKIP
    """
    if data == "planted":
        return _planted_table(next(iter(models.values())))
    return _digits_table(next(iter(models.values()))) if data == "digits" else None


def _planted_table(metrics: Metrics) -> Table:
    """The structure of the planted data is known, and so is the least error that is possible."""
    from haemsa.model.data.builtin.planted import planted_floor

    truth = planted_floor()
    rows = {
        "this model": (metrics["sentiment/mae"]["mean"], metrics["emotion/accuracy"]["mean"]),
        "the best that is possible": (truth.mae, truth.accuracy),
        f"the best from a single modality ({truth.single})": (truth.single_mae, truth.single_accuracy),
        "the best constant": (truth.constant_mae, truth.constant_accuracy),
    }
    return _references("planted: how good a model can be", ("sentiment/mae", "emotion/accuracy"), rows)


def _digits_table(metrics: Metrics) -> Table:
    from haemsa.model.baselines.classical import tuned_logistic
    from haemsa.model.data.builtin.digits import digits
    from haemsa.model.data.normalisation import Normalisation

    data = digits()
    baseline = tuned_logistic(Normalisation.fit(data).apply(data), "digit")
    names = ("accuracy", "macro_f1")
    rows = {
        "this model": tuple(metrics[name]["mean"] for name in names),
        "logistic regression on all views": tuple(baseline[name] for name in names),
    }
    return _references("digits: next to a plain baseline on the same splits", names, rows)


def _references(title: str, metrics: Sequence[str], rows: Mapping[str, Sequence[float]]) -> Table:
    from rich.table import Table

    table = Table(title=title, title_justify="left")
    table.add_column("")
    for name in metrics:
        table.add_column(name, justify="right")
    for name, values in rows.items():
        table.add_row(name, *(figure(value) for value in values))
    return table


def _mean_and_spread(metric: Mapping[str, Any]) -> str:
    return figure(metric["mean"]) + (f" ± {figure(metric['std'])}" if len(metric["values"]) > 1 else "")
