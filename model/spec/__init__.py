"""A genome as data: an architecture and how to train it. Imports no torch.

Read `network` first, then `training` and `genome`. Exported: every specification, `TrainingGenes` and `Genome`.
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
