"""Trials that wait for nodes: what is said, and when it is given up."""

from __future__ import annotations

import logging
from types import SimpleNamespace

import pytest

from haemsa.cluster.config import Compute
from haemsa.cluster.tuning import waits
from haemsa.cluster.tuning.waits import Waits

RUNS, PENDING = SimpleNamespace(status="RUNNING"), SimpleNamespace(status="PENDING")
WAITS = "the work waits for a core and label market=spot: 0 of 0 cores are free; the cluster was asked for more"


@pytest.fixture(autouse=True)
def nothing_is_free(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(waits, "free", lambda: "0 of 0 cores are free")


@pytest.mark.parametrize("grows", [True, False])
def test_it_is_said_when_no_trial_runs_and_when_one_does(
    grows: bool, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(waits, "can_grow", lambda: grows)
    now = [0.0]
    watch = Waits(Compute(node_labels={"market": "spot"}), now=lambda: now[0])
    with caplog.at_level(logging.WARNING):
        for now[0], trials in ((0.0, [PENDING]), (20.0, [PENDING]), (30.0, [PENDING, RUNS]), (300.0, [PENDING, RUNS])):
            watch.on_step_begin(trials=trials)
    assert caplog.messages == ([WAITS, "the work goes on with 1 of 1 workers"] if grows else [])


def test_it_gives_up_after_the_timeout_of_nodes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(waits, "can_grow", lambda: True)
    now = [0.0]
    watch = Waits(Compute.of({"node_timeout": "2m"}), now=lambda: now[0])
    for now[0] in (0.0, 119.0):
        watch.on_step_begin(trials=[PENDING])
    now[0] = 125.0
    with pytest.raises(ValueError, match="no worker has come within 120 seconds: a worker needs a core"):
        watch.on_step_begin(trials=[PENDING])
