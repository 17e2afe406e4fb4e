"""What a network costs: its parameters, and the FLOPs to predict one sample. The spec is enough to tell.

A multiply-add of a matrix product or a convolution is two FLOPs, as in `torch.utils.flop_counter`. Axes: `W` token
width, `D` tokens (those of the encoders, and the global one), `H` hidden width of an expert.
"""

from __future__ import annotations

from typing import Final

from haemsa.model.schema import Schema
from haemsa.model.spec.network import EncoderSpec, ExpertSpec, NetworkSpec

COSTS: Final = ("params", "flops")
"""What `cost` tells."""
LATENCY: Final = "latency_ms"
"""The milliseconds that a trained network takes to predict one sample. It is measured (model/predictor/latency.py)."""


def is_cost(objective: str) -> bool:
    """Whether an objective is what a network costs, not how well it predicts.

    Example:
        >>> is_cost("params"), is_cost("latency_ms"), is_cost("mae")
        (True, True, False)
    """
    return objective in (*COSTS, LATENCY)


def cost(network: NetworkSpec, schema: Schema) -> dict[str, float]:
    """What a network costs on some data.

    Args:
        network: The network.
        schema: The modalities and tasks of the data.

    Returns:
        `params`, the number of trained parameters, and `flops`, those of predicting a sample with all time steps.

    Example:
        >>> from haemsa.model.data.builtin.planted import planted
        >>> from haemsa.model.spec.network import LevelSpec
        >>> level = LevelSpec((ExpertSpec(("text",), width=4),))
        >>> network = NetworkSpec(8, (EncoderSpec("text", "mean"),), (level,))
        >>> cost(network, Schema.of(planted(sizes=(20, 10, 10))))
        {'params': 706.0, 'flops': 1392.0}
    """
    return {"params": float(parameters(network, schema)), "flops": float(flops(network, schema))}


def parameters(network: NetworkSpec, schema: Schema) -> int:
    """The number of trained parameters."""
    W, D = network.width, len(network.encoders) + 1
    total = sum(_encoder_parameters(encoder, W, schema) for encoder in network.encoders)
    for level in network.levels:
        experts = sum(_expert_parameters(expert, W, schema) for expert in level.experts)
        total += D * (W + 1) * len(level.experts) + experts
    return total + sum(D + W + (W + 1) * task.outputs for task in schema.tasks.values())


def flops(network: NetworkSpec, schema: Schema) -> int:
    """The floating-point operations that predict one sample."""
    W, D = network.width, len(network.encoders) + 1
    products = sum(_encoder_products(encoder, W, schema) for encoder in network.encoders)
    for level in network.levels:
        # Twice for each token and expert: for the logit of the gate, and to add the output of the expert.
        experts = sum(_expert_products(expert, W, schema) for expert in level.experts)
        products += 2 * D * W * len(level.experts) + experts
    products += sum(D * W + W * task.outputs for task in schema.tasks.values())
    return 2 * products


def _encoder_parameters(encoder: EncoderSpec, W: int, schema: Schema) -> int:
    features = schema.modalities[encoder.modality][1]
    total = features * W + 2 * W + 1
    if encoder.kind == "attention":
        total += features * encoder.heads
    if encoder.kind == "convolution":
        total += encoder.kernel * W
    return total


def _expert_parameters(expert: ExpertSpec, W: int, schema: Schema) -> int:
    tokens, H = len(expert.sees), expert.width
    if expert.kind == "tensor":
        products: int = (H + 1) ** tokens
        return tokens * (W + 1) * H + (products + 1) * W
    halves = 2 if expert.kind == "gated" else 1
    biases = tokens if expert.kind == "low_rank" else halves
    read = sum((2 * features + 1) * H for _, features in _read(expert, schema))
    return tokens * W * H * halves + H * biases + read + (expert.depth - 1) * (H * H + H) + H * W + W


def _encoder_products(encoder: EncoderSpec, W: int, schema: Schema) -> int:
    steps, features = schema.modalities[encoder.modality]
    if encoder.kind == "mean":
        return features * W
    if encoder.kind == "attention":
        return 2 * steps * features * encoder.heads + features * W
    return steps * features * W + steps * encoder.kernel * W


def _expert_products(expert: ExpertSpec, W: int, schema: Schema) -> int:
    tokens, H = len(expert.sees), expert.width
    if expert.kind == "tensor":
        fused: int = (H + 1) ** tokens * W
        return tokens * W * H + fused
    halves = 2 if expert.kind == "gated" else 1
    # The query is projected to the features, what it reads is projected back, and both meet each step once.
    read = sum(2 * features * (H + steps) for steps, features in _read(expert, schema))
    return tokens * W * H * halves + read + (expert.depth - 1) * H * H + H * W


def _read(expert: ExpertSpec, schema: Schema) -> list[tuple[int, int]]:
    """The steps and features of each modality that an expert reads again."""
    names = schema.over_time(expert.sees) if expert.kind == "cross_attention" else ()
    return [schema.modalities[name] for name in names]
