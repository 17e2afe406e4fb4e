"""What is tuned of a genome: how it is trained, within the bounds of its search. Its architecture stays."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from evo.bounds import CHOICES, LOGARITHMIC, TRAINING, Bounds
from model.spec import Genome


@dataclass(frozen=True)
class Genes:
    """The genes of `genome` that are tuned, by their names in `TrainingGenes`."""

    genome: Genome
    bounds: Bounds
    names: tuple[str, ...]

    @classmethod
    def of(cls, genome: Genome, bounds: Bounds, *, epochs: bool = True) -> Genes:
        """All that have an effect on the genome and more than one value; its epochs too, unless they are to stay."""
        idle = set() if epochs else {"epochs"}
        if len(genome.network.encoders) == 1:
            idle.add("modality_dropout")
        if all(len(level.experts) == 1 for level in genome.network.levels):
            idle.add("balance")
        ends = {name: getattr(bounds, name) for name in ("epochs", *TRAINING) if name not in idle}
        return cls(genome, bounds, tuple(name for name, values in ends.items() if values[0] < values[-1]))

    def start(self) -> dict[str, Any]:
        """The genome's own."""
        return {name: getattr(self.genome.training, name) for name in self.names}

    def space(self) -> dict[str, Any]:
        """Ray Tune's search space: choices as likely, real numbers even over their range or its logarithm."""
        from ray import tune

        def domain(name: str) -> Any:
            ends = getattr(self.bounds, name)
            if name in CHOICES:
                return tune.choice(list(ends))
            return tune.loguniform(*ends) if name in LOGARITHMIC else tune.uniform(*ends)

        return {name: domain(name) for name in self.names}

    def genome_of(self, config: Mapping[str, Any]) -> Genome:
        """The genome with the genes of a trial, as the search writes them: rounded, and within the bounds.

        What is as it was stays, also where it is out of bounds or has more digits.
        """
        own, genes = self.start(), dict[str, Any]()
        for name in self.names:
            value = config[name]
            if value != own[name]:
                value = self.bounds.nearest(name, value) if name in CHOICES else self.bounds.clip_to(name, value)
            genes[name] = value
        return replace(self.genome, training=replace(self.genome.training, **genes))
