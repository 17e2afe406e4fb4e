"""How all pictures of pages look: transparent, with text and lines in `INK`. A page replaces `INK` by its own colour.

A page is light or dark. Every other colour can be read on both.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from matplotlib.artist import Artist
    from matplotlib.axes import Axes
    from matplotlib.cm import ScalarMappable
    from matplotlib.colors import Colormap
    from matplotlib.figure import Figure

INK: Final = "#010203"
"""Stands for the page's colour of text."""
PAPER: Final = "#fefdfc"
"""Stands for the page's background, and covers what is behind. Nearly white in a picture that is saved as a file."""
SERIES: Final = (
    "#4a90d9", "#d9822b", "#35a67c", "#b565c9", "#cf5050", "#93922c", "#2fa9b5", "#a17a55", "#7d7fd6", "#d65f98",
)  # fmt: skip
FAINT: Final = "#8d98a5"
STRONG: Final = "#dd6230"
TITLED: Final = "title: "
"""The id of an artist with a title begins with this."""
WIDTH: Final = 9.0
"""Inches across."""
_PANELS: Final = 18
MOST_ROWS: Final = 40


def colours_of(names: Iterable[str], known: Iterable[str] = ()) -> dict[str, str]:
    """A colour for each of the names. Those that are known have the same colour in all pictures with the same `known`.

    Example:
        >>> colours_of(["text"], known=["audio", "text"])["text"] == SERIES[1]
        True
    """
    ordered = list(dict.fromkeys([*sorted(known), *sorted(names)]))
    return {name: SERIES[place % len(SERIES)] for place, name in enumerate(ordered)}


def panels_of(names: Sequence[str], across: int, height: float = 2.2) -> tuple[Figure, list[Axes]]:
    """A panel of `height` inches per name, `across` in a row. Of many names, only the first have one."""
    from matplotlib.figure import Figure

    count = min(len(names), _PANELS)
    across = min(across, count)
    down = -(-count // across)
    figure = Figure(figsize=(WIDTH, 0.5 + height * down), layout="constrained")
    panels = [figure.add_subplot(down, across, number + 1) for number in range(count)]
    for axes, name in zip(panels, names, strict=False):
        plain(axes)
        axes.set_title(drawable(name, 30), fontsize=10, color=INK)
    _tell_rest(figure, count, len(names))
    return figure, panels


def rows_of(names: Sequence[str], height: float = 0.32) -> tuple[Figure, Axes]:
    """One panel with a row of `height` inches per name, the first on top. Of many names only the first have one."""
    from matplotlib.figure import Figure

    count = min(len(names), MOST_ROWS)
    figure = Figure(figsize=(WIDTH, 1.1 + height * count), layout="constrained")
    axes = figure.add_subplot()
    plain(axes)
    axes.set_yticks(range(count), [drawable(name, 40) for name in names[:count]])
    axes.set_ylim(count - 0.5, -0.5)
    _tell_rest(figure, count, len(names))
    return figure, axes


def plain(axes: Axes) -> None:
    """No box, a faint grid behind, and everything in ink."""
    axes.set_facecolor("none")
    axes.spines[["top", "right"]].set_visible(False)
    axes.spines[["left", "bottom"]].set_color(INK)
    axes.tick_params(which="both", colors=INK, labelsize=8)
    for label in (axes.xaxis.label, axes.yaxis.label):
        label.set(color=INK, fontsize=9)
    axes.grid(color=INK, alpha=0.12, linewidth=0.8)
    axes.set_axisbelow(True)


def legend(axes: Axes, columns: int = 3) -> None:
    """A legend above the whole figure, where it covers nothing."""
    handles, names = axes.get_legend_handles_labels()
    place: Any = "outside upper left"  # the types of matplotlib only know places inside axes
    axes.figure.legend(handles, names, loc=place, frameon=False, fontsize=8, labelcolor=INK, ncols=columns)


def drawable(text: str, limit: int) -> str:
    """`text` in letters that the font has, cut to `limit`. Signs that would make it a formula are escaped."""
    shown = "".join(sign if ord(sign) < 0x250 else "?" for sign in text)
    return (shown if len(shown) <= limit else shown[: limit - 1] + "…").replace("$", r"\$")


def scale() -> Colormap:
    """Colours from low to high values. All can be read on light and dark."""
    from matplotlib.colors import LinearSegmentedColormap

    return LinearSegmentedColormap.from_list("scale", ["#2f7fe0", "#2fa9b5", FAINT, "#d9a02b", "#e0452f"])


def colour_bar(figure: Figure, drawn: ScalarMappable, axes: Axes | Sequence[Axes], label: str) -> None:
    """A bar next to the panels that says what the colours of `drawn` mean."""
    bar = figure.colorbar(drawn, ax=axes)
    bar.set_label(label, color=INK, fontsize=9)
    bar.ax.tick_params(which="both", colors=INK, labelsize=8)
    bar.outline.set_visible(False)


def titled(artist: Artist, title: str) -> None:
    """Give an artist a title. A page shows it when the pointer rests on the artist."""
    artist.set_gid(TITLED + title)


def _tell_rest(figure: Figure, count: int, total: int) -> None:
    if count < total:
        figure.supxlabel(f"the first {count} of {total}", color=INK, fontsize=9)
