"""Data in a few words and numbers."""

from __future__ import annotations

import json
from pathlib import Path

from haemsa.cluster.tracking.dataset_input import dataset_input
from haemsa.model.data.builtin.planted import EMOTIONS
from haemsa.model.data.summary import provenance
from tests.support.cluster import tiny


def test_data_is_told_by_shapes_tasks_and_sizes() -> None:
    assert provenance(tiny.data(), "planted") == {
        "name": "planted",
        "fingerprint": tiny.data().fingerprint,
        "source": "planted",
        "modalities": {name: [item.steps, item.width] for name, item in tiny.data().modalities.items()},
        "tasks": {"sentiment": "regression in [-3, 3]", "emotion": f"classes: {', '.join(EMOTIONS)}"},
        "splits": {"train": 120, "valid": 40, "test": 40},
    }


def test_a_path_is_told_whole_and_a_name_as_it_is(tmp_path: Path) -> None:
    path = tiny.stored(tmp_path)
    found = dataset_input(provenance(tiny.data(), str(path)), "training").dataset
    assert (found.source_type, json.loads(found.source)) == ("local", {"uri": str(path)})
    named = dataset_input(provenance(tiny.data(), "planted"), "training").dataset
    assert (named.source_type, json.loads(named.source)) == ("code", {"tags": {"mlflow.source.name": "planted"}})
