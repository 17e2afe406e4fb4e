"""`haemsa report`: a search as one page. What it found comes first, then why, then how it was made."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from haemsa.cluster.report.html import Picture, rendered, write
from haemsa.cluster.report.next_steps import SETTINGS_FILE, next_commands, search_command
from haemsa.cluster.report.record import SearchRecord
from haemsa.cluster.report.sentences import best_line, lines
from haemsa.cluster.report.show import cell, score_words, with_direction
from haemsa.cluster.run_directory.run_directory import RunDirectory
from haemsa.cluster.run_directory.tables import genome_columns
from haemsa.cluster.shared.given_data import check_one, data_again
from haemsa.cluster.shared.text import number
from haemsa.model.data.dataset import Dataset

_ROWS: Final = 30
_COLUMNS: Final = ("modalities", "encoders", "levels", "experts", "width", "gates", "epochs", "learning_rate")


def write_report(
    run: Path, out: Path, data: str | None = None, ablated: Path | None = None, *, dataset: Dataset | None = None
) -> None:
    """Write the page of a search, also while the search runs.

    Args:
        run: the run directory of the search.
        out: the HTML file to write.
        data: where the search's data is now, if it has moved.
        ablated: a folder of `haemsa ablate`. Its best networks are shown next to the best of this search.
        dataset: the data of the search, if it was given from Python.

    Raises:
        ValueError: `run` holds no search, or `data` is not the data of the search, or there is a `dataset` too.

    Example:
        >>> write_report(Path("runs/planted"), Path("report.html"))  # doctest: +SKIP
    """
    with RunDirectory.open(run, read_only=True) as directory:
        record = SearchRecord.read(directory)
    check_one(data, dataset)
    write(out, page(record, data, ablated, dataset))


def page(
    record: SearchRecord, data: str | None = None, ablated: Path | None = None, dataset: Dataset | None = None
) -> str:
    """The whole page. The arguments are those of `write_report`."""
    from haemsa.cluster.report.figures.search import CAPTIONS, figures_of

    figures, genes = figures_of(record), record.importance
    captions = CAPTIONS if isinstance(genes, str) else _with_words(CAPTIONS, "importance", genes.words())
    pictures = {name: Picture.of(figures[name], words) for name, words in captions.items() if name in figures}
    front, network = pictures.pop("front", None), pictures.pop("network", None)
    command, settings = search_command(record.config)
    return rendered(
        "haemsa.cluster.report",
        "search.html",
        title=f"Search report: {record.name}",
        best=best_line(record),
        lines=lines(record),
        commands=next_commands(record.path, record.config, record.summary),
        running=record.summary is None,
        front=_Front.of(record, front) if record.front else None,
        network=network,
        at_work=_at_work(record, data, ablated, dataset),
        history=list(pictures.values()),
        unknown=f"Not known yet: {genes}." if isinstance(genes, str) and record.front else None,
        failures=_failures(record),
        command=command,
        settings=settings.rstrip(),
        settings_file=SETTINGS_FILE,
        facts=[[name.replace("_", " "), _text(value)] for name, value in _facts(record)],
    )


def _with_words(captions: Mapping[str, str], name: str, words: str) -> Mapping[str, str]:
    """The captions, of which one says more."""
    return {**captions, name: f"{captions[name]} {words}"}


@dataclass(frozen=True)
class _Front:
    """The front as a picture and a table. `left_out`: how many of its networks the table does not show."""

    picture: Picture | None
    columns: list[str]
    rows: list[list[str]]
    left_out: int

    @classmethod
    def of(cls, record: SearchRecord, picture: Picture | None) -> _Front:
        main = next(iter(record.objectives))
        searched = [f"{main} in search"] if record.confirmed else []
        rows = []
        for row in record.front[:_ROWS]:
            genes = genome_columns(row.genome)
            scores = [score_words(row, name) for name in record.objectives]
            score_in_search = [number(row.scores[main].mean)] if searched else []
            rows.append([str(row.id), *scores, *score_in_search, *(cell(genes[name]) for name in _COLUMNS)])
        objectives = [with_direction(name, direction) for name, direction in record.objectives.items()]
        columns = ["id", *objectives, *searched, *(name.replace("_", " ") for name in _COLUMNS)]
        return cls(picture, columns, rows, len(record.front) - len(rows))


@dataclass(frozen=True)
class _AtWork:
    """The best network on held-out samples, or, without pictures, why there are none."""

    words: str
    pictures: Sequence[Picture] = ()


def _at_work(record: SearchRecord, data: str | None, ablated: Path | None, dataset: Dataset | None) -> _AtWork:
    """Pictures that need the data. If it is missing, a note says so; if it was asked for, that is an error."""
    from haemsa.cluster.report.best_model.figures import ablations, best_figures, observe_best

    if record.summary is None or not (record.path / "best" / "model.json").is_file():
        return _AtWork("Pictures of the best network at work follow when the search has ended.")
    config = record.config
    try:
        known = data_again(data or config.data, dataset, config.stream, "this search")
        observed = observe_best(record.path, known)
        others = ablations(ablated, known)
    except (ValueError, OSError) as error:
        if data or dataset is not None:
            raise
        words = f"No pictures of the best network at work: {error}. If the data has moved, give its path with --data."
        return _AtWork(words)
    return _AtWork(observed.held.words(), [Picture.of(*drawn) for drawn in best_figures(observed, others)])


def _failures(record: SearchRecord) -> list[list[str]]:
    """By kind, the most common first: how many genomes failed, and the first message."""
    failures = [row.failure for row in record.rows if row.failure is not None]
    first = {failure.kind: failure.message for failure in reversed(failures)}
    counts = Counter(failure.kind for failure in failures)
    return [[kind, str(count), first[kind]] for kind, count in counts.most_common()]


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
