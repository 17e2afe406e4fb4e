"""What the pages of reports share: one HTML file without scripts that needs no network, light or dark.

The pages are templates of jinja2. Every text is escaped where it enters, because names in a file may hold anything.
"""

from __future__ import annotations

import io
import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from haemsa.cluster.shared.files import write_text

if TYPE_CHECKING:
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
    from jinja2 import ChoiceLoader, Environment, PackageLoader, StrictUndefined

    environment = Environment(
        loader=ChoiceLoader([PackageLoader(room), PackageLoader("haemsa.cluster.report")]),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    return environment.get_template(template).render(values)


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
