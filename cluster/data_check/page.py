"""A check as one page of HTML. Leaks come first."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from haemsa.cluster.data_check.check import DataCheck
from haemsa.cluster.data_check.problems import leaks, warnings
from haemsa.cluster.data_check.tables import NOTICE, check_tables, heading
from haemsa.cluster.report import html

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def write_page(check: DataCheck, path: Path) -> None:
    """Write a check as a page with pictures. An older page is replaced only when the new one is complete.

    Args:
        check: what `check_data` returned.
        path: the HTML file to write.

    Example:
        >>> write_check(check_data(load_data("planted")), Path("check.html"))  # doctest: +SKIP
    """
    html.write(path, page(check))


def page(check: DataCheck) -> str:
    """The whole page."""
    parts = [html.paragraph(heading(check)), _problems(check), _notes(check), _sections(check)]
    return html.document(f"Data check: {check.name}", "\n".join([*parts, html.paragraph(NOTICE, "faint")]))


def _problems(check: DataCheck) -> str:
    lines = [html.paragraph(f"LEAK: {sentence}", "leak") for sentence in leaks(check)]
    lines = lines or [html.paragraph("No leak was found.", "good")]
    return "\n".join([*lines, *(html.paragraph(f"Warning: {text}", "warning") for text in warnings(check))])


def _sections(check: DataCheck) -> str:
    from haemsa.cluster.data_check import figures as draw

    pictures: list[list[tuple[Figure | None, str]]] = [
        [
            (draw.length_figure(check), "Lengths, in steps, of the samples that have the modality."),
            (draw.range_figure(check), "The values of each column, over all splits, without padding."),
            (draw.absence_figure(check), "The share of samples without a modality, per split."),
            (draw.shift_figure(check), "The columns that differ most between splits."),
        ],
        [(draw.label_figure(check), "The share of each label, per split.")],
        [(draw.skill_figure(check), "How well each modality alone predicts the labels. Lines: two standard errors.")],
        [],
    ]
    return "\n".join(
        f"{html.heading(table.title)}\n{html.table(table.columns, table.rows)}\n"
        f"{html.paragraph(table.help, 'faint')}\n{_figures(drawn)}"
        for table, drawn in zip(check_tables(check), pictures, strict=True)
    )


def _figures(drawn: Iterable[tuple[Figure | None, str]]) -> str:
    return "\n".join(html.picture(figure, caption) for figure, caption in drawn if figure is not None)


def _notes(check: DataCheck) -> str:
    if not check.notes:
        return ""
    return "\n".join([html.heading("Notes on the data"), *(html.paragraph(note, "note") for note in check.notes)])
