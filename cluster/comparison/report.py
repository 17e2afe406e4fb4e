"""A comparison as a table and as plain values."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from haemsa.cluster.comparison.compare import Comparison, is_ensemble, mean_of_seeds
from haemsa.cluster.shared.plain_values import as_values

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
        spread = f" ± {cell['std']:.3f}" if len(cell["values"]) > 1 else ""
        trials = (str(tuned.trials), f"{tuned.score:.3f}") if tuned else ("", "")
        table.add_row(name, *trials, f"{cell['mean']:.3f}{spread}", *_difference(comparison, name))
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
        last = f"{joint.mean:+.3f} ({joint.low:+.3f} to {joint.high:+.3f})" if joint else ""
        figure = f"{comparison.models[full][judged.name]['mean']:.3f}"
        table.add_row(name, of, figure, *_difference(comparison, full), last)
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
    return f"{difference.mean:+.3f}", f"{difference.low:+.3f} to {difference.high:+.3f}", verdict


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
