"""Pictures of a search, drawn from its journal when it has ended: the front, and how the hypervolume grew."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from cluster.journal import JournalRow, RunDirectory
from cluster.show import directions, final_rows, front_of, full_rung
from cluster.view.front import front_figure, hypervolume_figure, save
from evo.individual import Objectives

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def write_pictures(run: RunDirectory, folder: Path) -> None:
    """Draw `search_figures` into a folder, which is made."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, figure in search_figures(run).items():
        save(figure, folder / f"{name}.png")


def search_figures(run: RunDirectory) -> dict[str, Figure]:
    """`front` and, once the first generation has ended, `hypervolume`; none before any candidate has scores."""
    rows, full = list(run.rows()), full_rung(run)
    final = final_rows(rows, full)
    if not final:
        return {}
    scored, objectives = [row for row in rows if row.status == "done"], directions(final, run.manifest())
    confirmed = final[0].confirmed is not None
    title = run.path.name + (", the front by confirmed scores" if confirmed else "")
    evaluated, front = _points(scored, objectives), _points(front_of(final, objectives), objectives, confirmed)
    figures = {"front": front_figure(evaluated, front, objectives, title=title)}
    reference = run.state()["evolution"]["reference"]
    if reference is not None:
        found = hypervolumes([row for row in scored if len(row.outcomes) > full], objectives, reference)
        figures["hypervolume"] = hypervolume_figure(found, title=run.path.name)
    return figures


def _points(rows: Sequence[JournalRow], objectives: Mapping[str, Any], confirmed: bool = False) -> list[dict[str, Any]]:
    scores = {row.id: row.confirmed if confirmed and row.confirmed else row.scores for row in rows}
    return [{"id": n, **{name: found[name].mean for name in objectives}} for n, found in scores.items()]


def hypervolumes(
    rows: Sequence[JournalRow], objectives: Mapping[str, Any], reference: Sequence[float]
) -> list[tuple[int, float]]:
    """(candidates with such scores, hypervolume) after each generation. `reference`: as the archive has it, minimised.

    Of the scores as they came; the search itself weighs them by their errors where they are not equally sure.
    """
    import moocore

    signs, volumes, count = Objectives.of(objectives), list[tuple[int, float]](), 0
    front = np.empty((0, len(objectives)))
    for generation in sorted({row.generation for row in rows if row.generation is not None}):
        new = [signs.means(row.scores) for row in rows if row.generation == generation]
        front, count = np.vstack([front, *new]), count + len(new)
        front = front[moocore.is_nondominated(front)]
        volumes.append((count, float(moocore.hypervolume(front, ref=np.array(reference)))))
    return volumes
