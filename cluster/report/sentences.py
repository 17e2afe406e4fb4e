"""A search in a few sentences: what it found, why, what it took, and how far to trust it."""

from __future__ import annotations

from collections import Counter

from haemsa.cluster.report.figures.front import LABELS, in_words
from haemsa.cluster.report.record import SearchRecord
from haemsa.cluster.report.show import ensemble_line
from haemsa.cluster.run_directory.manifest import validation_of
from haemsa.cluster.run_directory.ranking import scores_of
from haemsa.cluster.run_directory.rows import JournalRow
from haemsa.cluster.shared.text import counted, duration, number
from haemsa.model.cost import COSTS
from haemsa.model.spec.genome import Genome


def found_line(record: SearchRecord) -> str:
    """The best network, its score with its error, and its cost."""
    if record.best is None:
        return "No candidate has scores yet." if record.summary is None else "Every candidate failed."
    reached = " and ".join(
        f"{in_words(name)} {score_words(record.best, name)}" for name in record.objectives if name not in COSTS
    )
    scores = scores_of(record.best)
    cost = " and ".join(f"{number(scores[name].mean)} {LABELS[name]}" for name in COSTS if name in scores)
    return f"The best network reaches {reached}{f' with {cost}' if cost else ''} (candidate {record.best.id})."


def lines(record: SearchRecord) -> list[str]:
    """Further sentences, the most telling first."""
    if record.best is None:
        return [effort_line(record)]
    ensemble = (record.summary or {}).get("ensemble")
    return [
        _genome_line(record.best.genome),
        *_winners_line(record),
        effort_line(record),
        _trust_line(record),
        *([f"{ensemble_line(ensemble, next(iter(record.objectives)))}."] if ensemble else []),
    ]


def effort_line(record: SearchRecord) -> str:
    """Evaluations, time, failures, and what the front covers."""
    summary, failed = record.summary or {}, record.count("failed")
    ended = counted(failed + record.count("done"), "genome")
    took = f" in {duration(float(summary['wall_seconds']))}" if "wall_seconds" in summary else ""
    parts = [f"{ended} evaluated{took}, {counted(failed, 'failure') if failed else 'no failures'}"]
    if record.front and record.history:
        volume = number(record.history.moments[-1].hypervolume)
        parts.append(f"{counted(len(record.front), 'trade-off')} on the front, hypervolume {volume}")
    if record.summary is None:
        parts.append(f"{record.count('asked')} pending: the search has not ended")
    return "; ".join(parts) + "."


def score_words(row: JournalRow, name: str) -> str:
    """A score with its standard error, where there is one."""
    score = scores_of(row)[name]
    return number(score.mean) + (f" ± {number(float(f'{score.error:.2g}'))}" if score.error > 0 else "")


def _genome_line(genome: Genome) -> str:
    network = genome.network
    reads = ", ".join(f"{item.modality} ({item.kind.replace('_', ' ')})" for item in network.encoders)
    if not network.levels:
        return f"It reads {reads} and is linear over tokens of width {network.width}."
    kinds = Counter(expert.kind.replace("_", " ") for level in network.levels for expert in level.experts)
    experts = ", ".join(f"{count} {kind}" for kind, count in kinds.most_common())
    levels = counted(len(network.levels), "level")
    return f"It reads {reads}, with {levels} of experts ({experts}) over tokens of width {network.width}."


def _winners_line(record: SearchRecord) -> list[str]:
    """What the survivors read."""
    chosen = set(record.history.survivors) if record.history else set()
    if not chosen:
        return []
    counts = Counter(name for row in record.rows if row.id in chosen for name in row.genome.network.modalities)
    shares = ", ".join(f"{count / len(chosen):.0%} read {name}" for name, count in counts.most_common(5))
    return [f"Of the last {counted(len(chosen), 'survivor')} of the search, {shares}."]


def _trust_line(record: SearchRecord) -> str:
    kind = validation_of(record.manifest)
    how = "on the validation split" if kind.startswith("holdout") else f"by cross-validation ({kind})"
    if record.confirmed:
        line = f"The front's scores are of training again from scratch with fresh seeds, {how}"
    else:
        line = f"The front's scores are the search's own, {how}, not confirmed by training again"
    return f"{line}; the best was chosen by them, so only haemsa train, on the test split, says what it is worth."
