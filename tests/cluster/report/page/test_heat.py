"""Shaded tables of a page: their texts, and how strong the colour of each cell is."""

from __future__ import annotations

import numpy as np

from haemsa.cluster.report.best_model.usage import Usage
from haemsa.cluster.report.html import macros
from haemsa.cluster.report.page.heat import confusion_heat, missing_heat, usage_heat


def test_weights_are_shaded_by_their_size() -> None:
    heat = usage_heat(Usage("level 1: experts", ("1: mlp", "2: mlp"), ("all",), np.array([[0.25], [1.0]])), "mood")
    assert heat.caption == "Level 1: experts, by mood: the mean weights of its gates"
    assert [(name, [(cell.text, cell.strength) for cell in cells]) for name, cells in heat.rows] == [
        ("1: mlp", [("0.25", 19)]), ("2: mlp", [("1.00", 75)]),
    ]  # fmt: skip


def test_scores_are_shaded_within_their_column() -> None:
    heat = missing_heat({"text+audio": {"mae": 0.5, "acc7": 0.4}, "text": {"mae": 0.9, "acc7": 0.4}})
    assert [[cell.strength for cell in cells] for _, cells in heat.rows] == [[75, 0], [0, 0]]


def test_mistakes_are_shares_of_the_true_class_and_unlabelled_samples_do_not_count() -> None:
    chances = np.eye(2)[[0, 1, 1, 1]]
    heat = confusion_heat(np.array([0, 0, 1, -1]), chances, ("sad", "<happy>"), "mood")
    assert [[cell.text for cell in cells] for _, cells in heat.rows] == [["50%", "50%"], ["0%", "100%"]]
    shown = str(macros("haemsa.cluster.report", "fragments.html").heat(heat))
    assert "&lt;happy&gt;" in shown
    assert 'style="--strength: 75%">100%</td>' in shown
