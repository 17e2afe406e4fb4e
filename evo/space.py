"""The search space that `Evolution` needs: how genomes are drawn, varied and told apart."""

from __future__ import annotations

from typing import Protocol, TypeVar

import numpy as np

G = TypeVar("G")


class SpaceExhausted(ValueError):  # noqa: N818 - an end, not an error of the space
    """No genome was found that has not been given out before."""


class Space(Protocol[G]):
    """Genomes are immutable values; all randomness comes from `rng`; probabilities of variation belong to the space."""

    def sample(self, rng: np.random.Generator) -> G:
        """Draw a genome."""
        ...

    def mutate(self, genome: G, rng: np.random.Generator) -> G:
        """A changed copy of `genome`."""
        ...

    def crossover(self, a: G, b: G, rng: np.random.Generator) -> tuple[G, G]:
        """Two children of `a` and `b`."""
        ...

    def key(self, genome: G) -> str:
        """A text that two genomes share if and only if evaluating both would be a waste."""
        ...
