"""All pictures of a search that need nothing but its run directory: for a page, for MLflow, and for notebooks."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from haemsa.cluster.report.figures.ancestry import trace
from haemsa.cluster.report.figures.front import save
from haemsa.cluster.report.figures.genes import choice_shares, part_shares, quartiles
from haemsa.cluster.report.record import SearchRecord
from haemsa.cluster.run_directory.ranking import scores_of
from haemsa.cluster.run_directory.rows import JournalRow
from haemsa.cluster.run_directory.run_directory import RunDirectory
from haemsa.cluster.run_directory.tables import thinned
from haemsa.cluster.shared.text import number
from haemsa.evo.expert_space.features import gene_table, names_in

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_MOST_LINES: Final = 200


def search_figures(run: RunDirectory) -> dict[str, Figure]:
    """Draw the pictures of a search that need no data, also while the search runs.

    Args:
        run: the open run directory of the search.

    Returns:
        The pictures by name; none while no candidate has scores.

        - front: all networks with final scores, and the front: the best trade-offs, and how they improved.
        - hypervolume: the best of the first objective, and how much of all that was seen the front dominates (0 to 1).
        - network: the best network: what it reads, which tokens each expert sees (depth x width), and the gates.
        - lineage: where the front comes from. A line joins each genome to its fitter parent. Squares were sampled.
        - parts: the share of the survivors of each generation that have at least one of each part.
        - training: median and quartiles of each training gene among these survivors. choices: the share of each choice.
        - importance: which genes matter, and how much they differ between shuffles (permutation importance).
        - parallel: genomes with final scores across the genes that matter most. The best tenth has strong lines.

    Example:
        >>> with RunDirectory.open(Path("runs/planted"), read_only=True) as run:  # doctest: +SKIP
        ...     search_figures(run)["front"].savefig("front.png")
    """
    return figures_of(SearchRecord.read(run))


def write_pictures(record: SearchRecord, folder: Path) -> None:
    """Save the same pictures as PNG files in `folder`, which is made if needed."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, figure in figures_of(record).items():
        save(figure, folder / f"{name}.png")


def figures_of(record: SearchRecord) -> dict[str, Figure]:
    """The same pictures, of a record that has been read."""
    from haemsa.cluster.report.figures.ancestry import ancestry_figure
    from haemsa.cluster.report.figures.history import front_history_figure, hypervolume_figure
    from haemsa.cluster.report.figures.network import network_figure

    if record.history is None or record.best is None:
        return {}
    objectives, history = record.objectives, record.history
    parents = {row.id: row.parents for row in record.rows}
    return {
        "front": front_history_figure(
            [_scores(row, objectives) for row in record.scored],
            history.fronts(),
            [_point(row, objectives) for row in record.front],
            objectives,
            confirmed=record.confirmed,
            constant=record.constant.scores,
        ),
        "hypervolume": hypervolume_figure(history.moments, record.objectives),
        "network": network_figure(record.best.genome, record.tasks, record.modalities),
        "lineage": ancestry_figure(trace(parents, [row.id for row in record.front])),
        **_gene_figures(record),
        **_importance_figures(record),
    }


def _gene_figures(record: SearchRecord) -> dict[str, Figure]:
    from haemsa.cluster.report.figures.genes import share_figure, spread_figure

    assert record.history is not None
    survivors = {generation: ids for generation, ids in record.history.populations.items() if ids}
    needed = {number for ids in survivors.values() for number in ids}
    genomes = {row.id: row.genome for row in record.rows if row.id in needed}
    generations, populations = list(survivors), [[genomes[number] for number in ids] for ids in survivors.values()]
    figures = {"parts": share_figure(generations, part_shares(populations), record.modalities)}
    numbers, choices = quartiles(populations), choice_shares(populations)
    if numbers:
        figures["training"] = spread_figure(generations, numbers)
    if choices:
        figures["choices"] = share_figure(generations, choices)
    return figures


def _importance_figures(record: SearchRecord) -> dict[str, Figure]:
    """Which genes matter. No pictures if that is not known."""
    from haemsa.cluster.report.figures.importance import importance_figure, parallel_figure

    found = record.importance
    if isinstance(found, str):
        return {}
    shown = thinned(record.final, _MOST_LINES)
    genomes, scores = [row.genome for row in shown], [_scores(row, record.objectives) for row in shown]
    table, names = gene_table(genomes, *names_in(genomes)), [gene.name for gene in found.genes]
    parallel = parallel_figure(table, scores, record.objectives, names)
    return {"importance": importance_figure(found), "parallel": parallel}


def _scores(row: JournalRow, objectives: Iterable[str]) -> dict[str, float]:
    """A candidate with the scores that the search gave it."""
    return {"id": row.id} | {name: row.scores[name].mean for name in objectives}


def _point(row: JournalRow, objectives: Iterable[str]) -> dict[str, Any]:
    """A candidate of the front with its scores, and the words that a pointer on it shows."""
    means = {name: scores_of(row)[name].mean for name in objectives}
    words = ", ".join(f"{name} {number(mean)}" for name, mean in means.items())
    return {"id": row.id, "title": f"candidate {row.id}: {words}", **means}
