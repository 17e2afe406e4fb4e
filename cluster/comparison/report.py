"""A comparison as a table and as plain values."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from haemsa.cluster.comparison.compare import Comparison
from haemsa.cluster.shared.plain_values import as_values

if TYPE_CHECKING:
    from rich.table import Table


def ordered(comparison: Comparison) -> list[str]:
    """The models, the best mean first."""
    name, sign = comparison.judged.name, 1 if comparison.judged.minimise else -1
    return sorted(comparison.models, key=lambda model: sign * comparison.models[model][name]["mean"])


def compare_table(comparison: Comparison) -> Table:
    """A row for each model: its trials, its held-out score, its test figures, and how ours differ from it.

    Args:
        comparison: what `compare_models` or `ablate_search` returned.

    Example:
        >>> rich.print(compare_table(compare_models(Path("runs/planted"))))  # doctest: +SKIP
    """
    from rich.table import Table

    judged, caption = comparison.judged, f"within: the interval includes 0; {legend(comparison)}"
    title = f"{judged.task}: {judged.name} on the test split, read once"
    table = Table(title=title, caption=caption, title_justify="left", caption_justify="left")
    names = ("model", "trials", "held out", judged.name, "best minus it", "95% interval", "", "our ensemble minus it")
    for name in names:
        table.add_column(name, justify="left" if name in ("model", "") else "right", no_wrap=True)
    for name in ordered(comparison):
        cell, tuned = comparison.models[name][judged.name], comparison.tuned.get(name)
        spread = f" ± {cell['std']:.3f}" if len(cell["values"]) > 1 else ""
        trials = (str(tuned.trials), f"{tuned.score:.3f}") if tuned else ("", "")
        table.add_row(name, *trials, f"{cell['mean']:.3f}{spread}", *_difference(comparison, name))
    return table


def legend(comparison: Comparison) -> str:
    """What the ensembles consist of."""
    greedy = [name.removesuffix("+ensemble") for name in comparison.greedy]
    seeds = "+ensemble: the mean of a model's seeds"
    if not greedy:
        return seeds
    ours = "; ensemble: that of our search" if "ensemble" in comparison.models else ""
    return f"{seeds}; for {', '.join(greedy)} the greedy ensemble of what their trials found{ours}"


def _difference(comparison: Comparison, name: str) -> tuple[str, str, str, str]:
    """The last four cells of a row; empty for our own models."""
    difference, of_ensembles = comparison.differences.get(name), comparison.of_ensembles.get(name)
    if difference is None:
        return "", "", "", ""
    verdicts = {True: "ahead", False: "behind", None: "within"}
    verdict = verdicts[difference.wins(minimise=comparison.judged.minimise)]
    last = f"{of_ensembles.mean:+.3f} ({of_ensembles.low:+.3f} to {of_ensembles.high:+.3f})" if of_ensembles else ""
    return f"{difference.mean:+.3f}", f"{difference.low:+.3f} to {difference.high:+.3f}", verdict, last


@as_values.register(Comparison)
def comparison_values(comparison: Comparison) -> dict[str, Any]:
    """`--json` of compare: `{"models": {name: {metric: {"mean", "std", "values"}}}, "differences", "tuned", ...}`."""
    return {
        "models": comparison.models,
        "split": "test",
        "metric": comparison.judged.name,
        "task": comparison.judged.task,
        "differences": {name: vars(difference) for name, difference in comparison.differences.items()},
        "ensemble_differences": {name: vars(difference) for name, difference in comparison.of_ensembles.items()},
        "failed": dict(comparison.failed),
        "greedy": list(comparison.greedy),
        "tuned": {name: {"score": item.score, "trials": item.trials} for name, item in comparison.tuned.items()},
    }
