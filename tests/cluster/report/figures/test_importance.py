"""Pictures of the genes that matter."""

from __future__ import annotations

import numpy as np

from haemsa.cluster.report.figures.importance import importance_figure, parallel_figure
from haemsa.cluster.report.html import svg
from haemsa.cluster.report.importance import GeneImportance, Importance
from haemsa.evo.expert_space.features import Gene, GeneTable

FOUND = Importance("mae", 40, 0.5, 0.6, (GeneImportance("reads text", 0.4, 0.1), GeneImportance("epochs", -0.02, 0.01)))
TABLE = GeneTable(
    (Gene("learning rate", "log"), Gene("encoder of text", "choice", ("mean", "attention")), Gene("epochs", "count")),
    np.array([[-3.0, 0, 4], [-2.0, 1, 8], [-2.5, np.nan, 8]]),
)
ROWS = [
    {"id": 7, "mae": 0.9, "corr": 0.1},
    {"id": 8, "mae": 0.5, "corr": 0.7},
    {"id": 9, "mae": 0.7, "corr": 0.4},
]


def test_each_gene_has_a_bar_with_its_spread() -> None:
    axes = importance_figure(FOUND).axes[0]
    assert [bar.get_width() for bar in axes.patches] == [0.4, -0.02]
    assert [text.get_text() for text in axes.get_yticklabels()] == ["reads text", "epochs"]
    (errors,) = axes.collections
    np.testing.assert_allclose([path.vertices[:, 0] for path in errors.get_paths()], [[0.3, 0.5], [-0.03, -0.01]])


def test_each_genome_is_a_line_over_genes_and_objectives_the_best_on_top() -> None:
    figure = parallel_figure(TABLE, ROWS, {"mae": "min", "corr": "max"}, ["learning rate", "encoder of text"])
    axes = figure.axes[0]
    lines = [line for line in axes.lines if len(line.get_ydata()) == 4]
    heights = np.array([line.get_ydata() for line in lines])  # the worst first
    np.testing.assert_allclose(heights[:, 0], [0, 0.5, 1])
    np.testing.assert_allclose(heights[:, 2], [1, 0.5, 0])
    np.testing.assert_allclose(heights[:, 3], [0, 0.5, 1])
    assert heights[1, 1] < -0.05 < heights[0, 1] < heights[2, 1]  # a gene without meaning is below all
    assert lines[-1].get_linewidth() > lines[0].get_linewidth()
    words = [text.get_text() for text in axes.texts]
    assert {"0.001", "0.01", "mean", "attention", "none"} <= set(words)
    assert "epochs" not in [text.get_text() for text in axes.get_xticklabels()]
    assert "<g><title>candidate 8: mae 0.5, corr 0.7</title>" in svg(figure)


def test_genomes_that_do_not_differ_are_drawn_too() -> None:
    same = GeneTable(TABLE.genes, np.repeat(TABLE.values[:1], 3, axis=0))
    figure = parallel_figure(same, [{**ROWS[0], "id": number} for number in range(3)], {"mae": "min"})
    assert svg(figure).startswith("<svg")
