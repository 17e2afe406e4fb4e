"""Genomes as a table of numbers: a row for each genome, a column for each gene, NaN where a gene has no meaning.

Pictures, models of scores and other tools read genomes in this form. The columns depend only on the names of modalities
and tasks, never on the genomes. So tables of several searches on the same data fit together.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from haemsa.model.spec.genome import Genome
from haemsa.model.spec.network import GLOBAL, EncoderKind, EncoderSpec, ExpertKind, GateKind, NetworkSpec
from haemsa.model.spec.training import LossKind, TrainingGenes

GeneKind = Literal["count", "real", "log", "choice"]
_NO_YES: Final = ("no", "yes")
_ENCODERS: Final = get_args(EncoderKind)
_EXPERTS: Final = get_args(ExpertKind)
_GATES: Final = get_args(GateKind)
_LOSSES: Final = get_args(LossKind)


@dataclass(frozen=True)
class Gene:
    """A column of the table.

    Args:
        name: In plain words.
        kind: "count": a whole number. "real": a number. "log": the table has the logarithm to base 10. "choice": the
            table has the place in `choices`.
        choices: The names that a choice is made of.
        bound: The field of `Bounds` that holds its range, if there is one.
    """

    name: str
    kind: GeneKind
    choices: tuple[str, ...] = ()
    bound: str = ""


@dataclass(frozen=True)
class GeneTable:
    """Genomes as numbers `values` [N, K], with a column for each of the K `genes`."""

    genes: tuple[Gene, ...]
    values: NDArray[np.float64]

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the columns."""
        return tuple(gene.name for gene in self.genes)


def gene_table(genomes: Iterable[Genome], modalities: Sequence[str], tasks: Sequence[str] = ()) -> GeneTable:
    """The table of genomes, a row for each in the given order.

    Args:
        genomes: The genomes.
        modalities: The names of the data's modalities. Others that a genome reads have no columns.
        tasks: The names of the tasks, if there are several: each has a weight.

    Example:
        >>> genome = Genome(NetworkSpec(16, (EncoderSpec("text", "attention", heads=4),)))
        >>> table = gene_table([genome], ["text", "audio"])
        >>> row = dict(zip(table.names, table.values[0].tolist(), strict=True))
        >>> row["token width"], row["heads of text"], row["reads audio"], row["encoder of audio"]
        (16.0, 4.0, 0.0, nan)
    """
    genes = (*_NETWORK, *(gene for name in modalities for gene in _modality_genes(name)), *_TRAINING)
    genes += tuple(Gene(f"weight of {task}", "log", bound="task_weight") for task in tasks)
    rows = [_row(genome, modalities, tasks) for genome in genomes]
    return GeneTable(genes, np.array(rows, dtype=np.float64).reshape(-1, len(genes)))


_NETWORK: Final = (
    Gene("token width", "count", bound="widths"),
    Gene("modalities", "count"),
    Gene("levels", "count", bound="max_levels"),
    Gene("experts", "count"),
    *(Gene(f"{kind} experts", "count") for kind in _EXPERTS),
    Gene("expert depth", "real"),
    Gene("expert width", "real"),
    Gene("tokens per expert", "real"),
    Gene("experts on the global token", "count"),
    *(Gene(f"{kind} gates", "count") for kind in _GATES),
    Gene("gate k", "real", bound="gate_k"),
    Gene("gate noise", "real", bound="noise"),
    Gene("gate temperature", "log", bound="temperature"),
    Gene("levels with transfer", "count"),
)
"""Where a network has several experts or gates, their mean."""
_TRAINING: Final = (
    Gene("epochs", "count", bound="epochs"),
    Gene("learning rate", "log", bound="learning_rate"),
    Gene("weight decay", "log", bound="weight_decay"),
    Gene("gradient clip", "log", bound="clip"),
    Gene("dropout", "real", bound="dropout"),
    Gene("feature dropout", "real", bound="feature_dropout"),
    Gene("modality dropout", "real", bound="modality_dropout"),
    Gene("balance of experts", "log", bound="balance"),
    Gene("loss", "choice", _LOSSES),
    Gene("class balance", "real", bound="class_balance"),
    Gene("distillation", "real", bound="distillation"),
)


def _modality_genes(name: str) -> tuple[Gene, ...]:
    return (
        Gene(f"reads {name}", "choice", _NO_YES),
        Gene(f"encoder of {name}", "choice", _ENCODERS),
        Gene(f"heads of {name}", "count", bound="heads"),
        Gene(f"kernel of {name}", "count", bound="kernels"),
        Gene(f"experts on {name}", "count"),
    )


def _row(genome: Genome, modalities: Sequence[str], tasks: Sequence[str]) -> list[float]:
    network, training = genome.network, genome.training
    sees = Counter(token for level in network.levels for expert in level.experts for token in expert.sees)
    encoders = {encoder.modality: encoder for encoder in network.encoders}
    row = _network_row(network, sees)
    for name in modalities:
        row += _modality_row(encoders.get(name), sees[name])
    row += _training_row(training, network)
    return row + [_log(training.task_weight(task)) for task in tasks]


def _network_row(network: NetworkSpec, sees: Counter[str]) -> list[float]:
    levels = network.levels
    experts = [expert for level in levels for expert in level.experts]
    kinds = [expert.kind for expert in experts]
    gates = [level.gate for level in levels]
    gate_kinds = [gate.kind for gate in gates]
    top = [gate for gate in gates if gate.kind == "top_k"]
    return [
        network.width,
        len(network.encoders),
        len(levels),
        len(experts),
        *map(kinds.count, _EXPERTS),
        _mean([expert.depth for expert in experts]),
        _mean([expert.width for expert in experts]),
        _mean([len(expert.sees) for expert in experts]),
        sees[GLOBAL],
        *map(gate_kinds.count, _GATES),
        _mean([gate.k for gate in top]),
        _mean([gate.noise for gate in top]),
        _log(_mean([gate.temperature for gate in gates])),
        sum(level.transfer for level in levels),
    ]


def _modality_row(encoder: EncoderSpec | None, experts: int) -> list[float]:
    if encoder is None:
        return [0, math.nan, math.nan, math.nan, math.nan]
    return [
        1,
        _ENCODERS.index(encoder.kind),
        encoder.heads if encoder.kind == "attention" else math.nan,
        encoder.kernel if encoder.kind == "convolution" else math.nan,
        experts,
    ]


def _training_row(training: TrainingGenes, network: NetworkSpec) -> list[float]:
    several = len(network.encoders) > 1
    mixes = any(len(level.experts) > 1 for level in network.levels)
    return [
        training.epochs,
        _log(training.learning_rate),
        _log(training.weight_decay),
        _log(training.clip),
        training.dropout,
        training.feature_dropout,
        training.modality_dropout if several else math.nan,
        _log(training.balance) if mixes else math.nan,
        _LOSSES.index(training.loss),
        training.class_balance,
        training.distillation if several else math.nan,
    ]


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values) if values else math.nan


def _log(value: float) -> float:
    return math.log10(value) if value > 0 else math.nan


def names_in(genomes: Iterable[Genome]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The modalities that genomes read, and the tasks that they weigh, sorted by name: for a table without the data."""
    modalities, tasks = set[str](), set[str]()
    for genome in genomes:
        modalities.update(genome.network.modalities)
        tasks.update(task for task, _ in genome.training.task_weights)
    return tuple(sorted(modalities)), tuple(sorted(tasks))
