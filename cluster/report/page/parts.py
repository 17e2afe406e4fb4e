"""The parts of a page. A file has all of them at once; a live page gets those that changed.

Parts are made in three steps, by what they cost: `parts_now` is quick, `slow_parts` replays the search and asks which
genes matter, and at_work.py needs the data of the search.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from haemsa.cluster.report.figures.network import network_drawing
from haemsa.cluster.report.generations import unfinished_words
from haemsa.cluster.report.html import macros
from haemsa.cluster.report.next_steps import next_commands
from haemsa.cluster.report.page.plots.front import front_group
from haemsa.cluster.report.page.plots.genes import gene_groups, lineage_group
from haemsa.cluster.report.page.plots.importance import importance_group
from haemsa.cluster.report.page.plots.look import Group, Hover
from haemsa.cluster.report.page.plots.progress import best_group, growth_group
from haemsa.cluster.report.page.tables import failure_table, front_table, generation_table, worker_table
from haemsa.cluster.report.record import SearchRecord
from haemsa.cluster.report.sentences import best_line, lines, plain_lines
from haemsa.cluster.run_directory.plain_models import PlainModels
from haemsa.cluster.run_directory.rows import JournalRow
from haemsa.cluster.shared.text import counted, duration

if TYPE_CHECKING:
    from markupsafe import Markup

_DRAWN: Final = 80
"""A file has the drawings of so many networks besides the front."""
Workers = Sequence[tuple[str, int, float, float]]


@dataclass(frozen=True)
class Parts:
    """By name, elements of the page, and groups of pictures."""

    html: Mapping[str, Markup] = field(default_factory=dict)
    plots: Mapping[str, Group] = field(default_factory=dict)

    def __or__(self, other: Parts) -> Parts:
        return Parts({**self.html, **other.html}, {**self.plots, **other.plots})


def parts_now(record: SearchRecord, hover: Hover, workers: Workers, log: Sequence[str]) -> Parts:
    """What is shown of a search at once: its best, the front, generations, workers, failures and the log.

    Args:
        record: the search.
        hover: what is shown of a candidate.
        workers: who trained, as the journal tells it.
        log: the last lines of the search's log.
    """
    write = macros("haemsa.cluster.report", "fragments.html")
    commands = next_commands(record.path, record.config, record.summary)
    html = {
        "lead": write.lead(best_line(record)),
        "state": write.state(_State.of(record)) if record.summary is None else write.nothing(),
        "next": write.next(commands, record.summary is None),
        "front": write.front(front_table(record)) if record.front else write.nothing(),
        "network": write.network(_drawing(record, record.best), record.best.id) if record.best else write.nothing(),
        "generations": write.listed("Generations", generation_table(record)),
        "workers": write.listed("Workers", worker_table(workers)),
        "failures": write.listed("Failures", failure_table(record)),
        "log": write.log(log),
    }
    if plain := PlainModels.of(record.summary):
        html["plain"] = write.paragraphs(plain_lines(plain))
    return Parts(html, {"front": front_group(record, hover), "best": best_group(record, hover)})


def slow_parts(record: SearchRecord, hover: Hover) -> Parts:
    """What takes seconds where a search has thousands of candidates: its history, and which genes win and matter."""
    write, genes = macros("haemsa.cluster.report", "fragments.html"), record.importance
    unknown = f"Not known yet: {genes}." if isinstance(genes, str) and record.front else ""
    html = {"lines": write.paragraphs(lines(record)), "unknown": write.faint(unknown)}
    return Parts(
        html,
        {
            "growth": growth_group(record.history, record.objectives, record.constant.scores),
            **gene_groups(record),
            "lineage": lineage_group(record, hover),
            "importance": importance_group(record, hover),
        },
    )


def network_values(record: SearchRecord, row: JournalRow, hover: Hover) -> dict[str, Any]:
    """What a page shows of a candidate when a person clicks on it."""
    return {"words": hover(row), "drawing": _drawing(record, row)}


def networks_of(record: SearchRecord, hover: Hover) -> dict[str, dict[str, Any]]:
    """By id, the same of the front, and of the best others: a file cannot have the drawings of all."""
    if not record.front:
        return {}
    name, direction = next(iter(record.objectives.items()))
    sign = 1 if direction == "min" else -1
    others = sorted(record.scored, key=lambda row: sign * row.scores[name].mean)[:_DRAWN]
    return {str(row.id): network_values(record, row, hover) for row in _once([*record.front, *others])}


@dataclass(frozen=True)
class _State:
    """How far a search is that has not ended. `last`: when its last result came, in seconds since 1970."""

    done: int
    total: int | None
    words: str
    last: float | None

    @classmethod
    def of(cls, record: SearchRecord) -> _State:
        done, total = record.count("done") + record.count("failed"), record.config.evaluations
        budget = f" of {total:,}" if total else ""
        failed, left = counted(record.count("failed"), "failure"), unfinished_words(record.rows, total)
        words = f"{done:,}{budget} genomes evaluated, {failed}, {left}.{_time_left(record)}"
        ends = [row.ended_at for row in record.rows if row.ended_at is not None]
        ends += [record.left["at"]] if "at" in record.left else []  # while the front is confirmed
        return cls(done, total, words, max(ends, default=None))


def _time_left(record: SearchRecord) -> str:
    """How far the confirmation is, and the time left that the search itself shows."""
    seconds, phase = record.left.get("seconds"), record.left.get("phase")
    sentences = [f"{phase.capitalize()}."] if phase else []
    if seconds is not None:
        until = ", until the front is confirmed" if record.config.confirm and not phase else ""
        sentences.append(f"About {duration(seconds)} left{until}.")
    return "".join(f" {sentence}" for sentence in sentences)


def _drawing(record: SearchRecord, row: JournalRow) -> Markup:
    return network_drawing(row.genome, record.tasks, record.modalities).svg()


def _once(rows: Iterable[JournalRow]) -> list[JournalRow]:
    return list({row.id: row for row in rows}.values())
