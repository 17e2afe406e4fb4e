"""A genome: an architecture and how it is trained, as frozen data and as versioned JSON."""

from __future__ import annotations

import dataclasses
import hashlib
import json
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Final, TypeVar

from haemsa.model.spec.network import EncoderSpec, ExpertSpec, GateSpec, LevelSpec, NetworkSpec
from haemsa.model.spec.training import ADDED, REMOVED, TrainingGenes

FORMAT: Final = 3
T = TypeVar("T")


@dataclass(frozen=True)
class Genome:
    """What evolution breeds: an architecture, and how it is trained.

    Example:
        >>> from haemsa.model.spec.network import EncoderSpec
        >>> genome = Genome(NetworkSpec(8, (EncoderSpec("text"),)), TrainingGenes(epochs=4))
        >>> Genome.from_json(genome.to_json()) == genome
        True
    """

    network: NetworkSpec
    training: TrainingGenes = field(default_factory=TrainingGenes)

    def to_dict(self) -> dict[str, Any]:
        """Plain dictionaries and lists, with the format's version."""
        network = self.network
        parts = {"width": network.width, "encoders": [{**vars(item)} for item in network.encoders]}
        levels = [
            {
                "experts": [{**vars(item)} for item in level.experts],
                "gate": {**vars(level.gate)},
                "transfer": level.transfer,
            }
            for level in network.levels
        ]
        return {"format": FORMAT, "network": {**parts, "levels": levels}, "training": {**vars(self.training)}}

    def to_json(self) -> str:
        """One line of JSON with sorted keys."""
        return json.dumps(self.to_dict(), sort_keys=True)

    @classmethod
    def from_json(cls, text: str) -> Genome:
        """Read the text that `to_json` of this version or an older one wrote.

        Raises:
            ValueError: It is no genome. One sentence says why.
        """
        try:
            data = json.loads(text)
        except (json.JSONDecodeError, RecursionError) as error:
            raise ValueError(f"a genome is not valid JSON: {error}") from None
        return cls.from_dict(data)

    @classmethod
    def from_dict(cls, data: object) -> Genome:
        """Read what `to_dict` of this version or an older one gave.

        Raises:
            ValueError: It is no genome. One sentence names the unknown, missing or wrong field.
        """
        fields = _fields("genome", data, {"format", "network", "training"})
        if fields["format"] not in (1, 2, FORMAT):
            raise ValueError(f"genome format is {fields['format']!r}, this version reads 1, 2 and {FORMAT}")
        network = _fields("network", fields["network"], {"width", "encoders", "levels"})
        return cls(
            network=NetworkSpec(
                width=network["width"],
                encoders=tuple(_build(EncoderSpec, item) for item in _items("encoders", network["encoders"])),
                levels=tuple(_level(item) for item in _items("levels", network["levels"])),
            ),
            training=_training(fields["training"], fields["format"]),
        )

    @cached_property
    def key(self) -> str:
        """16 hexadecimal digits, the same for genomes that differ only in the order of encoders or experts."""
        data = self.to_dict()
        network = data["network"]
        network["encoders"] = sorted(network["encoders"], key=lambda item: str(item["modality"]))
        for level in network["levels"]:
            for expert in level["experts"]:
                expert["sees"] = sorted(expert["sees"])
            level["experts"] = sorted(level["experts"], key=lambda item: json.dumps(item, sort_keys=True))
        return hashlib.blake2b(json.dumps(data, sort_keys=True).encode(), digest_size=8).hexdigest()


def _fields(what: str, data: object, names: set[str]) -> dict[str, Any]:
    if not isinstance(data, dict):
        raise ValueError(f"{what} is {type(data).__name__}, expected an object with {', '.join(sorted(names))}")
    if set(data) != names:
        odd = sorted(map(str, set(data) ^ names))
        raise ValueError(f"{what} has missing or unknown fields {odd}, expected {', '.join(sorted(names))}")
    return data


def _items(what: str, data: object) -> list[Any]:
    if not isinstance(data, (list, tuple)):
        raise ValueError(f"{what} is {type(data).__name__}, expected a list")
    return list(data)


def _build(kind: type[T], data: object) -> T:
    """The flat dataclass `kind` from a dictionary whose lists become tuples."""
    names = {item.name for item in dataclasses.fields(kind)}  # type: ignore[arg-type]
    fields = _fields(kind.__name__, data, names)
    return kind(**{name: tuple(value) if isinstance(value, list) else value for name, value in fields.items()})


def _level(data: object) -> LevelSpec:
    fields = _fields("level", data, {"experts", "gate", "transfer"})
    experts = tuple(_build(ExpertSpec, item) for item in _items("experts", fields["experts"]))
    return LevelSpec(experts=experts, gate=_build(GateSpec, fields["gate"]), transfer=fields["transfer"])


def _training(data: object, version: int) -> TrainingGenes:
    """Training genes. Older formats lack some, which are at their defaults then, and have some that are dropped."""
    if version == FORMAT or not isinstance(data, dict):
        return _build(TrainingGenes, data)
    kept = {name: value for name, value in data.items() if name not in REMOVED}
    if version == 1:
        kept = {name: getattr(TrainingGenes(), name) for name in ADDED} | kept
    if kept.get("loss") == "ordinal":  # it was a third loss of format 2, over the same single output
        kept["loss"] = "huber"
    return _build(TrainingGenes, kept)
