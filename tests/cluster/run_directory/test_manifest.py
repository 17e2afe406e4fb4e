"""Where a run comes from."""

from __future__ import annotations

import subprocess

import pytest

from haemsa.cluster.run_directory.manifest import manifest, validation_of
from tests.support.places import ROOT


@pytest.mark.skipif(not (ROOT / ".git").exists(), reason="this is no checkout")
def test_a_run_from_a_checkout_names_its_commit() -> None:
    command = ["git", "-C", str(ROOT), "rev-parse", "HEAD"]
    head = subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
    assert manifest(seed=3)["commit"] == head


def test_the_validation_protocol_is_found_by_its_former_name_too() -> None:
    assert validation_of({"validation": "groups"}) == "groups"
    assert validation_of({"score": "folds:5"}) == "folds:5"
    assert validation_of({}) == "holdout"
