"""`haemsa report`: a search as one page (see cluster/report/html.py). What it found comes first, then why, then how."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from haemsa.cluster.report import html
from haemsa.cluster.report.next_steps import SETTINGS_FILE, next_commands, search_command
from haemsa.cluster.report.record import SearchRecord
from haemsa.cluster.report.sentences import found_line, lines, score_words
from haemsa.cluster.report.show import cell
from haemsa.cluster.run_directory.run_directory import RunDirectory
from haemsa.cluster.run_directory.tables import genome_columns
from haemsa.cluster.shared.text import number
from haemsa.model.data.sources import load_again

_ROWS: Final = 30
_COLUMNS: Final = ("modalities", "encoders", "levels", "experts", "width", "gates", "epochs", "learning_rate")


def write_report(run: Path, out: Path, data: str | None = None, ablated: Path | None = None) -> None:
    """Write the page of the search in `run` to `out`. `data`: where its data is, if it has moved.

    `ablated`: a folder of `haemsa ablate`. Raises ValueError if there is no search, or if `data` is not its own.
    """
    with RunDirectory.open(run, read_only=True) as directory:
        record = SearchRecord.read(directory)
    html.write(out, page(record, data, ablated))


def page(record: SearchRecord, data: str | None = None, ablated: Path | None = None) -> str:
    """The whole page."""
    from haemsa.cluster.report.figures.search import CAPTIONS, figures_of

    figures = figures_of(record)
    drawn = {name: html.picture(figures[name], words) for name, words in CAPTIONS.items() if name in figures}
    front, network = drawn.pop("front", ""), drawn.pop("network", "")
    parts = [
        html.paragraph(found_line(record), "lead"),
        *(html.paragraph(line) for line in lines(record)),
        html.heading("What to do next"),
        *([] if record.summary else [html.paragraph("If its process was ended, this goes on with the search:")]),
        html.lines(next_commands(record.path, record.config, ended=record.summary is not None)),
        *([html.heading("The front"), front, _front_table(record)] if record.front else []),
        *([html.heading("The best network"), network] if network else []),
        *_at_work(record, data, ablated),
        *([html.heading("How it came about"), *drawn.values()] if drawn else []),
        *_failures(record),
        *_origin(record),
    ]
    return html.document(f"Search report: {record.name}", "\n".join(parts))


def _front_table(record: SearchRecord) -> str:
    main = next(iter(record.objectives))
    again = [f"{main} in search"] if record.confirmed else []
    rows = []
    for row in record.front[:_ROWS]:
        columns = genome_columns(row.genome)
        scores = [score_words(row, name) for name in record.objectives]
        searched = [number(row.scores[main].mean)] if again else []
        rows.append([str(row.id), *scores, *searched, *(cell(columns[name]) for name in _COLUMNS)])
    more = f"The first {_ROWS} of {len(record.front)}." if len(record.front) > _ROWS else ""
    head = ["id", *record.objectives, *again, *(name.replace("_", " ") for name in _COLUMNS)]
    return html.table(head, rows) + (html.paragraph(more, "faint") if more else "")


def _at_work(record: SearchRecord, data: str | None, ablated: Path | None) -> Iterator[str]:
    """Pictures that need the data. Where it is not there, a line says so, unless it was asked for."""
    from haemsa.cluster.report.best_model.figures import ablations, best_figures, look

    if record.summary is None or not (record.path / "best" / "model.json").is_file():
        yield html.paragraph("Pictures of the best network at work come when it is saved, at the search's end.", "note")
        return
    config = record.config.model_copy(update={"data": data} if data else {})
    try:
        dataset = load_again(config.data, config.stream)
        seen = look(record.path, dataset)
        others = ablations(ablated, dataset)
    except (ValueError, OSError) as error:
        if data:
            raise
        yield html.paragraph(f"No pictures of the best network at work: {error}; give it its data by --data.", "note")
        return
    yield html.paragraph(seen.held.words())
    yield from (html.picture(figure, words) for figure, words in best_figures(seen, others))


def _failures(record: SearchRecord) -> Iterator[str]:
    failures = [row.failure for row in record.rows if row.failure is not None]
    if not failures:
        return
    first = {failure.kind: failure.message for failure in reversed(failures)}
    counts = Counter(failure.kind for failure in failures)
    yield html.heading("Failures")
    yield html.table(
        ["kind", "genomes", "the first"], [[kind, str(n), first[kind]] for kind, n in counts.most_common()]
    )


def _origin(record: SearchRecord) -> Iterator[str]:
    command, settings = search_command(record.config)
    yield html.heading("The same again")
    yield html.lines([command])
    if settings:
        yield html.paragraph(f"where {SETTINGS_FILE} holds")
        yield html.lines([settings.rstrip()])
    yield html.heading("Where it comes from")
    yield html.table(["what", "value"], [[name.replace("_", " "), _told(value)] for name, value in _facts(record)])


def _facts(record: SearchRecord) -> Iterator[tuple[str, Any]]:
    facts = dict(record.manifest)
    versions = facts.pop("versions", {})
    yield from ((name, value) for name, value in facts.items() if name != "notes" and value is not None)
    yield from ((f"version of {name}", version) for name, version in versions.items() if version)
    yield from (("note of the data's reader", note) for note in facts.get("notes", ()))


def _told(value: Any) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{key} ({item})" for key, item in value.items())
    return str(value)
