"""Shrinking a network until it keeps hard limits, step by step and without randomness.

Steps are taken in turn, so that a network loses a little of everything: narrower experts, a narrower token, fewer
experts, cheaper encoders. Then it loses levels. It loses modalities only when nothing else is left.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from itertools import cycle
from typing import Final

from haemsa.evo.expert_space.domain import Domain
from haemsa.evo.expert_space.legal import legal, legal_encoder
from haemsa.model.spec.genome import Genome
from haemsa.model.spec.network import EncoderSpec, NetworkSpec

Cost = Callable[[NetworkSpec], Mapping[str, float]]
Step = Callable[[Domain, NetworkSpec], NetworkSpec]


def within(network: NetworkSpec, limits: Mapping[str, float], cost: Cost) -> bool:
    """Whether no cost is above its limit."""
    if not limits:
        return True
    costs = cost(network)
    return all(costs[name] <= limit for name, limit in limits.items())


def minimal(domain: Domain, modality: str) -> NetworkSpec:
    """The smallest network that reads `modality`: the narrowest token and no levels."""
    return NetworkSpec(domain.bounds.widths[0], (_mean(domain, modality),))


def shrink(domain: Domain, genome: Genome, limits: Mapping[str, float], cost: Cost, least: NetworkSpec) -> Genome:
    """The legal `genome` if it keeps the limits; otherwise shrunk as little as the order of steps allows.

    If no step is enough, its network becomes `least`.
    """
    network = genome.network
    if within(network, limits, cost):
        return genome
    idle = 0
    for step in cycle(STEPS):
        if within(network, limits, cost):
            return legal(domain, replace(genome, network=network))
        smaller = step(domain, network)
        idle = idle + 1 if smaller == network else 0
        network = smaller
        if idle == len(STEPS):
            if not network.levels and len(network.encoders) == 1:
                break
            network = _fewer_levels(network) if network.levels else _fewer_modalities(domain, network, limits, cost)
            idle = 0
    return legal(domain, replace(genome, network=least))


def _narrower_expert(domain: Domain, network: NetworkSpec) -> NetworkSpec:
    """The widest expert, one step narrower."""
    places = [(e.width, -i, -j) for i, level in enumerate(network.levels) for j, e in enumerate(level.experts)]
    if not places:
        return network
    width, i, j = max(places)
    level = network.levels[-i]
    experts = list(level.experts)
    experts[-j] = replace(experts[-j], width=min(width, domain.bounds.below("expert_widths", width)))
    levels = list(network.levels)
    levels[-i] = replace(level, experts=tuple(experts))
    return replace(network, levels=tuple(levels))


def _narrower_token(domain: Domain, network: NetworkSpec) -> NetworkSpec:
    width = domain.bounds.below("widths", network.width)
    encoders = tuple(legal_encoder(domain, encoder, width) for encoder in network.encoders)
    return replace(network, width=width, encoders=encoders)


def _fewer_experts(_: Domain, network: NetworkSpec) -> NetworkSpec:
    """The level with most experts loses its last one, unless that is its only one."""
    crowded = max(range(len(network.levels)), key=lambda place: len(network.levels[place].experts), default=None)
    if crowded is None or len(network.levels[crowded].experts) == 1:
        return network
    levels = list(network.levels)
    levels[crowded] = replace(levels[crowded], experts=levels[crowded].experts[:-1])
    return replace(network, levels=tuple(levels))


def _cheaper_encoder(domain: Domain, network: NetworkSpec) -> NetworkSpec:
    """The first encoder that is no mean becomes one."""
    encoders = list(network.encoders)
    for place, encoder in enumerate(encoders):
        if encoder.kind != "mean":
            encoders[place] = _mean(domain, encoder.modality)
            break
    return replace(network, encoders=tuple(encoders))


def _fewer_levels(network: NetworkSpec) -> NetworkSpec:
    return replace(network, levels=network.levels[:-1])


def _fewer_modalities(domain: Domain, network: NetworkSpec, limits: Mapping[str, float], cost: Cost) -> NetworkSpec:
    """The network loses the modality whose smallest network is furthest over the limits (the first of equals)."""

    def burden(encoder: EncoderSpec) -> float:
        costs = cost(minimal(domain, encoder.modality))
        return max(costs[name] / max(limit, 1e-9) for name, limit in limits.items())

    heaviest = max(network.encoders, key=burden)
    return replace(network, encoders=tuple(encoder for encoder in network.encoders if encoder != heaviest))


def _mean(domain: Domain, modality: str) -> EncoderSpec:
    return EncoderSpec(modality, "mean", domain.bounds.heads[0], domain.bounds.kernels[0])


STEPS: Final[tuple[Step, ...]] = (_narrower_expert, _narrower_token, _fewer_experts, _cheaper_encoder)
