"""What the pages of reports share: one HTML file without scripts that needs no network, light or dark.

Every text is escaped where it enters, because names in a file may hold anything.
"""

from __future__ import annotations

import io
import re
from collections.abc import Iterable, Sequence
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Final

from haemsa.cluster.shared.files import write_text

if TYPE_CHECKING:
    from matplotlib.figure import Figure

STYLE: Final = """
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
.lead { font-size: 1.2rem; font-weight: 600; margin: .8rem 0; }
pre { margin: .6rem 0; padding: .6rem .8rem; white-space: pre-wrap; overflow-wrap: anywhere;
  border: 1px solid var(--line); border-radius: .3rem; font-size: .85rem; }
"""


def document(title: str, body: str) -> str:
    """A whole page with a title. `body` is HTML; the title is not."""
    shown = escape(title)
    return (
        f'<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n<title>{shown}</title>\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<style>{STYLE}</style>\n</head>\n<body>\n<h1>{shown}</h1>\n{body}\n</body>\n</html>\n"
    )


def write(path: Path, text: str) -> None:
    """Write a page to `path`. An older page is replaced only when the new one is complete."""
    path.parent.mkdir(parents=True, exist_ok=True)
    write_text(path, text)


def heading(text: str) -> str:
    """The heading of a section."""
    return f"<h2>{escape(text)}</h2>"


def paragraph(text: str, kind: str = "") -> str:
    """A paragraph. `kind`: a class of `STYLE`, such as "warning"."""
    return f'<p class="{kind}">{escape(text)}</p>' if kind else f"<p>{escape(text)}</p>"


def table(columns: Iterable[str], rows: Iterable[Sequence[str]]) -> str:
    """A table. It scrolls sideways if it is wider than the page."""
    head = "".join(f"<th>{escape(name)}</th>" for name in columns)
    lines = "\n".join(f"<tr>{''.join(f'<td>{escape(cell)}</td>' for cell in row)}</tr>" for row in rows)
    return f'<div class="wide"><table>\n<tr>{head}</tr>\n{lines}\n</table></div>'


def lines(texts: Iterable[str]) -> str:
    """Lines to copy, unchanged."""
    return f"<pre>{escape(chr(10).join(texts))}</pre>"


def picture(figure: Figure, caption: str) -> str:
    """A figure with its caption below."""
    return f"<figure>{svg(figure)}<figcaption>{escape(caption)}</figcaption></figure>"


def svg(figure: Figure) -> str:
    """The figure as an element of a page. Its ink and paper take the page's colours.

    A title given by `haemsa.cluster.report.figures.style.titled` is shown when the pointer rests on the artist.
    """
    from haemsa.cluster.report.figures.style import INK, PAPER, TITLED

    file = io.StringIO()
    figure.savefig(file, format="svg", transparent=True, metadata={"Date": None}, dpi=144)
    text = file.getvalue()
    text = text[text.index("<svg") :].replace(INK, "currentColor").replace(PAPER, "var(--paper)")
    return re.sub(f'<g id="{TITLED}([^"]*)">', r"<g><title>\1</title>", text)
