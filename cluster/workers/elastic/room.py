"""Whether a cluster has, or can get, what the workers need. It is checked before anything is computed."""

from __future__ import annotations

from haemsa.cluster.workers.elastic.crew import Crew
from haemsa.cluster.workers.elastic.growth import LONGEST_REPORT, can_grow
from haemsa.cluster.workers.elastic.nodes import alive, room_for


def check_room(crew: Crew) -> None:
    """Raise ValueError if the cluster lacks what the workers need, and if it cannot grow."""
    room, lacking = room_for(crew.needs), crew.needs.lacking(alive())
    if lacking is None and (crew.count or 0) <= room:
        return
    if not can_grow(within=LONGEST_REPORT):
        raise ValueError(lacking or f"workers is {crew.count}, but the Ray cluster has room for {room}")
