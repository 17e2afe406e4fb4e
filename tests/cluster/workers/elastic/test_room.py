"""For how many workers a cluster has room, and when it is refused."""

from __future__ import annotations

from typing import Any

import pytest

from haemsa.cluster.workers.elastic import nodes, room
from haemsa.cluster.workers.elastic.crew import Crew
from haemsa.cluster.workers.elastic.needs import Needs
from haemsa.cluster.workers.elastic.nodes import room_for


@pytest.fixture(autouse=True)
def four_nodes(monkeypatch: pytest.MonkeyPatch) -> None:
    """Three nodes that are there, and one that has left."""
    found: list[tuple[dict[str, float], dict[str, str], bool]] = [
        ({"CPU": 4.0, "GPU": 2.0, "accelerator_type:H100": 1.0}, {"zone": "a"}, True),
        ({"CPU": 1.0, "GPU": 2.0}, {"zone": "b"}, True),
        ({"CPU": 2.0, "disk": 3.0}, {"zone": "b"}, True),
        ({"CPU": 9.0}, {}, False),
    ]
    listed: list[dict[str, Any]] = [
        {"NodeID": str(number), "Resources": has, "Labels": labels, "Alive": alive}
        for number, (has, labels, alive) in enumerate(found)
    ]
    monkeypatch.setattr(nodes.ray, "nodes", lambda: listed)


@pytest.mark.parametrize(
    ("needs", "expected"),
    [
        (Needs(), 7),
        (Needs(2.0), 3),
        (Needs(9.0), 0),
        (Needs(gpus=1.0), 3),
        (Needs(gpus=0.6), 3),
        (Needs(gpus=0.5), 5),
        (Needs(gpus=0.1), 5),
        (Needs(resources={"accelerator_type:H100": 0.001}), 4),
        (Needs(resources={"disk": 2.0}), 1),
        (Needs(labels={"zone": "b"}), 3),
        (Needs(gpus=1.0, labels={"zone": "b"}), 1),
        (Needs(labels={"zone": "c"}), 0),
    ],
)
def test_workers_are_counted_node_by_node_and_gpu_by_gpu(needs: Needs, expected: int) -> None:
    assert room_for(needs) == expected


def test_nodes_that_leave_have_no_room() -> None:
    assert room_for(Needs(), without={"0"}) == 3


@pytest.mark.parametrize(
    ("crew", "words"),
    [
        (Crew(8), "workers is 8, but the Ray cluster has room for 7"),
        (Crew(needs=Needs(gpus=100.0)), "a worker asks for 100 GPUs, but the cluster has 4"),
        (Crew(needs=Needs(gpus=3.0)), "a worker asks for a core and 3 GPUs, but no node of the cluster has that"),
        (
            Crew(needs=Needs(resources={"accelerator_type:B200": 0.001}, labels={"zone": "a"})),
            "a worker asks for a core and 0.001 accelerator_type:B200 and label zone=a, but no node of the cluster has",
        ),
    ],
)
def test_what_the_cluster_lacks_is_refused_only_where_it_cannot_grow(
    monkeypatch: pytest.MonkeyPatch, crew: Crew, words: str
) -> None:
    monkeypatch.setattr(room, "can_grow", lambda within: False)
    with pytest.raises(ValueError, match=words):
        room.check_room(crew)
    monkeypatch.setattr(room, "can_grow", lambda within: True)
    room.check_room(crew)


@pytest.mark.parametrize("crew", [Crew(7), Crew(), Crew(most=64), Crew(needs=Needs(9.0))])
def test_what_has_room_and_auto_are_never_refused(monkeypatch: pytest.MonkeyPatch, crew: Crew) -> None:
    monkeypatch.setattr(room, "can_grow", lambda within: pytest.fail("nobody needs to know"))
    room.check_room(crew)
