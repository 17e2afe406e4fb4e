"""A genome as data: an architecture, and how it is trained. Imports no torch, so a search never loads it.

Read `network` first, then `training` and `genome`. `checks` has the sentences about wrong values. This room exports
every specification, `TrainingGenes` and `Genome`.
"""

from haemsa.model.spec.genome import FORMAT, Genome
from haemsa.model.spec.network import (
    GLOBAL,
    EncoderKind,
    EncoderSpec,
    ExpertKind,
    ExpertSpec,
    GateKind,
    GateSpec,
    LevelSpec,
    NetworkSpec,
)
from haemsa.model.spec.training import LossKind, TrainingGenes

__all__ = [
    "FORMAT",
    "GLOBAL",
    "EncoderKind",
    "EncoderSpec",
    "ExpertKind",
    "ExpertSpec",
    "GateKind",
    "GateSpec",
    "Genome",
    "LevelSpec",
    "LossKind",
    "NetworkSpec",
    "TrainingGenes",
]
