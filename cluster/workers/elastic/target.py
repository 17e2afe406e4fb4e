"""How many workers to have now: as the cluster stands, or more, so that nodes come."""

from __future__ import annotations

from dataclasses import dataclass

from haemsa.cluster.workers.elastic.crew import Crew


@dataclass(frozen=True)
class Stand:
    """How a pool of workers stands.

    `room`: workers for which the nodes have room. `placed`: workers that have their cores. `there`: these, and those
    that wait for cores. `rests`: a worker has had nothing to do for long. `grows`: nodes come for who waits.
    """

    room: int
    placed: int
    there: int
    rests: bool
    grows: bool


def target(crew: Crew, stand: Stand) -> int:
    """How many workers to have.

    Where no nodes come: as many as are wanted and have room, but at least one. Where they come, all that are wanted
    wait for them, also without room. If no number is wanted, as many wait as have come, at least one: so the search
    asks for more in steps, as its nodes come. While a worker has nothing to do, no more are asked for.

    Example:
        >>> target(Crew(), Stand(room=4, placed=4, there=4, rests=False, grows=False))
        4
        >>> target(Crew(), Stand(room=0, placed=0, there=0, rests=False, grows=True))
        1
        >>> target(Crew(), Stand(room=4, placed=4, there=4, rests=False, grows=True))
        8
        >>> target(Crew(most=6), Stand(room=0, placed=2, there=6, rests=False, grows=True))
        6
    """
    most = crew.most if crew.count is None else crew.count
    if not stand.grows:
        return max(1, stand.room if most is None else min(most, stand.room))
    if stand.rests:
        return max(1, stand.placed if most is None else min(most, stand.placed))
    return max(stand.room, stand.placed + max(1, stand.placed)) if most is None else most
