"""A genome in words, as a tree: modalities, levels of experts, training."""

from __future__ import annotations

from typing import TYPE_CHECKING

from haemsa.cluster.shared.text import counted
from haemsa.model.spec.genome import Genome
from haemsa.model.spec.network import GLOBAL, EncoderSpec, ExpertSpec, GateSpec, LevelSpec
from haemsa.model.spec.training import ADDED, TrainingGenes

if TYPE_CHECKING:
    from rich.tree import Tree


def genome_tree(genome: Genome, title: str = "genome") -> Tree:
    """The tree of a genome, from its inputs to its training. `rich.print` shows it.

    Args:
        genome: the genome.
        title: the first line.

    Example:
        >>> from rich import print
        >>> from haemsa.model.spec.network import NetworkSpec
        >>> print(genome_tree(Genome(NetworkSpec(8, (EncoderSpec("text"),)))))  # doctest: +ELLIPSIS
        genome
        ├── inputs: one token of width 8 per modality, and a global token
        │   └── text: mean over time
        ├── no levels: a linear model over the tokens
        ...
    """
    from rich.text import Text
    from rich.tree import Tree

    network, training = genome.network, genome.training
    tree = Tree(Text(title, style="bold"))
    inputs = tree.add(f"inputs: one token of width {network.width} per modality, and a {GLOBAL} token")
    for encoder in network.encoders:
        inputs.add(Text(f"{encoder.modality}: {_encoder(encoder)}"))
    for number, level in enumerate(network.levels, start=1):
        branch = tree.add(Text(f"level {number}: {_level(level)}"))
        for expert in level.experts:
            branch.add(Text(_expert(expert)))
    if not network.levels:
        tree.add("no levels: a linear model over the tokens")
    tree.add("heads: per task a gate over the tokens and a linear layer")
    tree.add(
        f"training: {training.epochs} epochs, learning rate {training.learning_rate:g}, weight decay "
        f"{training.weight_decay:g}, clip {training.clip:g}, dropout {training.dropout:g} (features "
        f"{training.feature_dropout:g}, modalities {training.modality_dropout:g}), balance {training.balance:g}"
        f"{_further(training)}"
    )
    return tree


def _further(training: TrainingGenes) -> str:
    """The genes that are off by default, if they are on."""
    usual = TrainingGenes()
    used = {name: getattr(training, name) for name in ADDED if getattr(training, name) != getattr(usual, name)}
    weights = [f"task {task} weighs {weight:g}" for task, weight in used.pop("task_weights", ())]
    return "".join(f", {word}" for word in (*(f"{name.replace('_', ' ')} {used[name]}" for name in used), *weights))


def _encoder(encoder: EncoderSpec) -> str:
    if encoder.kind == "attention":
        return f"attention pooling, {counted(encoder.heads, 'query', 'queries')}"
    if encoder.kind == "convolution":
        return f"convolution over {encoder.kernel} steps, pooled"
    return "mean over time"


def _level(level: LevelSpec) -> str:
    transfer = "tokens hear experts of other modalities" if level.transfer else "tokens hear only their own experts"
    return f"{counted(len(level.experts), 'expert')}, {_gate(level.gate)} gate, {transfer}"


def _gate(gate: GateSpec) -> str:
    if gate.kind == "top_k":
        noise = f", noise {gate.noise:g}" if gate.noise else ""
        return f"top-{gate.k} (temperature {gate.temperature:g}{noise})"
    return f"{gate.kind} (temperature {gate.temperature:g})"


def _expert(expert: ExpertSpec) -> str:
    sees = " + ".join(expert.sees)
    if expert.kind == "low_rank":
        return f"low-rank fusion of {sees}, rank {expert.width}"
    if expert.kind == "tensor":
        return f"tensor fusion of {sees}, {counted(expert.width, 'unit')} each"
    kind = {"gated": "gated MLP", "cross_attention": "cross-attention MLP"}.get(expert.kind, "MLP")
    return f"{kind} on {sees}, {counted(expert.depth, 'layer')} of width {expert.width}"
