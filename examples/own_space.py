"""Evolve something other than networks: the columns that a linear model reads, by its error and their number."""

import numpy as np

from haemsa import Evolution

rng = np.random.default_rng(0)
table = rng.normal(size=(300, 30))
target = table[:, :5] @ [5, 4, 3, 2, 1] + rng.normal(size=300)  # only the first five columns matter


class Columns:
    """Genomes are tuples of 30 bits: 1 where a column is read."""

    def sample(self, rng):
        """Draw a genome."""
        return tuple((rng.random(30) < 0.3).astype(int).tolist())

    def mutate(self, genome, rng):
        """Flip about one bit."""
        return tuple(int(bit != (rng.random() < 1 / 30)) for bit in genome)

    def crossover(self, a, b, rng):
        """Deal the bits of two parents to two children."""
        swap = rng.random(30) < 0.5
        return tuple(np.where(swap, b, a).tolist()), tuple(np.where(swap, a, b).tolist())

    def key(self, genome):
        """Genomes with the same key are evaluated once."""
        return "".join(map(str, genome))


def evaluate(genome):
    """Fit on the first 200 rows, and score on the others."""
    chosen = table[:, np.flatnonzero(genome)]
    weights = np.linalg.lstsq(chosen[:200], target[:200], rcond=None)[0]
    return {"error": np.abs(chosen[200:] @ weights - target[200:]).mean(), "columns": sum(genome)}


evolution = Evolution(Columns(), {"error": "min", "columns": "min"}, seed=0, population_size=32)
for _ in range(1500):
    (candidate,) = evolution.ask(1)
    evolution.tell(candidate, evaluate(candidate.genome))
for item in evolution.front():
    print(f"error {item.scores['error'].mean:.2f} with columns {np.flatnonzero(item.genome).tolist()}")
