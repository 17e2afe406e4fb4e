"""What a space must tell of its genomes so that a model can learn from their scores."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol, runtime_checkable

from haemsa.evo.candidate import G_contra
from haemsa.evo.nsga2 import Losses


@runtime_checkable
class Described(Protocol[G_contra]):
    """A `Space` that shows genomes as numbers."""

    def describe(self, genomes: Sequence[G_contra]) -> Losses:
        """The genes of each genome as finite numbers `[N, D]`, always in the same columns."""

    def known(self, genome: G_contra) -> Mapping[str, float]:
        """Costs of a genome by name that are known without training, such as its parameters."""
