"""The tables of a page: the front, generations, workers, failures, and the facts about a search."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from haemsa.cluster.report.best_model.losses import StreamLosses
from haemsa.cluster.report.generations import generations
from haemsa.cluster.report.record import SearchRecord
from haemsa.cluster.report.tables import cell, marked, searched_words, star_note, with_direction
from haemsa.cluster.run_directory.tables import genome_columns
from haemsa.cluster.shared.bootstrap import Difference
from haemsa.cluster.shared.text import duration, figure, number

_ROWS: Final = 30
_COLUMNS: Final = ("modalities", "encoders", "levels", "experts", "width", "gates", "epochs", "learning_rate")


@dataclass(frozen=True)
class Table:
    """A table as text. The first column of `networks` names candidates. `note`: what it leaves out."""

    columns: Sequence[str]
    rows: Sequence[Sequence[str]]
    note: str = ""
    networks: bool = False


def front_table(record: SearchRecord) -> Table:
    """The networks of the front, the best in the first objective first, with the genes that tell them apart."""
    main = next(iter(record.objectives))
    searched = [f"{main} in search"] if record.confirmed else []
    rows = []
    for row in record.front[:_ROWS]:
        genes = genome_columns(row.genome)
        scores = marked(row, record.objectives, record.constant)
        score_in_search = [searched_words(row, main, record.full)] if searched else []
        rows.append([str(row.id), *scores, *score_in_search, *(cell(genes[name]) for name in _COLUMNS)])
    objectives = [with_direction(name, direction) for name, direction in record.objectives.items()]
    columns = ["id", *objectives, *searched, *(name.replace("_", " ") for name in _COLUMNS)]
    notes = [_left_out(len(rows), len(record.front), "first"), star_note(record.front[:_ROWS], record.constant)]
    return Table(columns, rows, " ".join(filter(None, notes)), networks=True)


def generation_table(record: SearchRecord) -> Table:
    """The latest generations, the last one first."""
    names = list(record.objectives)
    every = list(generations(record.rows, record.objectives, record.full))
    rows = [
        [
            *map(str, (row.generation, row.ended, row.failed, row.final)),
            *(number(row.best[name]) if name in row.best else "-" for name in names),
            duration(row.seconds),
        ]
        for row in reversed(every[-_ROWS:])
    ]
    columns = ["generation", "ended", "failed", "final scores", *(f"best {name}" for name in names), "training"]
    return Table(columns, rows, _left_out(len(rows), len(every), "last"))


def worker_table(workers: Sequence[tuple[str, int, float, float]]) -> Table:
    """Who trained: each worker with its outcomes, its seconds of training, and its last result."""
    latest = sorted(workers, key=lambda worker: -worker[3])[:_ROWS]
    rows = [[name, str(count), duration(seconds), _clock(last)] for name, count, seconds, last in latest]
    return Table(["worker", "results", "training", "last result"], rows, _left_out(len(rows), len(workers), "latest"))


def failure_table(record: SearchRecord) -> Table:
    """By kind, the most common first: how many genomes failed, and the first message."""
    failures = [row.failure for row in record.rows if row.failure is not None]
    first = {failure.kind: failure.message for failure in reversed(failures)}
    counts = Counter(failure.kind for failure in failures)
    return Table(
        ["kind", "genomes", "first message"], [[kind, str(count), first[kind]] for kind, count in counts.most_common()]
    )


def loss_table(found: StreamLosses) -> Table:
    """What is lost without each stream, in the main metric of one task."""
    streams = (*found.read, *found.unread)
    columns = ["stream", "in words", "lost if hidden"]
    rows = [[stream, found.words(stream), _lost(found.hidden.get(stream))] for stream in streams]
    note = (
        f"With all streams the {found.metric} of the best network is {figure(found.score)}. Lost if hidden: how much "
        "worse it gets if the stream is hidden from the network, with the 95% interval (paired bootstrap by group). "
        "Above 0 is worse. Drop one stream at a time: of two that can replace each other, both look useless."
    )
    if found.retrained:
        columns.append("lost by a linear model")
        rows = [[*row, _lost(found.retrained.get(stream))] for row, stream in zip(rows, streams, strict=True)]
        note += (
            " This network never met a missing stream in training, so it guesses badly without one. A network that is "
            "trained without the stream would lose less. So the last column tells how much worse ridge or logistic "
            "regression gets if it is trained without the stream. It reads the same streams, averaged over time, and "
            "is cross-validated."
        )
    return Table(columns, rows, note)


def _lost(loss: Difference | None) -> str:
    if loss is None or math.isnan(loss.mean):
        return "-"
    return f"{figure(loss.mean, 3, '+')} ({figure(loss.low, 3)} to {figure(loss.high, 3)})"


def fact_table(record: SearchRecord) -> Table:
    """Data, seed and versions."""
    return Table(["what", "value"], [[name.replace("_", " "), _text(value)] for name, value in _facts(record)])


def _facts(record: SearchRecord) -> Iterator[tuple[str, Any]]:
    facts = dict(record.manifest)
    versions = facts.pop("versions", {})
    yield from ((name, value) for name, value in facts.items() if name != "notes" and value is not None)
    yield from ((f"version of {name}", version) for name, version in versions.items() if version)
    yield from (("note of the data's reader", note) for note in facts.get("notes", ()))


def _text(value: Any) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{key} ({item})" for key, item in value.items())
    return str(value)


def _left_out(shown: int, total: int, which: str) -> str:
    return f"The {which} {shown} of {total}." if shown < total else ""


def _clock(time: float) -> str:
    return f"{datetime.fromtimestamp(time).astimezone():%H:%M:%S}"
