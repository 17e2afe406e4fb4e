"""What the pages of reports share: one HTML file that needs no other file and no network, light or dark.

The pages are templates of jinja2. Every text is escaped where it enters, because names in a file may hold anything.
"""

from __future__ import annotations

import io
import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from haemsa.cluster.shared.files import to_json, write_text

if TYPE_CHECKING:
    from jinja2 import Environment
    from markupsafe import Markup
    from matplotlib.figure import Figure


@dataclass(frozen=True)
class Picture:
    """A figure as an element of a page, and its caption."""

    svg: Markup
    caption: str

    @classmethod
    def of(cls, figure: Figure, caption: str) -> Picture:
        """A figure for a page."""
        from markupsafe import Markup

        return cls(Markup(svg(figure)), caption)


def rendered(room: str, template: str, **values: Any) -> str:
    """A whole page.

    Args:
        room: the package in whose folder `templates` the page is, such as "haemsa.cluster.report".
        template: the file. It may extend `base.html` of this room.
        values: what it shows. Everything is escaped except markup.
    """
    return _environment(room).get_template(template).render(values)


def macros(room: str, template: str) -> Any:
    """The macros of a template as functions that give markup. Everything that they show is escaped except markup."""
    return _environment(room).get_template(template).module


def _environment(room: str) -> Environment:
    from jinja2 import ChoiceLoader, Environment, PackageLoader, StrictUndefined

    return Environment(
        loader=ChoiceLoader([PackageLoader(room), PackageLoader("haemsa.cluster.report")]),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )


def embedded(value: Any) -> Markup:
    """A value as JSON inside a page. Nothing in it can end the element that it stands in."""
    from markupsafe import Markup

    text = to_json(value)
    for sign in "<>&":
        text = text.replace(sign, f"\\u{ord(sign):04x}")
    return Markup(text)


def trusted(text: str) -> Markup:
    """Text of a library of ours that a page takes as it is."""
    from markupsafe import Markup

    return Markup(text)


def write(path: Path, text: str) -> None:
    """Write a page to `path`. An older page is replaced only when the new one is complete."""
    path.parent.mkdir(parents=True, exist_ok=True)
    write_text(path, text)


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
