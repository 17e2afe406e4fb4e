"""Tables for a terminal: metrics of models, by subsets of modalities, and next to what can be reached.

And the cells of tables of candidates.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from haemsa.cluster.run_directory.plain_models import Constant
from haemsa.cluster.run_directory.ranking import scores_of
from haemsa.cluster.run_directory.rows import JournalRow
from haemsa.cluster.shared.text import counted, figure, listed, number
from haemsa.model.metrics import direction

if TYPE_CHECKING:
    from rich.table import Table

    from haemsa.cluster.report.importance import Importance

Metrics = Mapping[str, Mapping[str, Any]]
"""By metric: its `mean` and `std` over networks, and the `values` of each."""


def metric_table(models: Mapping[str, Metrics]) -> Table:
    """A row per metric, and a column per model: the mean over networks, with standard deviation or interval.

    Args:
        models: metrics by name: the first result of `train_for_good`, or the `table` of an evaluation.

    Example:
        >>> table, _ = train_for_good(recipe, "planted", 5, Path("models/planted"))  # doctest: +SKIP
        >>> rich.print(metric_table(table))  # doctest: +SKIP
    """
    from rich.table import Table

    with_interval = any("interval" in metric for metric in models["model"].values())
    table = Table(caption=_legend(models, with_interval), caption_justify="left")
    table.add_column("metric")
    for name in models:
        table.add_column(name, justify="right")
        if name == "model" and with_interval:
            table.add_column("95% interval", justify="right")
    for metric in models["model"]:
        cells = []
        for name, metrics in models.items():
            cells.append(_mean_and_spread(metrics[metric]))
            if name == "model" and with_interval:
                cells.append(_interval(metrics[metric].get("interval")))
        table.add_row(metric, *cells)
    return table


def _legend(models: Mapping[str, Metrics], with_interval: bool) -> str:
    """What the columns are."""
    seeds = len(next(iter(models["each seed"].values()))["values"]) if "each seed" in models else 1
    of = f", the mean of {counted(seeds, 'seed')}" if seeds > 1 else ""
    lines = {
        "model": f"model: what haemsa predict writes{of}.",
        "interval": "95% interval: over the samples (by group) only; another training may differ more.",
        "each seed": "each seed: the seeds one by one, mean ± standard deviation.",
        "linear model": "linear model: ridge or logistic regression on each feature's mean and deviation over time.",
        "constant": "constant: always the median, or the most common class.",
    }
    shown = {*models, *(["interval"] if with_interval else [])}
    return "\n".join(line for name, line in lines.items() if name in shown)


def importance_table(found: Importance, rows: int = 10) -> Table:
    """The most important genes. `found.words()` says how far to trust them.

    Args:
        found: what `gene_importance` gives.
        rows: how many genes to show at most.

    Example:
        >>> rich.print(importance_table(gene_importance(Path("runs/planted"))))  # doctest: +SKIP
    """
    from rich.table import Table
    from rich.text import Text

    title = f"Genes that matter for {found.objective}"
    table = Table(title=Text(title), title_justify="left")
    table.add_column("gene")
    table.add_column("R2 falls by, when shuffled", justify="right")
    for gene in found.genes[:rows]:
        table.add_row(Text(gene.name), f"{gene.mean:.3f} ± {gene.spread:.3f}")
    return table


def subset_table(tables: Mapping[str, Mapping[str, Metrics]], split: str, unread: Sequence[str] = ()) -> Table:
    """A row per subset of modalities: the first two metrics of each task, of what the model predicts.

    A note says where the model is worse than a constant, by the first metric of a task.

    Args:
        tables: by subset, what `metric_table` takes. The constant is that of the first.
        split: the split that was scored, for the title.
        unread: modalities that no network of the model reads.

    Example:
        >>> evaluations = evaluate_model(model, data, "valid", missing=True)  # doctest: +SKIP
        >>> tables = {shown: evaluation.table for shown, evaluation in evaluations.items()}  # doctest: +SKIP
        >>> rich.print(subset_table(tables, "valid"))  # doctest: +SKIP
    """
    from rich.table import Table

    first = next(iter(tables.values()))
    constant = first.get("constant")
    metrics = _two_of_each_task(first["model"])
    words = f"No network reads {listed(unread)}: without {'it' if len(unread) == 1 else 'them'} nothing changes."
    table = Table(title=f"{split} split, by the modalities that are shown", title_justify="left")
    table.caption, table.caption_justify = words if unread else None, "left"
    table.add_column("modalities", no_wrap=True)
    for metric in metrics:
        table.add_column(metric.replace("/", " "), justify="right")
    notes = [_note(subset, models["model"], constant, metrics[::2], unread) for subset, models in tables.items()]
    if any(notes):
        table.add_column("note", no_wrap=True)
    for (subset, models), note in zip(tables.items(), notes, strict=True):
        row = [subset, *(figure(models["model"][metric]["mean"], 3) for metric in metrics)]
        table.add_row(*row, *([note] if any(notes) else []))
    if constant is not None:
        table.add_row("a constant", *(figure(constant[metric]["mean"], 3) for metric in metrics))
    return table


def _two_of_each_task(metrics: Metrics) -> list[str]:
    """The names of the first two metrics of each task. The first is what a search optimises by default."""
    by_task: dict[str, list[str]] = {}
    for name in metrics:
        by_task.setdefault(name.rpartition("/")[0], []).append(name)
    return [name for names in by_task.values() for name in names[:2]]


def _note(subset: str, metrics: Metrics, constant: Metrics | None, main: Sequence[str], unread: Collection[str]) -> str:
    """Whether nothing is shown that the model reads, and where it is worse than a constant."""
    notes = ["nothing that it reads"] if set(subset.split("+")) <= set(unread) else []
    if constant is not None:
        worse = [name for name in main if _is_worse(name, metrics[name]["mean"], constant[name]["mean"])]
        tasks = " and ".join(name.rpartition("/")[0] for name in worse)
        notes += [f"{tasks}: worse than a constant".removeprefix(": ")] if worse else []
    return "; ".join(notes)


def _is_worse(name: str, value: float, constant: float) -> bool:
    return value > constant if direction(name) == "min" else value < constant


def reference_table(data: str, models: Mapping[str, Metrics]) -> Table | None:
    """For planted data, the model next to what can be reached. None for other data.

    Args:
        data: planted, or other data.
        models: what `metric_table` takes.

    Example:
        >>> rich.print(reference_table("planted", table))  # doctest: +SKIP
    """
    from rich.table import Table

    from haemsa.model.data.builtin.planted import planted_floor

    if data != "planted":
        return None
    metrics, truth = models["model"], planted_floor()
    rows = {
        "this model": (metrics["sentiment/mae"]["mean"], metrics["emotion/accuracy"]["mean"]),
        "the best that is possible": (truth.mae, truth.accuracy),
        f"the best from a single modality ({truth.single})": (truth.single_mae, truth.single_accuracy),
    }
    table = Table(title="planted: how good a model can be", title_justify="left")
    table.add_column("")
    for name in ("sentiment/mae", "emotion/accuracy"):
        table.add_column(name, justify="right")
    for name, values in rows.items():
        table.add_row(name, *(figure(value) for value in values))
    return table


def _interval(ends: Sequence[float] | None) -> str:
    return f"{figure(ends[0])} to {figure(ends[1])}" if ends and not math.isnan(ends[0]) else "-"


def _mean_and_spread(metric: Mapping[str, Any]) -> str:
    return figure(metric["mean"]) + (f" ± {figure(metric['std'])}" if len(metric["values"]) > 1 else "")


def score_words(row: JournalRow, name: str) -> str:
    """A candidate's score, with its standard error if there is one."""
    score = scores_of(row)[name]
    return number(score.mean) + (f" ± {number(float(f'{score.error:.2g}'))}" if score.error > 0 else "")


def searched_words(row: JournalRow, name: str, full: int) -> str:
    """The score that the search gave a confirmed candidate, and its rung if that score was not final.

    `full`: the first rung with final scores.
    """
    rung = len(row.outcomes)
    return number(row.scores[name].mean) + (f" (rung {rung} of {full + 1})" if rung <= full else "")


def with_direction(name: str, direction: str) -> str:
    """An objective above a column, with an arrow to its better values."""
    return f"{name} {'↓' if direction == 'min' else '↑'}"


def cell(value: object) -> str:
    """A genome's column in a table, with three digits of a fraction."""
    return f"{value:.3g}" if isinstance(value, float) else str(value)


def marked(row: JournalRow, objectives: Iterable[str], constant: Constant) -> list[str]:
    """The scores of a candidate. The first has a star if a constant is as good."""
    star = " *" if constant.beats(scores_of(row)) else ""
    return [score_words(row, name) + star * (number == 0) for number, name in enumerate(objectives)]


def star_note(rows: Iterable[JournalRow], constant: Constant) -> str:
    """What the star means, if a row has one."""
    starred = any(constant.beats(scores_of(row)) for row in rows)
    return f"*: no better than {constant.words}." if starred else ""
