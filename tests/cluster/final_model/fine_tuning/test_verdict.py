"""Whether fine-tuning is worth it, by curves that are made by hand."""

from __future__ import annotations

import json
import math
from pathlib import Path

import pytest

from haemsa.cluster.final_model.fine_tuning.verdict import fine_tuning_note, verdict


def test_other_folds_choose_the_epoch_that_scores_a_fold() -> None:
    found = verdict("mae", [[1.0, 0.9, 0.2], [1.0, 0.6, 0.9], [1.0, 0.6, 0.9]])
    assert found.each == (1, 2, 2)  # the second fold would have chosen epoch 1 for itself
    assert found.epochs == 2  # the means are 1, 0.7 and 2/3
    assert found.after == pytest.approx(0.9)
    assert found.gain == pytest.approx(0.1)
    assert found.error == 0


def test_the_error_is_that_of_the_difference_paired_by_folds() -> None:
    found = verdict("accuracy", [[0.5, 0.6], [0.7, 0.9]])
    assert (found.before, found.after) == (pytest.approx(0.6), pytest.approx(0.75))
    assert found.error == pytest.approx(math.sqrt(0.005) / math.sqrt(2))  # of 0.1 and 0.2
    assert found.kept


def test_a_gain_within_the_error_is_not_kept() -> None:
    found = verdict("mae", [[1.0, 0.4], [1.0, 0.4], [1.0, 1.4], [1.0, 1.1]])
    assert 0 < found.gain < found.error
    assert not found.kept


def test_what_is_never_better_is_not_kept_and_stays_at_epoch_zero() -> None:
    found = verdict("mae", [[1.0, 1.1, 1.3], [1.0, 1.2]])
    assert (found.epochs, found.each, found.kept) == (0, (0, 0), False)
    assert found.before == found.after


def test_a_fold_that_stopped_early_stays_as_it_was_last() -> None:
    found = verdict("mae", [[1.0, 0.8, 0.9], [1.0, 0.9, 0.8, 0.6, 0.5]])
    assert found.epochs == 4  # 0.9 and 0.5
    assert found.each == (4, 1)
    assert found.after == pytest.approx(0.9)


def test_the_sentence_shows_both_figures(tmp_path: Path) -> None:
    better = verdict("mae", [[1.0, 0.8], [1.0, 0.7]])
    assert better.sentence == (
        "mae on held-out folds 1 before, 0.75 after; better by 0.25 ± 0.05, so the model has it (1 epoch)"
    )
    worse = verdict("accuracy", [[0.5, 0.55], [0.6, 0.45]])
    assert worse.sentence == (
        "accuracy on held-out folds 0.55 before, 0.475 after; not better by more than the error of 0.075, so the "
        "model does without"
    )
    (tmp_path / "metrics.json").write_text(json.dumps({"finetuned": better.facts("text_bert")}))
    assert fine_tuning_note(tmp_path) == [f"fine-tuning text_bert: {better.sentence}"]
    (tmp_path / "metrics.json").write_text("{}")
    assert fine_tuning_note(tmp_path) == []
