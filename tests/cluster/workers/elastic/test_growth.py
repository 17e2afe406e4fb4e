"""How it is found out whether a cluster can grow."""

from __future__ import annotations

import json
from types import SimpleNamespace
from typing import Any

import pytest
from ray.exceptions import RpcError

from haemsa.cluster.workers.elastic import growth

WATCHED = {"node_ee7896c3c5b7": 1}


def report(**told: Any) -> bytes:
    return json.dumps(
        {"autoscaler_report": {"active_nodes": {}, "idle_nodes": None, "pending_launches": {}} | told}
    ).encode()


@pytest.fixture
def first_autoscaler(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """The cluster has Ray's first autoscaler, which has told what is in the list, the last of it now."""
    told: list[Any] = []
    monkeypatch.setattr("ray.autoscaler.v2.utils.is_autoscaler_v2", lambda **_: False)
    monkeypatch.setattr(growth.time, "sleep", lambda _: told.pop())
    monkeypatch.setattr(growth, "_internal_kv_get", lambda _: told[-1])
    return told


@pytest.mark.parametrize(
    ("told", "grows"),
    [
        (report(active_nodes={"ray.head.default": 1}), True),
        (report(active_nodes=WATCHED), False),
        (report(active_nodes=WATCHED, pending_launches={"gpu": 1}), True),
        (report(), False),
        (json.dumps({"load_metrics_report": {}}).encode(), False),
        (None, False),
    ],
    ids=["a head of a kind", "a plain head", "nodes to come", "no nodes yet", "not yet updated", "nothing told"],
)
def test_an_autoscaler_knows_kinds_of_nodes(first_autoscaler: list[Any], told: bytes | None, grows: bool) -> None:
    first_autoscaler.append(told)
    assert growth.can_grow() is grows


def test_an_autoscaler_that_has_just_started_is_awaited(first_autoscaler: list[Any]) -> None:
    first_autoscaler += [report(active_nodes={"headgroup": 1}), None, None]
    assert growth.can_grow(within=60.0)


@pytest.mark.parametrize(("kind", "grows"), [("node_ee78", False), ("", False), ("gpu-group", True)])
def test_the_second_autoscaler_tells_kinds_with_its_nodes(
    monkeypatch: pytest.MonkeyPatch, kind: str, grows: bool
) -> None:
    status = SimpleNamespace(active_nodes=[], idle_nodes=[SimpleNamespace(ray_node_type_name=kind)])
    monkeypatch.setattr("ray.autoscaler.v2.utils.is_autoscaler_v2", lambda **_: True)
    monkeypatch.setattr("ray.autoscaler.v2.sdk.get_cluster_status", lambda _: status)
    monkeypatch.setattr(growth.ray, "get_runtime_context", lambda: SimpleNamespace(gcs_address="head:6379"))
    assert growth.can_grow() is grows


def test_a_head_that_does_not_answer_is_no_reason_to_stop(monkeypatch: pytest.MonkeyPatch) -> None:
    def busy(*_: Any) -> Any:
        raise RpcError("deadline exceeded")

    monkeypatch.setattr(growth, "_kinds", busy)
    monkeypatch.setattr(growth.ray._private.state.state, "get_draining_nodes", busy)
    assert (growth.can_grow(), growth.leaving()) == (False, set())
