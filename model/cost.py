"""What a network costs, from its spec alone: parameters, and FLOPs of predicting one sample.

FLOPs are two per multiply-add of matrix products and convolutions, as `torch.utils.flop_counter` counts them.
"""

from __future__ import annotations

from haemsa.model.schema import Schema
from haemsa.model.spec.network import EncoderSpec, ExpertSpec, NetworkSpec


def cost(network: NetworkSpec, schema: Schema) -> dict[str, float]:
    """`params` and `flops` of a network; FLOPs at the full number of time steps."""
    return {"params": float(parameters(network, schema)), "flops": float(flops(network, schema))}


def parameters(network: NetworkSpec, schema: Schema) -> int:
    """Number of trained parameters."""
    W, D = network.width, len(network.encoders) + 1
    total = sum(_encoder_parameters(encoder, W, schema) for encoder in network.encoders)
    for level in network.levels:
        experts = sum(_expert_parameters(expert, W, schema) for expert in level.experts)
        total += D * (W + 1) * len(level.experts) + experts
    return total + sum(D + W + (W + 1) * task.outputs for task in schema.tasks.values())


def flops(network: NetworkSpec, schema: Schema) -> int:
    """Floating-point operations of one sample's prediction."""
    W, D = network.width, len(network.encoders) + 1
    products = sum(_encoder_products(encoder, W, schema) for encoder in network.encoders)
    for level in network.levels:
        # Twice for each token and expert: the gate's logit, and mixing the expert's output in.
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
    # The query to the features, what it finds back, and two products with every step.
    read = sum(2 * features * (H + steps) for steps, features in _read(expert, schema))
    return tokens * W * H * halves + read + (expert.depth - 1) * H * H + H * W


def _read(expert: ExpertSpec, schema: Schema) -> list[tuple[int, int]]:
    """Steps and features of each modality that an expert reads again."""
    names = schema.over_time(expert.sees) if expert.kind == "cross_attention" else ()
    return [schema.modalities[name] for name in names]


COSTS = ("params", "flops")
