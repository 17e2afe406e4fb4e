"""A made space of small cells, as NAS-Bench-201's: 15,625 networks whose true errors are all known.

A cell has four nodes. Each of its six edges carries one of five operations. The error falls with the good operations
that lie on paths from the first node to the last, with diminishing returns; some pairs of operations suit each other;
and each cell has something of its own that no rule tells. Scores have noise, as trainings have. The shape follows Dong
and Yang, "NAS-Bench-201: extending the scope of reproducible neural architecture search", ICLR 2020; no figure is
theirs.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from itertools import product
from typing import Final

import moocore
import numpy as np
from numpy.typing import NDArray

Cell = tuple[int, ...]
Floats = NDArray[np.float64]
OPERATIONS: Final = ("none", "skip", "pool", "small", "large")
WORTH: Final = np.array([0.0, 0.05, 0.15, 0.75, 1.0])
PRICE: Final = np.array([0.0, 0.0, 0.02, 0.11, 1.0])
"""What an operation does for the error, and what it costs."""
PATHS: Final = ((3,), (0, 4), (1, 5), (0, 2, 5))
"""Edges of each way from the first node to the last. Edges: 0-1, 0-2, 1-2, 0-3, 1-3, 2-3."""
EDGES: Final = 6


class CellSpace:
    """All cells: one gene mutates at a time, and children take each gene of either parent."""

    def sample(self, rng: np.random.Generator) -> Cell:
        """A cell; all are equally likely."""
        return tuple(int(gene) for gene in rng.integers(len(OPERATIONS), size=EDGES))

    def mutate(self, genome: Cell, rng: np.random.Generator) -> Cell:
        """Another operation on one edge."""
        place = int(rng.integers(EDGES))
        other = (genome[place] + 1 + int(rng.integers(len(OPERATIONS) - 1))) % len(OPERATIONS)
        return (*genome[:place], other, *genome[place + 1 :])

    def crossover(self, a: Cell, b: Cell, rng: np.random.Generator) -> tuple[Cell, Cell]:
        """Each gene goes to one child, and the other parent's to the other child."""
        swapped = rng.random(EDGES) < 0.5
        pairs = [(y, x) if swap else (x, y) for x, y, swap in zip(a, b, swapped, strict=True)]
        return tuple(x for x, _ in pairs), tuple(y for _, y in pairs)

    def key(self, genome: Cell) -> str:
        """The cell as text."""
        return "".join(map(str, genome))


@dataclass(frozen=True)
class Cells:
    """The errors and prices of all cells; `seed` makes another task of the same kind. `noise`: of one score."""

    seed: int = 0
    noise: float = 0.004

    @cached_property
    def table(self) -> dict[Cell, tuple[float, float]]:
        """The true error and the price of each cell."""
        rng = np.random.default_rng((self.seed, 201))
        suits = rng.normal(0.0, 0.12, (EDGES, EDGES, len(OPERATIONS), len(OPERATIONS)))
        found = {}
        for cell in product(range(len(OPERATIONS)), repeat=EDGES):
            ways = [path for path in PATHS if all(cell[edge] for edge in path)]
            used = sorted({edge for path in ways for edge in path})
            strength = sum(WORTH[cell[edge]] for edge in used)
            strength += sum(suits[i, j, cell[i], cell[j]] for i in used for j in used if i < j)
            own = rng.normal(0.0, 0.01)
            error = 0.9 if not ways else 0.05 + 0.6 * np.exp(-0.75 * max(strength, 0.0)) + own
            found[cell] = (float(max(error, 0.01)), float(0.05 + sum(PRICE[cell[edge]] for edge in used)))
        return found

    def score(self, cell: Cell, seed: int) -> dict[str, float]:
        """What a training of the cell gives."""
        error, price = self.table[cell]
        rng = np.random.default_rng((seed, int("".join(map(str, cell)), 5)))
        return {"error": error + float(rng.normal(0.0, self.noise)), "price": price}

    @cached_property
    def most(self) -> float:
        """The hypervolume of the best front that there is."""
        return self._volume(list(self.table))

    def hypervolume(self, cells: list[Cell]) -> float:
        """The hypervolume of cells by their true errors, as a share of the most that there is."""
        return self._volume(cells) / self.most

    def best(self) -> float:
        """The least true error."""
        return min(error for error, _ in self.table.values())

    def _volume(self, cells: list[Cell]) -> float:
        points = np.array([self.table[cell] for cell in cells])
        return float(moocore.hypervolume(points, ref=[1.0, 6.1]))
