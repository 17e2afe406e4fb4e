"""A comparison as a table and as plain values."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from haemsa.cluster.comparison.compare import Comparison, is_ensemble, mean_of_seeds
from haemsa.cluster.shared.bootstrap import Difference
from haemsa.cluster.shared.plain_values import as_values
from haemsa.cluster.shared.text import figure

if TYPE_CHECKING:
    from rich.console import Group
    from rich.table import Table


def ordered(comparison: Comparison) -> list[str]:
    """The models, the best mean first."""
    name, sign = comparison.judged.name, 1 if comparison.judged.minimise else -1
    return sorted(comparison.models, key=lambda model: sign * comparison.models[model][name]["mean"])


def compare_table(comparison: Comparison) -> Group:
    """A table of models, and a table of their ensembles, each with test figures and how ours differ from them.

    Args:
        comparison: what `compare_models` or `ablate_search` returned.

    Example:
        >>> rich.print(compare_table(compare_models(Path("runs/planted"))))  # doctest: +SKIP
    """
    from rich.console import Group
    from rich.text import Text

    return Group(_models(comparison), _ensembles(comparison), Text(legend(comparison)))


def legend(comparison: Comparison) -> str:
    """How to read the tables."""
    way = "below" if comparison.judged.minimise else "above"
    lines = [
        f"A difference is the {comparison.judged.name} of ours minus that of the other; {way} 0, ours is better.",
        "The 95% intervals are over test samples only; another search may differ. Not sure: the interval holds 0.",
        "Ensemble of seeds: the mean of a model's seeds. Of trials: the best mixture of what its trials found.",
    ]
    return "\n".join(lines)


def _models(comparison: Comparison) -> Table:
    judged = comparison.judged
    title = f"{judged.task}: {judged.name} on the test split, read once"
    columns = ("model", "trials", "held out", judged.name, "best minus it", "95% interval", "")
    table = _table(title, columns, left=("model", ""))
    for name in ordered(comparison):
        if is_ensemble(name):
            continue
        cell, tuned = comparison.models[name][judged.name], comparison.tuned.get(name)
        spread = f" ± {figure(cell['std'], 3)}" if len(cell["values"]) > 1 else ""
        trials = (str(tuned.trials), figure(tuned.score, 3)) if tuned else ("", "")
        table.add_row(name, *trials, f"{figure(cell['mean'], 3)}{spread}", *_difference(comparison, name))
    return table


def _ensembles(comparison: Comparison) -> Table:
    judged = comparison.judged
    columns = ("ensemble", "of", judged.name, "best minus it", "95% interval", "", "our ensemble minus it")
    table = _table("ensembles: best is the mean of its seeds here", columns, left=("ensemble", "of", ""))
    for full in ordered(comparison):
        if not is_ensemble(full):
            continue
        name, _, _ = full.partition(", ")
        of, joint = "seeds" if full == mean_of_seeds(name) else "trials", comparison.of_ensembles.get(full)
        last = "{} ({})".format(*_figures(joint)) if joint else ""
        mean = figure(comparison.models[full][judged.name]["mean"], 3)
        table.add_row(name, of, mean, *_difference(comparison, full), last)
    return table


def _table(title: str, columns: Sequence[str], left: Sequence[str]) -> Table:
    from rich.table import Table

    table = Table(title=title, title_justify="left")
    for name in columns:
        table.add_column(name, justify="left" if name in left else "right", no_wrap=True)
    return table


def _difference(comparison: Comparison, name: str) -> tuple[str, str, str]:
    """Three cells of a row; empty for our own models."""
    difference = comparison.differences.get(name)
    if difference is None:
        return "", "", ""
    verdicts = {True: "ahead", False: "behind", None: "not sure"}
    verdict = verdicts[difference.wins(minimise=comparison.judged.minimise)]
    return *_figures(difference), verdict


def _figures(difference: Difference) -> tuple[str, str]:
    """A difference, and its interval."""
    mean, low, high = (figure(value, 3, "+") for value in (difference.mean, difference.low, difference.high))
    return mean, f"{low} to {high}"


@as_values.register(Comparison)
def comparison_values(comparison: Comparison) -> dict[str, Any]:
    """`--json` of compare: `{"models": {name: {metric: {"mean", "std", "values"}}}, "differences", "tuned", ...}`.

    An ensemble is called "NAME, mean of seeds" or "NAME, ensemble of trials".
    """
    return {
        "models": comparison.models,
        "split": "test",
        "metric": comparison.judged.name,
        "task": comparison.judged.task,
        "differences": {name: vars(difference) for name, difference in comparison.differences.items()},
        "ensemble_differences": {name: vars(difference) for name, difference in comparison.of_ensembles.items()},
        "failed": dict(comparison.failed),
        "tuned": {name: {"score": item.score, "trials": item.trials} for name, item in comparison.tuned.items()},
    }
