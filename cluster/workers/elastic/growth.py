"""Whether a cluster can grow, and which of its nodes leave. Ray has no public function for either."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Iterable
from typing import Final

import ray
from ray.exceptions import RpcError
from ray.experimental.internal_kv import _internal_kv_get

LONGEST_REPORT: Final = 15.0
"""Seconds that an autoscaler may take to say what it is, after its cluster was started."""
_STATUS: Final = "__autoscaling_status"
"""Where the autoscaler writes how it stands. So does the monitor that only watches nodes (`_OF_NO_KIND`)."""
_OF_NO_KIND: Final = r"(node_[0-9a-f]+)?"
"""The kind of a node where no autoscaler starts nodes, as after a plain `ray start --head`."""


def can_grow(within: float = 0.0) -> bool:
    """Whether nodes come when workers wait for them: an autoscaler runs, and it knows kinds of nodes.

    On Kubernetes Ray's second autoscaler tells kinds also where it may not add nodes. Workers then wait in vain, and
    the others train.

    Args:
        within: Wait so many seconds for an autoscaler that has not said anything yet.
    """
    end = time.monotonic() + within
    while True:
        try:
            kinds = _kinds()
        except RpcError:  # the head is too busy to answer
            kinds = set()
        if kinds or time.monotonic() >= end:
            return any(re.fullmatch(_OF_NO_KIND, kind) is None for kind in kinds)
        time.sleep(0.5)


def leaving() -> set[str]:
    """Ids of the nodes that drain: their machines are taken away soon, or they are not needed any more."""
    if _through_client():  # there a driver does not see this
        return set()
    try:
        return set(ray._private.state.state.get_draining_nodes())
    except RpcError:  # the head is too busy to answer
        return set()


def _kinds() -> set[str]:
    """The kinds of nodes that the autoscaler tells. Empty: it has not said anything yet."""
    from ray.autoscaler.v2.sdk import get_cluster_status
    from ray.autoscaler.v2.utils import is_autoscaler_v2

    if not _through_client() and is_autoscaler_v2(fetch_from_server=True):
        status = get_cluster_status(ray.get_runtime_context().gcs_address)
        return {node.ray_node_type_name for node in (*status.active_nodes, *status.idle_nodes)}
    told = _internal_kv_get(_STATUS)
    report = (json.loads(told).get("autoscaler_report") if told else None) or {}
    fields: Iterable[str] = ("active_nodes", "idle_nodes", "pending_launches")
    return {kind for field in fields for kind in report.get(field) or {}}


def _through_client() -> bool:
    from ray.util.client import ray as client

    return bool(client.is_connected())  # type: ignore[no-untyped-call]
