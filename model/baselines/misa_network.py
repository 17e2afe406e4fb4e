"""Networks like MISA (Hazarika, Zimmermann and Poria, "MISA: Modality-Invariant and -Specific Representations", 2020).

As in the paper: Modalities are projected to one width and encoded twice, by an encoder of their own (private) and by
one that all share. Losses draw the shared parts of modalities together, and keep private parts apart from shared ones
and from each other. Each modality is rebuilt from its two parts. Attention over all parts and two dense layers predict.

Not as in the paper: No LSTM or BERT reads sequences; a modality is its mean and deviation over time.

Several networks are one program, like a cohort. Axes: `K` networks, `M` modalities, `B` samples of a batch (where a
network has fewer, the rest is `present` 0), `D` features, `C` outputs, `H` width.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F

MOMENTS: Final = 5
"""Orders of moments that the similarity loss compares."""
HEADS: Final = 2


class MisaOutput(NamedTuple):
    """Predictions `outputs` [K, B, C]. Of each modality the projection, both parts, the rebuilt one: [K, M, B, H]."""

    outputs: Tensor
    projected: Tensor
    private: Tensor
    shared: Tensor
    rebuilt: Tensor


class Misa(nn.Module):
    """The parameters of one network, for modalities of these sizes, as torch draws them."""

    def __init__(self, sizes: Sequence[int], outputs: int, width: int) -> None:
        super().__init__()
        self.projections = nn.ModuleList(
            nn.Sequential(nn.Linear(size, width), nn.ReLU(), nn.LayerNorm(width)) for size in sizes
        )
        self.private = nn.ModuleList(nn.Linear(width, width) for _ in sizes)
        self.shared = nn.Linear(width, width)
        self.decoders = nn.ModuleList(nn.Linear(width, width) for _ in sizes)
        self.attention = nn.TransformerEncoderLayer(width, HEADS, 2 * width, dropout=0.0, batch_first=True)
        joint = 2 * len(sizes) * width
        self.head = nn.Sequential(nn.Linear(joint, joint // 2), nn.Linear(joint // 2, outputs))


def stacked(networks: Sequence[Misa]) -> dict[str, Tensor]:
    """The parameters of all networks [K, ...], for `forward`. Those of like encoders of modalities are [K, M, ...]."""
    every = [dict(network.named_parameters()) for network in networks]
    found = {name: torch.stack([one[name].detach() for one in every]) for name in every[0]}
    count = len(networks[0].projections)
    for name in ("projections.{}.2", "private.{}", "decoders.{}"):
        for kind in ("weight", "bias"):
            each = [found.pop(f"{name.format(number)}.{kind}") for number in range(count)]
            found[f"{name.replace('.{}', '')}.{kind}"] = torch.stack(each, dim=1)
    return found


def forward(parameters: Mapping[str, Tensor], features: Sequence[Tensor], kept: Tensor | None = None) -> MisaOutput:
    """Predict from the features of each modality [K, B, D].

    Args:
        parameters: As `stacked` gives them.
        features: One tensor for each modality.
        kept: Dropout: what the hidden units of the last layers [K, B, J] are multiplied by. None: nothing.
    """
    p = parameters
    each = [F.relu(_linear(p, f"projections.{number}.0", x)) for number, x in enumerate(features)]
    projected = _norm(p, "projections.2", torch.stack(each, dim=1))
    private = _linear(p, "private", projected).sigmoid()
    shared = _linear(p, "shared", projected.flatten(1, 2)).sigmoid().view_as(private)
    rebuilt = _linear(p, "decoders", private + shared)
    tokens = torch.cat([private, shared], dim=1).transpose(1, 2)  # [K, B, 2 M, H]
    hidden = _linear(p, "head.0", _attention(p, tokens).flatten(2))
    outputs = _linear(p, "head.1", F.relu(hidden if kept is None else hidden * kept))
    return MisaOutput(outputs, projected, private, shared, rebuilt)


def similarity_loss(shared: Tensor, present: Tensor) -> Tensor:
    """Central moment discrepancy (Zellinger et al. 2017) of representations in (0, 1) [K, M, B, H]: [K], over pairs."""
    there = present[:, None, :, None]
    count = there.sum(2)
    mean = (shared * there).sum(2) / count
    centred = (shared - mean.unsqueeze(2)) * there
    moments = [mean, *(centred.pow(order).sum(2) / count for order in range(2, MOMENTS + 1))]
    first, second = _pairs(shared.shape[1])
    of_order = torch.stack(moments, dim=1)  # [K, order, M, H]
    distances: Tensor = torch.linalg.vector_norm(of_order[:, :, first] - of_order[:, :, second], dim=-1)
    return distances.sum(1).mean(1)


def difference_loss(private: Tensor, shared: Tensor, present: Tensor) -> Tensor:
    """How far private and shared parts, and private parts of two modalities, are from orthogonal (eq. 5): [K]."""
    there = present[:, None, :, None]
    both = torch.stack([private, shared])
    centred = (both - (both * there).sum(3, keepdim=True) / there.sum(2, keepdim=True)) * there
    private, shared = F.normalize(centred, dim=-1)
    first, second = _pairs(private.shape[1])
    left, right = (torch.cat(parts, dim=1) for parts in ((private, private[:, first]), (shared, private[:, second])))
    return (left.transpose(2, 3) @ right).square().mean((2, 3)).sum(1)


def reconstruction_loss(rebuilt: Tensor, projected: Tensor, present: Tensor) -> Tensor:
    """The mean squared error of the rebuilt modalities: [K]."""
    errors = (rebuilt - projected).square().mean((1, 3))
    return (errors * present).sum(1) / present.sum(1)


def _pairs(count: int) -> tuple[list[int], list[int]]:
    pairs = [(first, second) for first in range(count) for second in range(first + 1, count)]
    return [first for first, _ in pairs], [second for _, second in pairs]


def _linear(parameters: Mapping[str, Tensor], name: str, x: Tensor) -> Tensor:
    """A linear layer of each network, [K, B, ...], or of each of its modalities, [K, M, B, ...]."""
    weight, bias = parameters[f"{name}.weight"].flatten(0, -3), parameters[f"{name}.bias"].flatten(0, -2)
    found = torch.baddbmm(bias.unsqueeze(1), x.flatten(0, -3), weight.transpose(1, 2))
    return found.view(*x.shape[:-1], -1)


def _norm(parameters: Mapping[str, Tensor], name: str, x: Tensor) -> Tensor:
    """Layer normalisation. The parameters have the first axes of `x`, and its last."""
    weight, bias = (parameters[f"{name}.{kind}"].unsqueeze(-2) for kind in ("weight", "bias"))
    return torch.addcmul(bias, F.layer_norm(x, x.shape[-1:]), weight)


def _attention(parameters: Mapping[str, Tensor], tokens: Tensor) -> Tensor:
    """A layer of a transformer over the tokens of each sample, [K, B, T, H]."""
    networks, samples, count, width = tokens.shape
    x = tokens.reshape(networks, samples * count, width)
    layer = {
        "in.weight": parameters["attention.self_attn.in_proj_weight"],
        "in.bias": parameters["attention.self_attn.in_proj_bias"],
    }
    parts = _linear(layer, "in", x).view(networks * samples, count, 3, HEADS, width // HEADS)
    mixed = F.scaled_dot_product_attention(*parts.permute(2, 0, 3, 1, 4)).transpose(1, 2).reshape(x.shape)
    x = _norm(parameters, "attention.norm1", x + _linear(parameters, "attention.self_attn.out_proj", mixed))
    wide = F.relu(_linear(parameters, "attention.linear1", x))
    x = _norm(parameters, "attention.norm2", x + _linear(parameters, "attention.linear2", wide))
    return x.view(tokens.shape)
