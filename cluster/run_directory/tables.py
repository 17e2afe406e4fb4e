"""Tables of candidates: one row for each, with columns that a person can sort by.

A row is a plain dictionary: `id`, `generation`, `on_front`, `rung`; for each objective `<name>` and, if it is known,
`<name>_error`; then a summary of the genome, and last the genome itself as JSON.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

from haemsa.model.spec.genome import Genome

if TYPE_CHECKING:
    from haemsa.evo.candidate import Evaluated, Score

T = TypeVar("T")
TableRow = Mapping[str, Any]
GENOME_COLUMNS = (
    "modalities", "encoders", "levels", "experts", "width", "gates", "transfer", "epochs", "learning_rate",
    "weight_decay", "dropout",
)  # fmt: skip


def genome_columns(genome: object) -> dict[str, Any]:
    """The genome in a few short columns, named by GENOME_COLUMNS. No columns for a genome of a custom space."""
    if not isinstance(genome, Genome):
        return {}
    network, training = genome.network, genome.training
    experts = Counter(expert.kind for level in network.levels for expert in level.experts)
    return {
        "modalities": " ".join(sorted(network.modalities)),
        "encoders": " ".join(encoder.kind for encoder in sorted(network.encoders, key=lambda item: item.modality)),
        "levels": len(network.levels),
        "experts": ", ".join(f"{count} {kind}" for kind, count in sorted(experts.items())),
        "width": network.width,
        "gates": " ".join(level.gate.kind for level in network.levels),
        "transfer": " ".join("yes" if level.transfer else "no" for level in network.levels),
        "epochs": training.epochs,
        "learning_rate": training.learning_rate,
        "weight_decay": training.weight_decay,
        "dropout": training.dropout,
    }


def gene_columns(genome: object) -> dict[str, Any]:
    """The same and more: every gene that a person may want to sort by. No columns for a genome of a custom space."""
    if not isinstance(genome, Genome):
        return {}
    experts = [expert for level in genome.network.levels for expert in level.experts]
    training = {name: value for name, value in vars(genome.training).items() if name != "task_weights"}
    weights = {f"weight of {task}": value for task, value in genome.training.task_weights}
    return {
        **genome_columns(genome),
        "expert_count": len(experts),
        "expert_width": sum(expert.width for expert in experts) / max(1, len(experts)),
        "expert_depth": sum(expert.depth for expert in experts) / max(1, len(experts)),
        "experts_by_level": " | ".join(
            ", ".join(
                f"{'+'.join(expert.sees)} {expert.kind} {expert.depth}x{expert.width}" for expert in level.experts
            )
            for level in genome.network.levels
        ),
        **training,
        **weights,
    }


def score_columns(scores: Mapping[str, Score]) -> dict[str, float]:
    """For each objective its mean, and its standard error if there are several replicates."""
    columns: dict[str, float] = {}
    for name, score in scores.items():
        columns[name] = score.mean
        if score.error > 0:
            columns[f"{name}_error"] = score.error
    return columns


def point(item: Evaluated[Genome], objectives: Iterable[str]) -> dict[str, Any]:
    """What a picture needs of a candidate: its id and the means of its objectives."""
    return {"id": item.id, **{name: item.scores[name].mean for name in objectives}}


def thinned(rows: Sequence[T], most: int) -> Sequence[T]:
    """At most `most` of the rows, evenly spread from the first to the last."""
    if len(rows) <= most:
        return rows
    return [rows[place * (len(rows) - 1) // (most - 1)] for place in range(most)]


def evaluated_rows(
    evaluated: Iterable[Evaluated[Genome]], *, front: Iterable[int] = (), generations: Mapping[int, int] | None = None
) -> list[dict[str, Any]]:
    """A row for each candidate, in the given order. front: ids on the front. generations: id -> generation."""
    on_front = set(front)
    return [
        {
            "id": item.id,
            "generation": (generations or {}).get(item.id),
            "on_front": item.id in on_front,
            "rung": item.rung,
            **score_columns(item.scores),
            **genome_columns(item.genome),
            "parents": " ".join(map(str, item.parents)),
            "genome": item.genome.to_json(),
        }
        for item in evaluated
    ]
