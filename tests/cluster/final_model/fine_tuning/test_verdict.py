"""Whether fine-tuning is worth it, by curves that are made by hand."""

from __future__ import annotations

import json
import math
from pathlib import Path

import pytest

from haemsa.cluster.final_model.fine_tuning.verdict import fine_tuning_note, verdict


def still(curves: list[list[float]]) -> list[list[float]]:
    """A control that changes nothing."""
    return [curve[:1] for curve in curves]


def test_other_folds_choose_the_epoch_that_scores_a_fold() -> None:
    curves = [[1.0, 0.9, 0.2], [1.0, 0.6, 0.9], [1.0, 0.6, 0.9]]
    found = verdict("mae", curves, still(curves))
    assert found.each == (1, 2, 2)  # the second fold would have chosen epoch 1 for itself
    assert found.epochs == 2  # the means are 1, 0.7 and 2/3
    assert found.after == pytest.approx(0.9)
    assert found.gain == pytest.approx(0.1)
    assert found.error == 0


def test_the_error_is_that_of_the_difference_paired_by_folds() -> None:
    found = verdict("accuracy", [[0.5, 0.6], [0.7, 0.9]], [[0.5], [0.7]])
    assert (found.before, found.after) == (pytest.approx(0.6), pytest.approx(0.75))
    assert found.error == pytest.approx(math.sqrt(0.005) / math.sqrt(2))  # of 0.1 and 0.2
    assert found.kept


def test_a_gain_within_the_error_is_not_kept() -> None:
    found = verdict("mae", [[1.0, 0.4], [1.0, 0.4], [1.0, 1.4], [1.0, 1.1]], [[1.0]] * 4)
    assert 0 < found.gain < found.error
    assert not found.kept


def test_what_is_never_better_is_not_kept_and_stays_at_epoch_zero() -> None:
    found = verdict("mae", [[1.0, 1.1, 1.3], [1.0, 1.2]], [[1.0, 1.1], [1.0, 1.1]])
    assert (found.epochs, found.each, found.kept) == (0, (0, 0), False)
    assert found.before == found.without == found.after


def test_what_networks_gain_without_the_encoder_is_not_its_gain() -> None:
    tuned, control = [[1.0, 0.7], [0.9, 0.6], [1.1, 0.9]], [[1.0, 0.7], [0.9, 0.7], [1.1, 0.8]]
    found = verdict("mae", tuned, control)
    assert (found.before, found.without) == (pytest.approx(1), pytest.approx(2.2 / 3))
    assert found.gain == pytest.approx(0)
    assert found.error == pytest.approx(0.1 / math.sqrt(3))  # of 0, -0.1 and 0.1
    assert not found.kept
    assert verdict("mae", tuned, still(tuned)).kept


def test_networks_that_are_worse_without_the_encoder_are_not_the_measure() -> None:
    found = verdict("accuracy", [[0.5, 0.7], [0.5, 0.7]], [[0.5, 0.6, 0.3], [0.5, 0.3, 0.6]])
    assert found.without == pytest.approx(0.3)  # the other fold chose the epoch of each, and chose badly
    assert found.gain == pytest.approx(0.2)


def test_a_fold_that_stopped_early_stays_as_it_was_last() -> None:
    found = verdict("mae", [[1.0, 0.8, 0.9], [1.0, 0.9, 0.8, 0.6, 0.5]], [[1.0], [1.0]])
    assert found.epochs == 4  # 0.9 and 0.5
    assert found.each == (4, 1)
    assert found.after == pytest.approx(0.9)


def test_the_sentence_shows_all_three_figures(tmp_path: Path) -> None:
    better = verdict("mae", [[1.0, 0.8], [1.0, 0.7]], [[1.0, 0.9], [1.0, 0.9]])
    assert better.sentence == (
        "mae on held-out folds 1 before, 0.9 if only the networks train on, 0.75 with the encoder; better by 0.15 ± "
        "0.05, so the model has it (1 epoch)"
    )
    worse = verdict("accuracy", [[0.5, 0.55], [0.6, 0.45]], [[0.5], [0.6]])
    assert worse.sentence == (
        "accuracy on held-out folds 0.55 before, 0.55 if only the networks train on, 0.475 with the encoder; not "
        "better by more than the error of 0.075, so the model does without"
    )
    (tmp_path / "metrics.json").write_text(json.dumps({"finetuned": better.facts("text_bert")}))
    assert fine_tuning_note(tmp_path) == [f"fine-tuning text_bert: {better.sentence}"]
    (tmp_path / "metrics.json").write_text("{}")
    assert fine_tuning_note(tmp_path) == []
