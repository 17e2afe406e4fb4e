"""A search in a few sentences: what it found, why, what it took, and how far to trust it."""

from __future__ import annotations

from collections import Counter

from haemsa.cluster.report.figures.front import LABELS, in_words
from haemsa.cluster.report.generations import breeding_line, unfinished_words
from haemsa.cluster.report.record import SearchRecord
from haemsa.cluster.report.show import ensemble_line
from haemsa.cluster.report.tables import score_words
from haemsa.cluster.run_directory.manifest import validation_of
from haemsa.cluster.run_directory.plain_models import PlainModels
from haemsa.cluster.run_directory.ranking import cut_off, scores_of
from haemsa.cluster.shared.text import counted, duration, number
from haemsa.model.cost import COSTS, LATENCY, is_cost
from haemsa.model.spec.genome import Genome


def best_line(record: SearchRecord) -> str:
    """The best network, its score with its error, and its cost."""
    if record.best is None:
        return "No candidate has scores yet." if record.summary is None else "Every candidate failed."
    reached = " and ".join(
        f"{in_words(name)} {score_words(record.best, name)}" for name in record.objectives if not is_cost(name)
    )
    scores = scores_of(record.best)
    costs = [f"{number(scores[name].mean)} {LABELS[name]}" for name in COSTS if name in scores]
    costs += [f"a latency of {score_words(record.best, LATENCY)} ms"] if LATENCY in scores else []
    cost = _joined(costs)
    found = f"reaches {reached}{f' with {cost}' if cost else ''} (candidate {record.best.id})"
    if record.best.confirmed is not None:
        return f"The best network {found}."
    return f"The best network{' so far' if cut_off(record.summary) else ''} {found}. Its score is not confirmed."


def plain_lines(plain: PlainModels | None) -> list[str]:
    """What must be beaten, and whether the best network does not beat it."""
    if plain is None or not plain.scores:
        return []
    words = " and ".join(f"{model} {number(round(value, 4))}" for model, value in plain.scores.items())
    return [f"To beat: {in_words(plain.metric)} of {words}, on the same held-out samples.", *plain.warning()]


def lines(record: SearchRecord) -> list[str]:
    """Further lines. Those that say most come first."""
    if record.best is None:
        return [effort_line(record)]
    ensemble = (record.summary or {}).get("ensemble")
    return [
        _genome_line(record.best.genome),
        *_survivors_line(record),
        effort_line(record),
        _trust_line(record),
        *([ensemble_line(ensemble, next(iter(record.objectives)))] if ensemble else []),
    ]


def effort_line(record: SearchRecord) -> str:
    """Evaluations, time, failures, the front, and what is pending."""
    summary, failed = record.summary or {}, record.count("failed")
    genomes = counted(failed + record.count("done"), "genome")
    took = f" in {duration(float(summary['wall_seconds']))}" if "wall_seconds" in summary else ""
    failures = counted(failed, "failure") if failed else "no failures"
    sentences = [f"The search evaluated {genomes}{took}, with {failures}."]
    if left := summary.get("nodes_left"):
        sentences.append(f"{counted(left, 'node')} left while it ran; what they had was trained elsewhere.")
    if record.front and record.history:
        sentences.append(f"The front has {counted(len(record.front), 'trade-off')}{_poor(record)}.")
        share = f"{record.history.moments[-1].hypervolume:.0%}"
        seen = "of what lies between the best and the worst that was seen (its hypervolume)"
        sentences.append(f"By the scores of the search it dominates {share} {seen}.")
    if record.summary is None:
        sentences.append(f"The search has not ended: {unfinished_words(record.rows, record.config.evaluations)}.")
    elif record.front:
        sentences += breeding_line(record.rows)
    return " ".join(sentences)


def _poor(record: SearchRecord) -> str:
    count = sum(record.constant.beats(scores_of(row)) for row in record.front)
    return f", of which {count} {'is' if count == 1 else 'are'} no better than {record.constant.words}" if count else ""


def _genome_line(genome: Genome) -> str:
    network = genome.network
    encoders = _joined([f"{encoder.modality} ({encoder.kind.replace('_', ' ')})" for encoder in network.encoders])
    if not network.levels:
        return f"It reads {encoders}. It is linear over tokens of width {network.width}."
    kinds = Counter(expert.kind.replace("_", " ") for level in network.levels for expert in level.experts)
    experts = ", ".join(f"{count} {kind}" for kind, count in kinds.most_common())
    levels = counted(len(network.levels), "level")
    return f"It reads {encoders}. It has {levels} of experts ({experts}) over tokens of width {network.width}."


def _survivors_line(record: SearchRecord) -> list[str]:
    """Which modalities the last population reads."""
    survivors = set(record.history.survivors) if record.history else set()
    if not survivors:
        return []
    counts = Counter(name for row in record.rows if row.id in survivors for name in row.genome.network.modalities)
    shares = _joined([f"{count / len(survivors):.0%} read {name}" for name, count in counts.most_common(5)])
    return [f"In the last population of {counted(len(survivors), 'network')}, {shares}."]


def _trust_line(record: SearchRecord) -> str:
    kind = validation_of(record.manifest)
    how = "on the validation split" if kind.startswith("holdout") else f"by cross-validation ({kind})"
    if record.confirmed:
        scored = f"The networks of the front were trained again from scratch with fresh seeds and scored {how}."
    else:
        scored = f"The scores of the front are the search's own, {how}. They are not confirmed by training again."
    chosen = "The best network was chosen by these scores, so they may flatter it."
    return f"{scored} {chosen} The command haemsa train scores it on the test split, which no search reads."


def _joined(words: list[str]) -> str:
    """Words with commas, and "and" before the last."""
    return " and ".join(filter(None, [", ".join(words[:-1]), *words[-1:]]))
