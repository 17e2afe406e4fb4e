"""A drawing of boxes and lines, as a figure of matplotlib or as an element of a page.

A page shows hundreds of drawings, so their elements are written at once and not by way of a figure. Places are inches
from the top left.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from haemsa.cluster.report.figures.style import FAINT, INK, PAPER, drawable

if TYPE_CHECKING:
    from markupsafe import Markup
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Place = tuple[float, float]
_UNITS: Final = 72
"""An inch on a page: fonts have the same numbers as in a figure."""
_SIZES: Final = (8.0, 7.2)
"""Of the first line in a box, and of the others."""
_LETTERS: Final = (15.5, 16.0)
"""So many letters of these lines fit in an inch of a box."""
_LEADING: Final = 0.17


@dataclass(frozen=True)
class Box:
    """A box around `place` with lines of text. The first line is bold if there are several."""

    place: Place
    lines: tuple[str, ...]
    colour: str
    size: Place
    round_by: float = 0.06

    def texts(self) -> Iterator[tuple[str, Place, float, bool]]:
        """Each line: its text as far as there is room, the place of its middle, its size, and whether it is bold."""
        for number, line in enumerate(self.lines):
            y = self.place[1] + (number - (len(self.lines) - 1) / 2) * _LEADING
            limit = int(self.size[0] * _LETTERS[min(number, 1)])
            text = line if len(line) <= limit else line[: limit - 1] + "…"
            yield text, (self.place[0], y), _SIZES[min(number, 1)], number == 0 < len(self.lines) - 1


@dataclass
class Drawing:
    """Boxes over lines, and names at the left margin. `lines`: start, end, colour and width."""

    width: float
    height: float
    lines: list[tuple[Place, Place, str, float]] = field(default_factory=list)
    boxes: list[Box] = field(default_factory=list)
    names: list[tuple[Place, str]] = field(default_factory=list)

    def figure(self) -> Figure:
        """The drawing as a figure of matplotlib."""
        from matplotlib.figure import Figure

        figure = Figure(figsize=(self.width, self.height))
        axes = figure.add_axes((0, 0, 1, 1))
        axes.set(xlim=(0, self.width), ylim=(self.height, 0))
        axes.set_axis_off()
        for (x, y), name in self.names:
            axes.text(x, y, drawable(name, 99), color=FAINT, fontsize=8.5, va="center")
        for start, end, colour, width in self.lines:
            axes.plot(*zip(start, end, strict=True), color=colour, linewidth=width, alpha=0.85, zorder=1)
        for box in self.boxes:
            _draw_box(axes, box)
        return figure

    def svg(self) -> Markup:
        """The drawing as an element of a page. It takes the page's colours of text and paper."""
        from markupsafe import Markup

        head = Markup('<svg class="drawing" viewBox="0 0 {} {}" role="img" xmlns="http://www.w3.org/2000/svg">')
        parts = [head.format(_units(self.width), _units(self.height))]
        line = Markup('<line x1="{}" y1="{}" x2="{}" y2="{}" stroke="{}" stroke-width="{}"></line>')
        parts += [line.format(*map(_units, (*start, *end)), _ink(ink), width) for start, end, ink, width in self.lines]
        name = Markup('<text x="{}" y="{}" font-size="8.5" fill="{}">{}</text>')
        parts += [name.format(_units(x), _units(y), FAINT, text) for (x, y), text in self.names]
        parts += [_box_element(box) for box in self.boxes]
        return Markup("").join([*parts, Markup("</svg>")])


def _draw_box(axes: Axes, box: Box) -> None:
    from matplotlib.patches import FancyBboxPatch

    (x, y), (width, height), by = box.place, box.size, box.round_by
    corner, style = (x - width / 2 + by, y - height / 2 + by), f"round,pad={by}"
    look: dict[str, Any] = {"facecolor": PAPER, "edgecolor": box.colour, "linewidth": 1.5, "zorder": 2}
    axes.add_patch(FancyBboxPatch(corner, width - 2 * by, height - 2 * by, boxstyle=style, **look))
    for text, place, size, bold in box.texts():
        words: dict[str, Any] = {"ha": "center", "va": "center", "zorder": 3, "weight": "bold" if bold else None}
        axes.text(*place, drawable(text, 999), color=INK, fontsize=size, **words)


def _box_element(box: Box) -> Markup:
    from markupsafe import Markup

    (x, y), (width, height) = box.place, box.size
    rect = Markup('<rect x="{}" y="{}" width="{}" height="{}" rx="{}" stroke="{}" fill="var(--paper)"></rect>')
    corner = (x - width / 2, y - height / 2)
    parts = [rect.format(*map(_units, (*corner, width, height, box.round_by)), _ink(box.colour))]
    line = Markup('<text x="{}" y="{}" font-size="{}" text-anchor="middle"{}>{}</text>')
    weight = {True: Markup(' font-weight="bold"'), False: ""}
    parts += [line.format(*map(_units, place), size, weight[bold], text) for text, place, size, bold in box.texts()]
    return Markup("").join(parts)


def _units(inches: float) -> str:
    return f"{inches * _UNITS:.1f}"


def _ink(colour: str) -> str:
    return "currentColor" if colour == INK else colour
