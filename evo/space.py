"""The search space that `Evolution` needs: how genomes are drawn, varied and told apart."""

from __future__ import annotations

from typing import Protocol, TypeVar

import numpy as np

G = TypeVar("G")


class SpaceExhausted(ValueError):  # noqa: N818 - an end, not an error of the space
    """No genome was found that has not been given out before."""


class Space(Protocol[G]):
    """Genomes are immutable values. All randomness comes from `rng`. The space knows how much it varies them.

    `Evolution` knows how often: see its `crossover` and `mutation`. It calls these methods through a DEAP toolbox
    (operators/toolbox.py). There any of them may be replaced.

    Example: all words of five letters.
        >>> class Words:
        ...     def sample(self, rng):
        ...         return "".join(rng.choice(list("abcde"), 5))
        ...     def mutate(self, genome, rng):
        ...         place = int(rng.integers(5))
        ...         return genome[:place] + str(rng.choice(list("abcde"))) + genome[place + 1 :]
        ...     def crossover(self, a, b, rng):
        ...         place = int(rng.integers(1, 5))
        ...         return a[:place] + b[place:], b[:place] + a[place:]
        ...     def key(self, genome):
        ...         return genome
        >>> from haemsa.evo import Evolution
        >>> evolution = Evolution(Words(), {"vowels": "max"}, seed=0, population_size=10)
        >>> for _ in range(200):
        ...     (word,) = evolution.ask(1)
        ...     _ = evolution.tell(word, {"vowels": sum(map(word.genome.count, "ae"))})
        >>> evolution.front()[0].scores["vowels"].mean
        5.0
    """

    def sample(self, rng: np.random.Generator) -> G:
        """Draw a genome."""

    def mutate(self, genome: G, rng: np.random.Generator) -> G:
        """A changed copy of `genome`."""

    def crossover(self, a: G, b: G, rng: np.random.Generator) -> tuple[G, G]:
        """Two children of `a` and `b`."""

    def key(self, genome: G) -> str:
        """A text that is the same for two genomes exactly if it would be a waste to evaluate both."""
