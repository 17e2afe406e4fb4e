"""What a report needs of a search, read once from its run directory, also while the search runs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, Final

from haemsa.cluster.config import SearchConfig
from haemsa.cluster.report.history import History, Replay
from haemsa.cluster.report.importance import MOST, Importance, importance
from haemsa.cluster.run_directory.plain_models import Constant
from haemsa.cluster.run_directory.ranking import best_of, directions, final_rows, front_of, full_rung, scored_rows
from haemsa.cluster.run_directory.rows import JournalRow
from haemsa.cluster.run_directory.run_directory import RunDirectory
from haemsa.cluster.run_directory.tables import thinned
from haemsa.model.cost import is_cost

_FIRST: Final = 64


@dataclass(frozen=True)
class SearchRecord:
    """A search so far.

    rows: every candidate. full: the first rung with final scores. scored: the candidates whose scores in the search can
    be compared. final: those of them whose scores are final. front: the best of the scored ones, or the best confirmed
    candidates if there are any.

    While no candidate has scores, `best` and `history` are None and `objectives` may be empty. While the search has not
    ended, `summary` is None, and `left` has the `seconds` that are left, if the search knows them. While the front is
    confirmed it also has the `phase`, and `at`: when the last one was.
    """

    name: str
    path: Path
    config: SearchConfig
    manifest: Mapping[str, Any]
    summary: Mapping[str, Any] | None
    objectives: Mapping[str, str]
    rows: tuple[JournalRow, ...]
    state: Mapping[str, Any]
    full: int
    left: Mapping[str, Any]
    scored: tuple[JournalRow, ...] = ()
    final: tuple[JournalRow, ...] = ()
    front: tuple[JournalRow, ...] = ()
    best: JournalRow | None = None
    replay: Replay = field(default_factory=Replay)

    @classmethod
    def read(
        cls, run: RunDirectory, rows: Sequence[JournalRow] | None = None, replay: Replay | None = None
    ) -> SearchRecord:
        """Read it.

        Args:
            run: the run directory.
            rows: every candidate, if they are known. None: they are read.
            replay: that of an earlier record of the same search, which goes on. None: there is none.

        Raises:
            ValueError: the run directory is damaged; the message is one sentence.
        """
        summary, manifest, config, state = run.summary(), run.manifest(), run.config(), run.journal.state()
        every, full = tuple(run.journal.rows() if rows is None else rows), full_rung(run)
        compared = final_rows(every, full)
        facts = (config.title, run.path, config, manifest, summary)
        now = (every, state.get("evolution", {}), full, state.get("left", {}))
        if not compared:
            return cls(*facts, dict(manifest.get("objectives", {})), *now)
        objectives = directions(compared, manifest)
        front, scored = front_of(compared, objectives), tuple(scored_rows(every, full))
        final = tuple(row for row in scored if len(row.outcomes) > full)
        best = best_of(front, summary)
        return cls(*facts, objectives, *now, scored, final, tuple(front), best, replay or Replay())

    @cached_property
    def history(self) -> History | None:
        """How the search came to its front. None while no candidate has scores."""
        return self.replay.history(self.rows, self.objectives, self.state) if self.front else None

    @cached_property
    def importance(self) -> Importance | str:
        """Which genes matter for the first objective that is no cost; or, in words, why that is not known.

        Scores are those of the search: few genomes have confirmed ones.
        """
        objective = next((name for name in self.objectives if not is_cost(name)), None)
        if objective is None:
            return "no candidate has scores yet, so it is not known which genes matter"
        used = thinned(self.final, MOST)  # reading the genomes of thousands takes seconds
        genomes, scores = [row.genome for row in used], [row.scores[objective].mean for row in used]
        try:
            return importance(genomes, scores, objective)
        except ValueError as error:
            return str(error)

    @cached_property
    def constant(self) -> Constant:
        """What a constant reaches in the objectives."""
        return Constant.of(self.manifest, self.objectives)

    @property
    def confirmed(self) -> bool:
        """Whether the front's scores are of networks that were trained again from scratch."""
        return bool(self.front) and self.front[0].confirmed is not None

    @property
    def tasks(self) -> tuple[str, ...]:
        """The names of the tasks. Empty if there is only one task, because scores do not name it then."""
        names = (name.rpartition("/")[0] for row in self.front[:1] for name in row.scores)
        return tuple(dict.fromkeys(filter(None, names)))

    @cached_property
    def modalities(self) -> tuple[str, ...]:
        """The modalities of the data: those that the first genomes read, because the usual designs read all of them."""
        return tuple(sorted({name for row in self.rows[:_FIRST] for name in row.genome.network.modalities}))

    def count(self, status: str) -> int:
        """How many candidates are "asked" (pending), "done" or "failed"."""
        return sum(row.status == status for row in self.rows)


def gene_importance(run: Path) -> Importance:
    """Find which genes matter for the first objective of a search that is no cost, also while the search runs.

    Args:
        run: the run directory of the search.

    Returns:
        The importance of each gene, and how well the genes explain the score: `haemsa show --importance`.

    Raises:
        ValueError: `run` holds no search, or too few genomes have final scores.

    Example:
        >>> gene_importance(Path("runs/planted")).genes[0].name  # doctest: +SKIP
        'learning rate'
    """
    with RunDirectory.open(run, read_only=True) as directory:
        found = SearchRecord.read(directory).importance
    if isinstance(found, str):
        raise ValueError(f"{run}: {found}")
    return found
