"""The space of networks of experts: samples, mutants and children that are legal and within hard limits."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from deap import base
from numpy.typing import NDArray

from haemsa.evo.expert_space.bounds import Bounds
from haemsa.evo.expert_space.designs import Design
from haemsa.evo.expert_space.domain import Domain
from haemsa.evo.expert_space.features import gene_table
from haemsa.evo.expert_space.legal import assemble, legal
from haemsa.evo.expert_space.operators import register
from haemsa.evo.expert_space.repair import Cost, minimal, shrink, within
from haemsa.evo.expert_space.sampling import random_genome
from haemsa.evo.operators.confined import confined
from haemsa.evo.operators.individual import Individual
from haemsa.model.spec.genome import Genome
from haemsa.model.spec.training import TrainingGenes

Floats = NDArray[np.float64]
ABSENT: Final = -9.0
"""Stands for a gene without a meaning. No gene has a value as low."""


class ExpertSpace:
    """A `Space` of `Genome`s over named modalities.

    Args:
        modalities: Their names, in a fixed order.
        bounds: What a genome may be made of; None: the defaults.
        steps: Time steps per modality. A modality with one step is not pooled: its encoder is always "mean". A modality
            that is not named has many.
        tasks: The kind of each task by its name. Where there are several, their weights are bred. None: any tasks.
        limits: The most that each cost of a network may be. Repair keeps them, before anything is trained.
        cost: Gives a network's costs by name.
        design: What every genome is brought into (see designs.py); None: genomes are of any design.
        default_training_genes: Those that are tried first, and that half of all random genes have.

    Raises:
        ValueError: A limit has no cost, or no network of the space can meet it.

    Example:
        >>> space = ExpertSpace(("text", "audio"), bounds=Bounds(max_levels=1))
        >>> genome = space.sample(np.random.default_rng(0))
        >>> space.repair(genome) == genome
        True
    """

    def __init__(
        self,
        modalities: Sequence[str],
        *,
        bounds: Bounds | None = None,
        steps: Mapping[str, int] | None = None,
        tasks: Mapping[str, str] | None = None,
        limits: Mapping[str, float] | None = None,
        cost: Cost | None = None,
        design: Design | None = None,
        default_training_genes: TrainingGenes | None = None,
    ) -> None:
        first = default_training_genes or TrainingGenes()
        domain = Domain(tuple(modalities), bounds or Bounds(), dict(steps or {}), dict(tasks or {}), first)
        self.domain = domain.allowing(design.kinds) if design else domain
        self.limits = dict(limits or {})
        self._cost: Cost = cost or (lambda _: {})
        self._design = design
        self._box = base.Toolbox()
        self.register(self._box)
        self._check_limits()
        smallest = [Genome(minimal(self.domain, modality)) for modality in self.domain.modalities]
        networks = [(design(self.domain, genome) if design else genome).network for genome in smallest]
        met = [network for network in networks if within(network, self.limits, self._cost)]
        if not met and design:
            raise ValueError(f"limits {_listed(self.limits)} cannot be met by any network of this design")
        if not met:
            raise ValueError(f"limits {_listed(self.limits)} cannot all be met by one network, but each can by itself")
        self._least = met[0]

    def sample(self, rng: np.random.Generator) -> Genome:
        """A shallow network of random modalities, with random training genes."""
        return self.repair(random_genome(self.domain, rng))

    def register(self, box: base.Toolbox) -> None:
        """Register `mutate`, `mate` and each mutation by its name (operators.py) in a DEAP toolbox."""
        register(box, self.domain, _Fitting(self._fit))

    def mutate(self, genome: Genome, rng: np.random.Generator) -> Genome:
        """One to three mutations at random. The same genome comes back only if none of many changes it."""
        with confined(rng):
            mutant: Genome = self._box.mutate(Individual(genome))[0].genome
        return mutant

    def crossover(self, a: Genome, b: Genome, rng: np.random.Generator) -> tuple[Genome, Genome]:
        """Two children: a uniform exchange of genes."""
        with confined(rng):
            first, second = self._box.mate(Individual(a), Individual(b))
        return first.genome, second.genome

    def without_each_modality(self, genome: Genome) -> list[Genome]:
        """The genome without each of its modalities in turn; an empty list if it has only one."""
        network = genome.network
        if len(network.encoders) == 1:
            return []
        rests = [[e for e in network.encoders if e != left_out] for left_out in network.encoders]
        return [
            self.repair(assemble(self.domain, network.width, rest, network.levels, genome.training)) for rest in rests
        ]

    def key(self, genome: Genome) -> str:
        """The genome's key."""
        return genome.key

    def describe(self, genomes: Sequence[Genome]) -> Floats:
        """The genes of each genome as finite numbers `[N, D]`; a gene without a meaning is `ABSENT`."""
        values = gene_table(genomes, self.domain.modalities, self.domain.weighted).values
        return np.asarray(np.where(np.isnan(values), ABSENT, values))

    def known(self, genome: Genome) -> dict[str, float]:
        """The costs of a genome, which are known without training."""
        return dict(self._cost(genome.network))

    def repair(self, genome: Genome) -> Genome:
        """The nearest legal genome, shrunk until it keeps the limits; unchanged if it is legal and keeps them."""
        return self._fit(legal(self.domain, genome))

    def _fit(self, genome: Genome) -> Genome:
        """A legal genome, brought into the space's design and shrunk until it keeps the limits."""
        if self._design is None:
            return shrink(self.domain, genome, self.limits, self._cost, self._least)
        designed = self._design(self.domain, genome)
        small = shrink(self.domain, designed, self.limits, self._cost, self._least)
        if self._design(self.domain, small) == small:
            return small
        return legal(self.domain, replace(small, network=self._least))  # shrinking has brought it out of its design

    def smallest(self, objective: str) -> float:
        """The smallest value of a cost that any network of this space has.

        Raises:
            ValueError: There is no such cost.
        """
        costs = [self._cost(minimal(self.domain, modality)) for modality in self.domain.modalities]
        if objective not in costs[0]:
            raise ValueError(f"limit {objective!r} does not exist, expected one of {', '.join(costs[0]) or 'none'}")
        return min(cost[objective] for cost in costs)

    def _check_limits(self) -> None:
        for name, limit in self.limits.items():
            smallest = self.smallest(name)
            if not math.isfinite(limit) or limit < smallest:
                raise ValueError(f"limit {_listed({name: limit})} cannot be met, the smallest network has {smallest:g}")


@dataclass(frozen=True)
class _Fitting:
    """Repairs what our own operators give, which is legal already."""

    repair: Callable[[Genome], Genome]


def _listed(limits: Mapping[str, float]) -> str:
    return ", ".join(f"{name}={limit:g}" for name, limit in limits.items())
