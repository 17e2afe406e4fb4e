"""Making parts of genomes legal and canonical: every operator ends here, so none can leave the space.

Genes without effect get one fixed value (heads of an encoder that has none, k of a gate that keeps all), so that two
genomes that train to the same network have the same key.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from haemsa.evo.expert_space.bounds import PLAIN, TRAINING
from haemsa.evo.expert_space.domain import BOUND_OF, Domain
from haemsa.model.spec.genome import Genome
from haemsa.model.spec.network import (
    GLOBAL,
    TENSOR_WIDTHS,
    EncoderSpec,
    ExpertKind,
    ExpertSpec,
    GateSpec,
    LevelSpec,
    NetworkSpec,
)
from haemsa.model.spec.training import TrainingGenes


def assemble(
    domain: Domain,
    width: int,
    encoders: Iterable[EncoderSpec],
    levels: Iterable[LevelSpec],
    training: TrainingGenes,
) -> Genome:
    """The legal genome nearest to these parts.

    Encoders of unknown modalities go, and so do experts that have nothing left to see, and levels without experts.
    """
    named = {encoder.modality: encoder for encoder in encoders}
    used = tuple(name for name in domain.modalities if name in named) or domain.modalities
    kept = [level for level in (_level(domain, level, used) for level in levels) if level is not None]
    width = domain.bounds.nearest("widths", width)
    network = NetworkSpec(
        width=width,
        encoders=tuple(legal_encoder(domain, named.get(name, EncoderSpec(name)), width) for name in used),
        levels=tuple(kept[: domain.bounds.max_levels]),
    )
    return Genome(network, _training(domain, training, network))


def legal(domain: Domain, genome: Genome) -> Genome:
    """The legal genome nearest to this one: itself, if it is legal and canonical already."""
    network = genome.network
    return assemble(domain, network.width, network.encoders, network.levels, genome.training)


def legal_encoder(domain: Domain, encoder: EncoderSpec, width: int) -> EncoderSpec:
    """The legal encoder nearest to `encoder` for a token width, which attention heads divide."""
    heads, kernel = domain.bounds.heads[0], domain.bounds.kernels[0]
    kind = encoder.kind if domain.pools(encoder.modality) else "mean"
    if kind == "attention":
        divisors = [choice for choice in domain.bounds.heads if width % choice == 0]
        kind = "attention" if divisors else "mean"
        heads = min(divisors, key=lambda choice: (abs(choice - encoder.heads), choice), default=heads)
    if kind == "convolution":
        kernel = domain.bounds.nearest("kernels", encoder.kernel)
    return EncoderSpec(encoder.modality, kind, heads, kernel)


def legal_expert(domain: Domain, sees: tuple[str, ...], kind: ExpertKind, depth: int, width: int) -> ExpertSpec:
    """The legal expert nearest to these genes, over known tokens.

    A kind that the bounds do not have becomes a plain one, and so does cross-attention with nothing to read. A tensor
    expert sees only the first tokens, and is narrower, where it would have too many products.
    """
    bounds = domain.bounds
    reads = any(domain.pools(token) for token in sees if token != GLOBAL)
    if kind not in bounds.expert_kinds or (kind == "cross_attention" and not reads):
        kind = next(plain for plain in PLAIN if plain in bounds.expert_kinds)
    if kind != "tensor":
        return ExpertSpec(sees, kind, min(depth, bounds.max_depth), bounds.nearest("expert_widths", width))
    sees = sees[: max(TENSOR_WIDTHS)]
    most = TENSOR_WIDTHS[len(sees)]
    choices = [choice for choice in bounds.expert_widths if choice <= most] or [most]
    return ExpertSpec(sees, kind, 1, min(choices, key=lambda choice: (abs(choice - width), choice)))


def altered(domain: Domain, expert: ExpertSpec, **genes: Any) -> ExpertSpec:
    """The legal expert nearest to `expert` with other genes, which need not fit together."""
    return legal_expert(domain, **{**vars(expert), **genes})


def _level(domain: Domain, level: LevelSpec, used: tuple[str, ...]) -> LevelSpec | None:
    order = (*used, GLOBAL)
    seen = [(expert, tuple(token for token in order if token in expert.sees)) for expert in level.experts]
    experts = tuple(altered(domain, expert, sees=sees) for expert, sees in seen if sees)[: domain.bounds.max_experts]
    if not experts:
        return None
    nothing_to_transfer = len(used) == 1 and all(expert.sees == used for expert in experts)
    gate, transfer = _gate(domain, level.gate, len(experts)), level.transfer or nothing_to_transfer
    same = (experts, gate, transfer) == (level.experts, level.gate, level.transfer)
    return level if same else LevelSpec(experts, gate, transfer)


def _gate(domain: Domain, gate: GateSpec, experts: int) -> GateSpec:
    bounds, plain = domain.bounds, domain.plain_gate
    if experts == 1 and gate.kind != "sigmoid":
        return plain  # a single expert always has the weight 1
    k, noise = plain.k, plain.noise
    if gate.kind == "top_k":
        k = bounds.nearest("gate_k", min(gate.k, experts))
        noise = bounds.clip_to("noise", gate.noise)
    return GateSpec(gate.kind, k, bounds.clip_to("temperature", gate.temperature), noise)


def idle_genes(domain: Domain, network: NetworkSpec) -> dict[str, Any]:
    """The training genes that have no effect on such a network, and the one value that each has then."""
    kinds = set(domain.tasks.values())
    idle = {
        "modality_dropout": len(network.encoders) == 1,
        "distillation": len(network.encoders) == 1,
        "balance": all(len(level.experts) == 1 for level in network.levels),
        "loss": bool(kinds) and "regression" not in kinds,
        "class_balance": kinds == {"regression"},
    }
    plain = TrainingGenes()
    values = {name: domain.nearest(name, getattr(plain, name)) for name, is_idle in idle.items() if is_idle}
    return values if domain.weighted else {**values, "task_weights": ()}


def _training(domain: Domain, training: TrainingGenes, network: NetworkSpec) -> TrainingGenes:
    bounds = domain.bounds
    genes: dict[str, Any] = {name: bounds.clip_to(name, getattr(training, name)) for name in TRAINING}
    genes["epochs"] = bounds.nearest("epochs", training.epochs)
    for gene, name in BOUND_OF.items():
        value = getattr(training, gene)
        genes[gene] = value if value in getattr(bounds, name) else domain.default(gene)
    weights = [(task, bounds.clip_to("task_weight", training.task_weight(task))) for task in domain.weighted]
    genes["task_weights"] = tuple((task, weight) for task, weight in weights if weight != 1)
    return replace(training, **genes | idle_genes(domain, network))
