"""What a worker needs of the node that it runs on."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

Node = Mapping[str, Any]
"""A node as `ray.nodes()` describes it."""
_ROUNDING: Final = 1e-9


@dataclass(frozen=True)
class Needs:
    """What a worker needs.

    `cpus`, `gpus`: cores and GPUs; a fraction of a GPU is of one GPU. `resources`: amounts of what nodes were started
    with, by name, such as accelerator_type:H100. `labels`: labels that the node must have.
    """

    cpus: float = 1.0
    gpus: float = 0.0
    resources: Mapping[str, float] = field(default_factory=dict)
    labels: Mapping[str, str] = field(default_factory=dict)

    def options(self) -> dict[str, Any]:
        """The options of an actor that gets all this."""
        options: dict[str, Any] = {"num_cpus": self.cpus, "num_gpus": self.gpus}
        extra = {"resources": dict(self.resources), "label_selector": dict(self.labels)}
        return options | {name: value for name, value in extra.items() if value}

    def room_on(self, node: Node) -> int:
        """How many such workers fit on an empty node.

        Example:
            >>> node = {"Resources": {"CPU": 8.0, "GPU": 2.0}, "Labels": {"zone": "a"}}
            >>> Needs(gpus=0.5).room_on(node), Needs(labels={"zone": "b"}).room_on(node)
            (4, 0)
        """
        if any(node.get("Labels", {}).get(key) != value for key, value in self.labels.items()):
            return 0
        found = node["Resources"]
        amounts = {"CPU": self.cpus, **({} if 0 < self.gpus < 1 else {"GPU": self.gpus}), **self.resources}
        rooms = [int(found.get(name, 0) / amount + _ROUNDING) for name, amount in amounts.items() if amount]
        if 0 < self.gpus < 1:
            rooms.append(int(found.get("GPU", 0)) * int(1 / self.gpus + _ROUNDING))
        return min(rooms)

    def lacking(self, nodes: Iterable[Node]) -> str | None:
        """Why no node has room, where that is not for its cores: what is asked for and what there is."""
        nodes = list(nodes)
        if any(Needs(0.001, self.gpus, self.resources, self.labels).room_on(node) for node in nodes):
            return None
        if self.gpus > (gpus := sum(node["Resources"].get("GPU", 0) for node in nodes)):
            return f"a worker asks for {self.gpus:g} GPUs, but the cluster has {gpus:g}"
        return f"a worker asks for {self.words()}, but no node of the cluster has that"

    def words(self) -> str:
        """What is needed, in words.

        Example:
            >>> Needs().words(), Needs(gpus=0.25).words(), Needs(2, resources={"tpu": 1}, labels={"zone": "a"}).words()
            ('a core', 'a core and 0.25 GPUs', '2 cores and 1 tpu and label zone=a')
        """
        parts = ["a core" if self.cpus == 1 else f"{self.cpus:g} cores"]
        parts += [f"{self.gpus:g} GPUs"] if self.gpus else []
        parts += [f"{amount:g} {name}" for name, amount in self.resources.items()]
        parts += [f"label {name}={value}" for name, value in self.labels.items()]
        return " and ".join(parts)
