"""What MLflow is told of a final training."""

from __future__ import annotations

import json
from pathlib import Path

from haemsa.cluster.final_model.recipe import Recipe
from haemsa.cluster.final_model.record import trained_record
from haemsa.cluster.final_model.references import better_plain_model
from tests.support.cluster.search_fakes import genome

PLAIN = {"metric": "mae", "direction": "min", "own": 0.7, "scores": {"a linear model": 0.6, "a constant": 1.2}}
FACTS = {
    "models": {
        "model": {"mae": {"mean": 0.5, "std": 0.0, "values": [0.5]}, "corr": {"mean": None, "std": 0.0, "values": []}},
        "each seed": {"mae": {"mean": 0.6, "std": 0.1, "values": [0.55, 0.65]}},
    },
    "objective": "mae", "fingerprint": "abcd", "data": "/data/toy.h5", "protocol": "trained", "batch_size": 16,
    "seeds": [7, 8], "device": "cpu", "ensemble": True, "genomes": 2, "commit": "c0ffee", "began": 1e9,
    "dataset": {"name": "toydata", "fingerprint": "abcd", "tasks": {"sentiment": "regression"}},
    "held_out": {"measured": "on the validation split", "metrics": {"mae": 0.7}, "plain": PLAIN},
}  # fmt: skip


def test_scores_have_the_names_that_they_have_everywhere_and_all_genomes_are_told(tmp_path: Path) -> None:
    (tmp_path / "metrics.json").write_text(json.dumps(FACTS))
    record = trained_record(Recipe(((genome(1), 1), (genome(2), 3)), ensemble=True, name="toy"), tmp_path)
    assert record.metrics == {
        "valid/sentiment/mae": 0.7, "test/sentiment/mae": 0.5, "test_each_seed/sentiment/mae": 0.6,
    }  # fmt: skip
    assert record.seeds == [{"test_by_seed/sentiment/mae": 0.55}, {"test_by_seed/sentiment/mae": 0.65}]
    assert (record.params["levels"], record.params["modalities"], record.params["dropout"]) == (
        "2 | 1", "audio text | audio text vision", 0.3,
    )  # fmt: skip
    assert (record.what, record.began, record.commit) == ("trained, 2 seeds of 2 genomes", 1e9, "c0ffee")
    assert (record.objective, record.score) == ("mae", 0.7)
    assert record.better_plain == "a linear model"
    (line,) = better_plain_model(tmp_path)
    assert line.startswith("A linear model is better than this model: its mae is 0.6, that of this model 0.7, on the")


def test_a_model_that_an_older_version_trained_is_told_too(tmp_path: Path) -> None:
    old = {name: value for name, value in FACTS.items() if name not in ("began", "held_out", "commit")}
    (tmp_path / "metrics.json").write_text(json.dumps({**old, "genomes": 1}))
    record = trained_record(Recipe(((genome(1), 1),)), tmp_path)
    assert (record.what, record.began, record.name) == ("trained, 2 seeds", 0.0, "toy")
    assert (record.better_plain, better_plain_model(tmp_path)) == ("", [])
