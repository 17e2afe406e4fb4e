"""Mutation and crossover of genomes: pure functions. The toolbox has them as operators of DEAP's (operators.py).

Every function takes a legal genome and gives a legal one. Where there is nothing to change, it gives the same one. All
draw from the generator that they are given.
"""

from __future__ import annotations

from dataclasses import replace
from itertools import zip_longest
from typing import Any, TypeVar

from haemsa.evo.expert_space.domain import Domain
from haemsa.evo.expert_space.legal import altered, assemble
from haemsa.evo.expert_space.sampling import Rng, pick, random_encoder, random_expert, random_gate, random_level
from haemsa.model.spec.genome import Genome
from haemsa.model.spec.network import GLOBAL, ExpertSpec, LevelSpec
from haemsa.model.spec.training import TrainingGenes

T = TypeVar("T")


def alter_width(domain: Domain, genome: Genome, rng: Rng) -> Genome:
    """The next smaller or larger token width."""
    return _rebuild(domain, genome, width=pick(domain.bounds.neighbours("widths", genome.network.width), rng))


def add_modality(domain: Domain, genome: Genome, rng: Rng) -> Genome:
    """Read one more modality. About half of the experts will see it."""
    absent = [name for name in domain.modalities if name not in genome.network.modalities]
    if not absent:
        return genome
    new = pick(absent, rng)
    encoders = (*genome.network.encoders, random_encoder(domain, new, rng))

    def widen(expert: ExpertSpec) -> ExpertSpec:
        return altered(domain, expert, sees=(*expert.sees, new)) if rng.random() < 0.5 else expert

    levels = tuple(replace(level, experts=tuple(map(widen, level.experts))) for level in genome.network.levels)
    return _rebuild(domain, genome, encoders=encoders, levels=levels)


def remove_modality(domain: Domain, genome: Genome, rng: Rng) -> Genome:
    """Read one modality less. Experts that saw nothing else go too."""
    encoders = genome.network.encoders
    if len(encoders) == 1:
        return genome
    return _rebuild(domain, genome, encoders=_without(encoders, int(rng.integers(len(encoders)))))


def alter_encoder(domain: Domain, genome: Genome, rng: Rng) -> Genome:
    """Pool one modality in another way."""
    place = int(rng.integers(len(genome.network.encoders)))
    encoder = random_encoder(domain, genome.network.encoders[place].modality, rng)
    return _rebuild(domain, genome, encoders=_with(genome.network.encoders, place, encoder))


def add_level(domain: Domain, genome: Genome, rng: Rng) -> Genome:
    """One more level, at any place."""
    levels = genome.network.levels
    if len(levels) == domain.bounds.max_levels:
        return genome
    place = int(rng.integers(len(levels) + 1))
    level = random_level(domain, genome.network.modalities, rng)
    return _rebuild(domain, genome, levels=(*levels[:place], level, *levels[place:]))


def remove_level(domain: Domain, genome: Genome, rng: Rng) -> Genome:
    """One level less."""
    levels = genome.network.levels
    return _rebuild(domain, genome, levels=_without(levels, int(rng.integers(len(levels))))) if levels else genome


def add_expert(domain: Domain, genome: Genome, rng: Rng) -> Genome:
    """One more expert in a level, or a first level."""
    if not genome.network.levels:
        return add_level(domain, genome, rng)
    place = int(rng.integers(len(genome.network.levels)))
    level = genome.network.levels[place]
    if len(level.experts) == domain.bounds.max_experts:
        return genome
    expert = random_expert(domain, genome.network.modalities, rng)
    return _with_level(domain, genome, place, replace(level, experts=(*level.experts, expert)))


def remove_expert(domain: Domain, genome: Genome, rng: Rng) -> Genome:
    """One expert less. A level without experts goes too."""
    if not genome.network.levels:
        return genome
    place = int(rng.integers(len(genome.network.levels)))
    level = genome.network.levels[place]
    if len(level.experts) == 1:
        return _rebuild(domain, genome, levels=_without(genome.network.levels, place))
    experts = _without(level.experts, int(rng.integers(len(level.experts))))
    return _with_level(domain, genome, place, replace(level, experts=experts))


def alter_expert(domain: Domain, genome: Genome, rng: Rng) -> Genome:
    """Another kind, depth or width for one expert."""

    def alter(expert: ExpertSpec) -> ExpertSpec:
        gene = pick(("kind", "depth", "width", "width"), rng)
        if gene == "kind":
            return altered(domain, expert, kind=pick(domain.expert_kinds, rng))
        if gene == "depth":
            return altered(domain, expert, depth=max(1, expert.depth + pick((-1, 1), rng)))
        return altered(domain, expert, width=pick(domain.bounds.neighbours("expert_widths", expert.width), rng))

    return _change_expert(domain, genome, rng, alter)


def alter_sees(domain: Domain, genome: Genome, rng: Rng) -> Genome:
    """One expert sees one token more or less."""

    def alter(expert: ExpertSpec) -> ExpertSpec:
        token = pick((*genome.network.modalities, GLOBAL), rng)
        if token not in expert.sees:
            return altered(domain, expert, sees=(*expert.sees, token))
        return altered(domain, expert, sees=tuple(seen for seen in expert.sees if seen != token) or expert.sees)

    return _change_expert(domain, genome, rng, alter)


def alter_gate(domain: Domain, genome: Genome, rng: Rng) -> Genome:
    """Another kind, k, temperature or noise for one gate."""
    if not genome.network.levels:
        return genome
    place = int(rng.integers(len(genome.network.levels)))
    level = genome.network.levels[place]
    gene = pick(("kind", "k", "temperature", "noise"), rng)
    value: Any = getattr(random_gate(domain, rng), gene)
    return _with_level(domain, genome, place, replace(level, gate=replace(level.gate, **{gene: value})))


def flip_transfer(domain: Domain, genome: Genome, rng: Rng) -> Genome:
    """Switch transfer between modalities on or off in one level."""
    if not genome.network.levels:
        return genome
    place = int(rng.integers(len(genome.network.levels)))
    level = genome.network.levels[place]
    return _with_level(domain, genome, place, replace(level, transfer=not level.transfer))


def crossover(
    domain: Domain, a: Genome, b: Genome, training: tuple[TrainingGenes, TrainingGenes], rng: Rng
) -> tuple[Genome, Genome]:
    """Uniform: one child gets an encoder, expert or level of one parent, the other child gets the other's.

    `training`: the training genes of the children.
    """
    widths = _deal(a.network.width, b.network.width, rng)
    of_a, of_b = ({encoder.modality: encoder for encoder in parent.network.encoders} for parent in (a, b))
    encoders = [_deal(of_a.get(name), of_b.get(name), rng) for name in domain.modalities]
    levels = [_cross_levels(x, y, rng) for x, y in zip_longest(a.network.levels, b.network.levels)]
    children = []
    for child, parent in enumerate((a, b)):
        dealt = [pair[child] for pair in encoders if pair[child] is not None] or parent.network.encoders
        kept = [pair[child] for pair in levels if pair[child] is not None]
        children.append(assemble(domain, widths[child], dealt, kept, training[child]))  # type: ignore[arg-type]
    return children[0], children[1]


def _deal(x: T, y: T, rng: Rng) -> tuple[T, T]:
    return (x, y) if rng.random() < 0.5 else (y, x)


def _cross_levels(x: LevelSpec | None, y: LevelSpec | None, rng: Rng) -> tuple[LevelSpec | None, LevelSpec | None]:
    """Levels are dealt as a whole. Where both exist, half of them are dealt expert by expert instead."""
    if x is None or y is None or rng.random() < 0.5:
        return _deal(x, y, rng)
    pairs = [_deal(own, other, rng) for own, other in zip_longest(x.experts, y.experts)]
    first, second = (tuple(e for e in side if e is not None) for side in zip(*pairs, strict=True))
    gates = _deal(x.gate, y.gate, rng)
    return replace(x, experts=first or x.experts, gate=gates[0]), replace(y, experts=second or y.experts, gate=gates[1])


def _rebuild(domain: Domain, genome: Genome, **parts: Any) -> Genome:
    """`genome` with other width, encoders or levels."""
    network = genome.network
    before = {"width": network.width, "encoders": network.encoders, "levels": network.levels}
    return assemble(domain, training=genome.training, **{**before, **parts})


def _with_level(domain: Domain, genome: Genome, place: int, level: LevelSpec) -> Genome:
    return _rebuild(domain, genome, levels=_with(genome.network.levels, place, level))


def _change_expert(domain: Domain, genome: Genome, rng: Rng, alter: Any) -> Genome:
    if not genome.network.levels:
        return genome
    place = int(rng.integers(len(genome.network.levels)))
    level = genome.network.levels[place]
    number = int(rng.integers(len(level.experts)))
    experts = _with(level.experts, number, alter(level.experts[number]))
    return _with_level(domain, genome, place, replace(level, experts=experts))


def _with(items: tuple[T, ...], place: int, item: T) -> tuple[T, ...]:
    return (*items[:place], item, *items[place + 1 :])


def _without(items: tuple[T, ...], place: int) -> tuple[T, ...]:
    return (*items[:place], *items[place + 1 :])
