"""A drawing is the same as a figure and as an element of a page."""

from __future__ import annotations

from haemsa.cluster.report.figures.drawing import Box, Drawing
from haemsa.cluster.report.figures.network import network_drawing
from haemsa.cluster.report.figures.style import INK, PAPER
from tests.support.cluster.html_reader import Reader
from tests.support.cluster.search_fakes import genome


def test_boxes_lines_and_names_are_in_both_forms() -> None:
    box = Box((2.0, 1.0), ("MLP", "1 x 8"), INK, (1.0, 0.5))
    drawing = Drawing(4.0, 2.0, [((0.0, 0.0), (2.0, 1.0), "#4a90d9", 1.5)], [box], [((0.1, 0.5), "level 1")])
    svg = str(drawing.svg())
    assert svg.startswith('<svg class="drawing" viewBox="0 0 288.0 144.0"')
    assert '<line x1="0.0" y1="0.0" x2="144.0" y2="72.0" stroke="#4a90d9" stroke-width="1.5">' in svg
    assert '<rect x="108.0" y="54.0" width="72.0" height="36.0" rx="4.3" stroke="currentColor"' in svg
    assert ' font-weight="bold">MLP</text>' in svg
    (axes,) = drawing.figure().axes
    assert [text.get_text() for text in axes.texts] == ["level 1", "MLP", "1 x 8"]
    assert [patch.get_edgecolor()[:3] for patch in axes.patches] == [(1 / 255, 2 / 255, 3 / 255)]


def test_an_element_takes_the_pages_colours_and_obeys_no_name() -> None:
    box = Box((1.0, 1.0), ("<b>&",), "#4a90d9", (9.0, 0.5))
    svg = str(Drawing(2.0, 2.0, [], [box], [((0.0, 0.0), "</svg>")]).svg())
    assert "&lt;b&gt;&amp;" in svg
    assert svg.count("</svg>") == 1
    assert not {INK, PAPER} & set(svg.split('"'))


def test_text_is_cut_where_a_box_has_no_room() -> None:
    (line,) = Box((0.0, 0.0), ("attention over everything",), INK, (1.0, 0.5)).texts()
    assert line[0] == "attention over…"


def test_every_element_of_a_network_is_closed() -> None:
    read = Reader(str(network_drawing(genome(3), ("mood", "<felt>")).svg()))
    assert not read.open
    assert "<felt>" in read.words
