"""Where something is computed: in this process, or by workers on Ray. A search and every other command say it so."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from haemsa.cluster.config.values import AtMost, Count, LabelValue, Name, Positive, Seconds
from haemsa.model.errors import Place, validation_sentence


class Compute(BaseModel):
    """Where something is computed. Build it with `Compute.of`, which reports errors as one sentence.

    What is not given is as in the search whose networks are used (`changed_by`).
    """

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, use_attribute_docstrings=True)

    workers: Count | Literal["auto"] | AtMost = "auto"
    """How many workers train at the same time. auto: one for each core or GPU share of the cluster, while its nodes
    come and go. auto:64: the same, but at most 64. Where the cluster can grow, workers wait for nodes that come: all of
    a number, and with auto as many as there are already."""
    backend: Literal["ray", "inline"] = "ray"
    """ray: in parallel. inline: in this process, one after another."""
    address: str | None = None
    """A running Ray cluster: HOST:6379, or auto for the cluster that this machine is a node of. local: start a cluster
    here. null: RAY_ADDRESS; if that is not set, start a cluster here."""
    address_timeout: Seconds = 20.0
    """How long to wait for an answer at that address: seconds, or 30s, 2m."""
    gpus_per_worker: Annotated[float, Field(ge=0, allow_inf_nan=False)] = 0.0
    """GPUs for each worker. 0.25: four workers share a GPU. 0: train on the CPU."""
    resources: dict[Name, Positive] = Field(default_factory=dict)
    """What else each worker needs of its node, for example {"accelerator_type:H100": 0.001} for a node with an H100, or
    what the node was given by ray start --resources. Empty: nothing."""
    node_labels: dict[Name, LabelValue] = Field(default_factory=dict)
    """Workers run only on nodes with these labels of ray start --labels, for example {market: spot}. Empty: on any."""
    node_timeout: Seconds = 900.0
    """Where the cluster can grow: give up when not one worker has come for so long: seconds, or 30m, 2h."""
    memory_per_worker: Positive | None = None
    """How many GiB a worker on Ray may use in addition to what it starts with (only on Linux). null: no
    limit, but the system may end a worker when memory runs out."""

    @classmethod
    def of(cls, values: Mapping[str, Any]) -> Self:
        """Check settings given by name.

        Args:
            values: the settings. A setting that is not there has its default.

        Raises:
            ValueError: one sentence that names the setting, its value and what was expected.

        Example:
            >>> Compute.of({"workers": 4, "address_timeout": "1m"}).address_timeout
            60.0
        """

        def described(_: Place) -> dict[str, str | None]:
            return {name: cls.model_fields[name].description for name in cls.names()}

        try:
            return cls(**values)
        except ValidationError as error:
            raise ValueError(validation_sentence(error, described, _name)) from None

    @property
    def count(self) -> int | None:
        """How many workers. None: as many as there can be, up to `most`."""
        return self.workers if isinstance(self.workers, int) else None

    @property
    def most(self) -> int | None:
        """Never more workers than this. None: any number.

        Example:
            >>> Compute(workers="auto:64").most, Compute(workers=4).most, Compute(workers="auto").most
            (64, 4, None)
        """
        return self.count or (int(str(self.workers).removeprefix("auto:")) if self.workers != "auto" else None)

    @classmethod
    def names(cls) -> list[str]:
        """The names of all settings. What a class adds to `Compute` comes first."""
        return sorted(cls.model_fields, key=lambda name: name in Compute.model_fields)

    def changed_by(self, given: Compute | None) -> Compute:
        """These settings with those that were `given` in their place. To give workers or an address means Ray.

        Example:
            >>> Compute(backend="inline").changed_by(Compute(workers=2))
            Compute(workers=2, backend='ray', address=None, address_timeout=20.0, gpus_per_worker=0.0, \
resources={}, node_labels={}, node_timeout=900.0, memory_per_worker=None)
        """
        changes = given.model_dump(include=set(Compute.model_fields), exclude_unset=True) if given else {}
        implied = {"backend": "ray"} if {"workers", "address"} & changes.keys() else {}
        return Compute(**{**self.model_dump(include=set(Compute.model_fields)), **implied, **changes})


def _name(place: Place) -> str:
    """The name of the setting, with the key inside it. Members of a union are left out: they mean nothing to a user."""
    inner = (str(part) for part in place[1:2] if place[0] in ("limits", "node_labels", "objectives", "resources"))
    return " ".join(["setting", ".".join([*map(str, place[:1]), *inner])])
