"""A check as one page of HTML that needs nothing but itself: no scripts, no network, light or dark as the reader likes.

Every text from the data is escaped: names in a file may hold anything.
"""

from __future__ import annotations

import io
from collections.abc import Iterable
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Final

from cluster.data_check import DataCheck
from cluster.data_facts import PROMISE, Facts, facts, heading
from cluster.data_problems import leaks, warnings
from cluster.files import write_text

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_STYLE: Final = """
:root { color-scheme: light dark; --ink: #1c2128; --paper: #ffffff; --line: #d5dae1; --faint: #5b6673;
  --leak: #b3141d; --leak-paper: #fdebec; --warning: #7a4a00; --warning-paper: #fdf3e0; --good: #1a6b3c; }
@media (prefers-color-scheme: dark) { :root { --ink: #e3e8ee; --paper: #14181d; --line: #363e48; --faint: #9aa6b3;
  --leak: #ffb3b3; --leak-paper: #4a1518; --warning: #f0c674; --warning-paper: #37290f; --good: #7fd6a2; } }
body { margin: 2rem auto; max-width: 62rem; padding: 0 1rem; background: var(--paper); color: var(--ink);
  font: 15px/1.5 system-ui, sans-serif; }
h1 { font-size: 1.5rem; margin: 0; overflow-wrap: anywhere; } h2 { font-size: 1.15rem; margin: 2.2rem 0 .4rem; }
p { margin: .4rem 0; overflow-wrap: anywhere; } .faint, figcaption { color: var(--faint); }
.leak, .warning, .note { padding: .5rem .8rem; border-radius: .3rem; }
.leak { color: var(--leak); background: var(--leak-paper); border-left: .35rem solid var(--leak); font-weight: 600; }
.warning { color: var(--warning); background: var(--warning-paper); } .note { border-left: .35rem solid var(--line); }
.good { color: var(--good); font-weight: 600; }
.wide { overflow-x: auto; } table { border-collapse: collapse; font-size: .87rem; }
th, td { text-align: left; padding: .3rem 1rem .3rem 0; border-bottom: 1px solid var(--line); white-space: nowrap; }
th { color: var(--faint); font-weight: 600; } figure { margin: 1rem 0; } figure svg { max-width: 100%; height: auto; }
"""


def write_page(check: DataCheck, path: Path) -> None:
    """Write the page to `path`, replacing what is there once all of it is written."""
    path.parent.mkdir(parents=True, exist_ok=True)
    write_text(path, page(check))


def page(check: DataCheck) -> str:
    """The whole page."""
    title, described = escape(f"Data check: {check.name}"), escape(heading(check))
    return (
        f'<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n<title>{title}</title>\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<style>{_STYLE}</style>\n</head>\n<body>\n<h1>{title}</h1>\n<p>{described}</p>\n"
        f"{_problems(check)}\n{_notes(check)}\n{_sections(check)}\n"
        f'<p class="faint">{escape(PROMISE)}</p>\n</body>\n</html>\n'
    )


def svg(figure: Figure) -> str:
    """The figure as an element of a page, in whose colour of text its ink is drawn."""
    from cluster.view.data_figures import INK

    file = io.StringIO()
    figure.savefig(file, format="svg", transparent=True, metadata={"Date": None})
    text = file.getvalue()
    return text[text.index("<svg") :].replace(INK, "currentColor")


def _problems(check: DataCheck) -> str:
    lines = [f'<p class="leak">LEAK: {escape(sentence)}</p>' for sentence in leaks(check)]
    lines = lines or ['<p class="good">No leak was found.</p>']
    return "\n".join([*lines, *(f'<p class="warning">Warning: {escape(text)}</p>' for text in warnings(check))])


def _sections(check: DataCheck) -> str:
    from cluster.view import data_figures as draw

    pictures: list[list[tuple[Figure | None, str]]] = [
        [
            (draw.length_figure(check), "Lengths of the samples that have the modality."),
            (draw.range_figure(check), "Values of each column, over all splits, without padding."),
            (draw.absence_figure(check), "Samples without a modality."),
            (draw.shift_figure(check), "Columns that differ most between splits."),
        ],
        [(draw.label_figure(check), "Labels in each split.")],
        [(draw.skill_figure(check), "What each modality predicts alone, with two standard errors to each side.")],
        [],
    ]
    return "\n".join(
        f"<h2>{escape(table.title)}</h2>\n{_table(table)}\n{_figures(drawn)}"
        for table, drawn in zip(facts(check), pictures, strict=True)
    )


def _table(found: Facts) -> str:
    head = "".join(f"<th>{escape(name)}</th>" for name in found.columns)
    rows = "\n".join(f"<tr>{''.join(f'<td>{escape(cell)}</td>' for cell in row)}</tr>" for row in found.rows)
    told = f'<p class="faint">{escape(found.help)}</p>'
    return f'<div class="wide"><table>\n<tr>{head}</tr>\n{rows}\n</table></div>\n{told}'


def _figures(drawn: Iterable[tuple[Figure | None, str]]) -> str:
    return "\n".join(
        f"<figure>{svg(figure)}<figcaption>{escape(caption)}</figcaption></figure>"
        for figure, caption in drawn
        if figure is not None
    )


def _notes(check: DataCheck) -> str:
    if not check.notes:
        return ""
    lines = "\n".join(f'<p class="note">{escape(note)}</p>' for note in check.notes)
    return f"<h2>What the reader found</h2>\n{lines}"
