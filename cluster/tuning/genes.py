"""What is tuned of a genome: how it is trained, within the bounds of its search. Its network stays."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

from haemsa.evo.expert_space.bounds import CHOICES, LOGARITHMIC, TRAINING, Bounds
from haemsa.evo.expert_space.domain import BOUND_OF, Domain
from haemsa.evo.expert_space.legal import idle_genes
from haemsa.model.spec.genome import Genome

GENES: Final = ("epochs", *TRAINING, *BOUND_OF)
"""All genes that are tuned. The weights of tasks are not, because they change what is best."""


@dataclass(frozen=True)
class Genes:
    """The genes of a genome that are tuned, by their `names` in `TrainingGenes`."""

    genome: Genome
    bounds: Bounds
    names: tuple[str, ...]

    @classmethod
    def of(cls, genome: Genome, domain: Domain, *, epochs: bool = True) -> Genes:
        """The genes that have an effect on the genome and more than one value. `epochs`: tune the epochs too."""
        idle = {*idle_genes(domain, genome.network), *(() if epochs else ("epochs",))}
        names = tuple(name for name in GENES if name not in idle and domain.varies(name))
        return cls(genome, domain.bounds, names)

    def start(self) -> dict[str, Any]:
        """The genome's own values."""
        return self.values_of(self.genome)

    def values_of(self, genome: Genome) -> dict[str, Any]:
        """The values of a genome: of this one, or of one that a trial had."""
        return {name: getattr(genome.training, name) for name in self.names}

    def space(self) -> dict[str, Any]:
        """The search space of Ray Tune: equal choices, and real numbers uniform over their range or its logarithm."""
        from ray import tune

        def domain(name: str) -> Any:
            ends = _bound(self.bounds, name)
            if name in CHOICES or name in BOUND_OF:
                return tune.choice(list(ends))
            return tune.loguniform(*ends) if name in LOGARITHMIC else tune.uniform(*ends)

        return {name: domain(name) for name in self.names}

    def genome_of(self, config: Mapping[str, Any]) -> Genome:
        """The genome with the genes of a trial, rounded and within the bounds, as a search writes them.

        A gene that a trial did not change stays as it is, even if it is out of bounds or has more digits.
        """
        own, genes = self.start(), dict[str, Any]()
        for name in self.names:
            value = config[name]
            if value != own[name] and name not in BOUND_OF:
                value = self.bounds.nearest(name, value) if name in CHOICES else self.bounds.clip_to(name, value)
            genes[name] = value
        return replace(self.genome, training=replace(self.genome.training, **genes))


def _bound(bounds: Bounds, name: str) -> Any:
    return getattr(bounds, BOUND_OF.get(name, name))
