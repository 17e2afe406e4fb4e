"""A check as one page of HTML. Leaks come first."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from haemsa.cluster.data_check.check import DataCheck
from haemsa.cluster.data_check.problems import leaks, warnings
from haemsa.cluster.data_check.tables import NOTICE, check_tables, heading
from haemsa.cluster.report.html import Picture, rendered, write

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
    write(path, page(check))


def page(check: DataCheck) -> str:
    """The whole page."""
    return rendered(
        "haemsa.cluster.data_check",
        "check.html",
        title=f"Data check: {check.name}",
        heading=heading(check),
        leaks=leaks(check),
        warnings=warnings(check),
        notes=check.notes,
        sections=list(zip(check_tables(check), _pictures(check), strict=True)),
        notice=NOTICE,
    )


def _pictures(check: DataCheck) -> list[list[Picture]]:
    """Those of each section."""
    from haemsa.cluster.data_check import figures as draw

    figures: list[list[tuple[Figure | None, str]]] = [
        [
            (draw.length_figure(check), "Lengths, in steps, of the samples that have the modality."),
            (draw.range_figure(check), "The values of each column, over all splits, without padding."),
            (draw.absence_figure(check), "The share of samples without a modality, per split."),
            (draw.shift_figure(check), "The columns that differ most between splits."),
        ],
        [(draw.label_figure(check), "The share of each label, per split.")],
        [(draw.skill_figure(check), "How well each modality alone predicts the labels. Lines: two standard errors.")],
        [],
        [],
    ]
    return [[Picture.of(figure, caption) for figure, caption in of if figure is not None] for of in figures]
