"""What a tuning found, in files and on a terminal."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

from haemsa.cluster.shared.files import replacing, write_csv, write_json, write_text
from haemsa.cluster.shared.plain_values import as_values
from haemsa.cluster.shared.text import counted, figure, number
from haemsa.cluster.tuning.genes import GENES
from haemsa.cluster.tuning.result import Tried, Tuning
from haemsa.evo.candidate import Score
from haemsa.model.spec.genome import Genome

if TYPE_CHECKING:
    from rich.table import Table


def write(tuning: Tuning, out: Path) -> None:
    """Write trials.csv and tuning.json to the folder `out`, and genome.json unless the tuning was interrupted."""
    with replacing(out / "trials.csv") as temporary:
        write_csv(temporary, [_row(tried, tuning.metric) for tried in tuning.trials])
    write_json(out / "tuning.json", tuning_values(tuning))
    if tuning.genome is not None:
        write_text(out / "genome.json", tuning.genome.to_json() + "\n")


@as_values.register(Tuning)
def tuning_values(tuning: Tuning) -> dict[str, Any]:
    """What `--json` holds. `better` is "original" or "tuned", or null if that was not found out."""
    better = None if tuning.genome is None else "original" if tuning.genome == tuning.original else "tuned"
    genomes = {"original": tuning.original, "tuned": tuning.tuned}
    return {
        "metric": tuning.metric,
        "direction": tuning.direction,
        "validation": tuning.folds,
        "trials": {"all": len(tuning.trials), **counts(tuning)},
        "confirmed": {name: _score(score) for name, score in zip(genomes, tuning.scores, strict=True)},
        "difference": _score(tuning.difference),
        "better": better,
        "genomes": {name: genome.to_dict() for name, genome in genomes.items()},
    }


def counts(tuning: Tuning) -> dict[str, int]:
    """How many trials ended in each way."""
    states = Counter(tried.state for tried in tuning.trials)
    return {state: states[state] for state in ("ended", "stopped", "failed", "unfinished")}


def tuning_lines(tuning: Tuning) -> list[str]:
    """How the trials ended, and which genome is better: a sentence for each.

    Args:
        tuning: what `tune_genome` returned.

    Example:
        >>> print(*tuning_lines(tune_genome("runs/planted", "planted")), sep="\\n")  # doctest: +SKIP
    """
    states = ", ".join(f"{count} {state}" for state, count in counts(tuning).items() if count)
    return [f"{counted(len(tuning.trials), 'trial')}: {states or 'none began'}", verdict(tuning)]


def verdict(tuning: Tuning) -> str:
    """One sentence that says which genome is better."""
    difference = tuning.difference
    if tuning.genome is None:
        return "It is not known yet which genome is better. The same command goes on."
    if tuning.tuned == tuning.original:
        return "No trial that had all its epochs was better than the original genome, so the genome stays as it is."
    if difference is None and tuning.genome == tuning.original:
        return "The tuned genome could not be trained again, so the genome stays as it is."
    if difference is None:
        return "The original genome could not be trained again, but the tuned genome could."
    gain = f"{figure(difference.mean, sign='+')} ± {figure(difference.error)}"
    measured = f"{gain} over {difference.replicates} replicates"
    better, stays = "the tuned genome is better", "the gain is not more than its error, so the genome stays as it is"
    kept = stays if tuning.genome == tuning.original else better
    return f"Tuned minus original, both trained again on fresh seeds: {tuning.metric} {measured}: {kept}."


def tuning_table(tuning: Tuning) -> Table:
    """The genes and confirmed scores of both genomes, side by side.

    Args:
        tuning: what `tune_genome` returned.

    Example:
        >>> rich.print(tuning_table(tune_genome("runs/planted", "planted")))  # doctest: +SKIP
    """
    from rich.table import Table

    table = Table()
    table.add_column("")
    for name in ("original", "tuned"):
        table.add_column(name, justify="right")
    for gene in GENES:
        before, after = (_gene(genome, gene) for genome in (tuning.original, tuning.tuned))
        table.add_row(gene, before, "=" if before == after else after)
    if tuning.scores != (None, None):
        table.add_row(f"{tuning.metric}, fresh seeds", *map(_figure, tuning.scores))
    return table


def _gene(genome: Genome, name: str) -> str:
    value = getattr(genome.training, name)
    return value if isinstance(value, str) else number(value)


def _figure(score: Score | None) -> str:
    return "failed" if score is None else f"{figure(score.mean)} ± {figure(score.error)}"


def _score(score: Score | None) -> dict[str, Any] | None:
    return None if score is None else {"mean": score.mean, "error": score.error, "values": list(score.values)}


def _row(tried: Tried, metric: str) -> dict[str, Any]:
    genes = {gene: getattr(tried.genome.training, gene) for gene in GENES}
    trained = next(reversed(tried.scores), 0)
    figures = {metric: tried.score, f"{metric}_error": tried.error}
    return {
        "trial": tried.number,
        "state": tried.state,
        "trained": trained,
        **(figures if tried.scores else dict.fromkeys(figures)),
        **genes,
        "why": tried.why,
    }
