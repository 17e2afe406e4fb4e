"""`haemsa report`: a search as one page. What it found comes first, then why, then how it was made."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from haemsa.cluster.report.html import embedded, rendered, trusted, write
from haemsa.cluster.report.next_steps import SETTINGS_FILE, search_command
from haemsa.cluster.report.page.at_work import at_work_parts, noted
from haemsa.cluster.report.page.parts import Parts, networks_of, parts_now, slow_parts
from haemsa.cluster.report.page.plots.look import Hover
from haemsa.cluster.report.page.tables import fact_table
from haemsa.cluster.report.page.trained import trained_part
from haemsa.cluster.report.record import SearchRecord
from haemsa.cluster.run_directory.run_directory import RunDirectory
from haemsa.cluster.shared.given_data import check_one
from haemsa.model.data.dataset import Dataset

LOG_LINES: Final = 12
_LOG_BYTES: Final = 8192


def write_report(
    run: Path,
    out: Path,
    data: str | None = None,
    ablated: Path | None = None,
    model: Path | None = None,
    *,
    dataset: Dataset | None = None,
) -> None:
    """Write the page of a search, also while the search runs.

    Args:
        run: the run directory of the search.
        out: the HTML file to write.
        data: where the search's data is now, if it has moved.
        ablated: a folder of `haemsa ablate`. Its best networks are shown next to the best of this search.
        model: the folder of a model that `haemsa train` made of this search (None: one in the folder
            `models`, if there is any; that of the best network of now first). Its figures on the test split are shown.
        dataset: the data of the search, if it was given from Python.

    Raises:
        ValueError: `run` holds no search, or `data` is not the data of the search, or there is a `dataset` too, or
            `model` is not of the search.

    Example:
        >>> write_report(Path("runs/planted"), Path("report.html"))  # doctest: +SKIP
    """
    with RunDirectory.open(run, read_only=True) as directory:
        record, workers = SearchRecord.read(directory), directory.journal.workers()
    check_one(data, dataset)
    hover = Hover(list(record.objectives), record.full)
    parts = parts_now(record, hover, workers, log_lines(run)) | slow_parts(record, hover) | trained_part(record, model)
    parts |= at_work_parts(record, data, ablated, dataset)
    write(out, page(record, parts, networks_of(record, hover)))


def write_quick_report(run: RunDirectory, record: SearchRecord, out: Path) -> None:
    """Write the same page without what needs the data of the search. A note says which command adds it.

    Args:
        run: the open run directory of the search.
        record: what was read of it.
        out: the HTML file to write.
    """
    hover = Hover(list(record.objectives), record.full)
    parts = parts_now(record, hover, run.journal.workers(), log_lines(run.path)) | slow_parts(record, hover)
    command = shlex.join(["haemsa", "report", str(run.path)])
    parts |= noted(f"{command} adds pictures of the best network at work on held-out samples.")
    write(out, page(record, parts, networks_of(record, hover)))


def page(record: SearchRecord, parts: Parts, networks: Mapping[str, Any], seen: int | None = None) -> str:
    """The whole page.

    Args:
        record: the search.
        parts: all parts that are known.
        networks: by id, what is shown of a network when a person clicks on it.
        seen: for a live page, the stamp of what it shows. None: the page stays as it is.
    """
    from plotly.offline import get_plotlyjs

    command, settings = search_command(record.config)
    return rendered(
        "haemsa.cluster.report",
        "search.html",
        title=f"Search report: {record.name}",
        html=parts.html,
        state=embedded({"plots": parts.plots, "networks": networks, "seen": seen}),
        plotly=trusted(get_plotlyjs()),
        command=command,
        settings=settings.rstrip(),
        settings_file=SETTINGS_FILE,
        facts=fact_table(record),
    )


def log_lines(run: Path) -> Sequence[str]:
    """The last lines of the log of a search. None if there is no log."""
    try:
        with (run / "search.log").open("rb") as file:
            file.seek(0, 2)
            file.seek(max(0, file.tell() - _LOG_BYTES))
            return file.read().decode("utf-8", "replace").splitlines()[-LOG_LINES:]
    except OSError:
        return []
