"""The genomes of the benchmark of the space, drawn and bred, trained wave by wave; each set is one Parquet file.

    python -m tests.bench.tabular.collect [SET ...] [--genomes N] [--minutes M]

It continues where it was cut off. A wave is the next `WAVE` genomes of a set: the first holds the usual designs. A
third of each wave is drawn as a search draws its first genomes. The others are children of the best of a random half
of all genomes so far, by the error and the number of parameters, so that what a search finds is covered, too.

At the end some of the better half are trained again by other seeds: this tells how much of a score is luck. They have a
file of their own, SET-again.parquet.
"""

from __future__ import annotations

import argparse
import itertools
import json
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
import pandas as pd

from haemsa.cluster.shared.files import replacing
from haemsa.evo.nsga2 import best_first, non_dominated_ranks
from haemsa.model.spec.genome import Genome
from tests.bench.scores.noise_pool import distinct
from tests.bench.tabular.space_model import Floats, again_path, genomes_of
from tests.bench.tabular.trainings import SETS, Trained, Trainer, exists

FOLDER: Final = Path(__file__).parent / "sets"
WAVE: Final = 32
DRAWN: Final = 3
"""One in so many genomes of a wave is drawn at random."""
PARENTS: Final = 48
SEED: Final = 22
AGAIN: Final = 64
"""So many genomes are trained again."""
OTHER_SEEDS: Final = 1_000_000
"""The number of the first of them, from which the seeds of its trainings come."""
Bred = tuple[Genome, str, tuple[str, ...]]
"""A genome, its origin, and the keys of its parents."""


class Collection:
    """The trained genomes of a set, and the file that holds them."""

    def __init__(self, name: str, folder: Path = FOLDER) -> None:
        self.name, self.path, self.trainer = name, folder / f"{name}.parquet", Trainer(name)
        self.space = self.trainer.problem.space
        self.frame = pd.read_parquet(self.path) if self.path.exists() else pd.DataFrame({"key": []})

    def __len__(self) -> int:
        return len(self.frame)

    def next_wave(self) -> list[Bred]:
        """The next genomes, each with its origin and the keys of its parents."""
        rng = np.random.default_rng((SEED, len(self)))
        seen = set(self.frame["key"])
        designs = self.trainer.problem.plain_designs() if not len(self) else []
        wave: list[Bred] = [(genome, "design", ()) for genome in designs]
        drawn = WAVE // DRAWN if len(self) else WAVE - len(designs)
        wave += [
            (genome, "drawn", ())
            for genome in distinct((self.space.sample(rng) for _ in itertools.count()), drawn, seen)
        ]
        if len(self):
            wave += self._bred(WAVE - drawn, rng, seen)
        return wave

    def train_wave(self) -> None:
        """Train the next wave and write the file anew."""
        wave = self.next_wave()
        trained = self.trainer([genome for genome, *_ in wave], len(self))
        rows = [_row(*about, found) for about, found in zip(wave, trained, strict=True)]
        self.frame = pd.concat([self.frame, pd.DataFrame(rows)], ignore_index=True)
        _write(self.frame, self.path)

    def train_again(self) -> None:
        """Train some of the better half again, from the best to the median, and write them to a file of their own."""
        known = self.frame[self.frame["failure"].isna()]
        order = np.argsort(self._errors(known))[: len(known) // 2]
        chosen = known.iloc[order[np.linspace(0, len(order) - 1, AGAIN).astype(int)]]
        genomes = genomes_of(chosen)
        trained = self.trainer(genomes, OTHER_SEEDS)
        rows = [_row(genome, "again", (), found) for genome, found in zip(genomes, trained, strict=True)]
        _write(pd.DataFrame(rows), again_path(self.path))

    def _errors(self, frame: pd.DataFrame) -> Floats:
        """The error of each genome after all of its epochs, a mean over folds."""
        errors: Floats = frame[self.trainer.metrics[0]].map(lambda scores: float(np.mean(scores[-1]))).to_numpy()
        return errors

    def _bred(self, count: int, rng: np.random.Generator, seen: set[str]) -> list[Bred]:
        known = self.frame[self.frame["failure"].isna()]
        known = known.iloc[rng.permutation(len(known))[: max(8, len(known) // 2)]]
        losses = np.stack([self._errors(known), np.log(known["params"].to_numpy())], axis=1)
        order, _ = best_first(losses, non_dominated_ranks(losses), np.ones(len(losses), dtype=bool), PARENTS)
        parents = genomes_of(known.iloc[order])
        families = dict[str, tuple[str, ...]]()

        def children() -> Iterator[Genome]:
            while True:
                a, b = (parents[place] for place in rng.choice(len(parents), 2, replace=False))
                for child in self.space.crossover(a, b, rng):
                    mutant = self.space.mutate(child, rng)
                    families[mutant.key] = (a.key, b.key)
                    yield mutant

        return [(genome, "bred", families[genome.key]) for genome in distinct(children(), count, seen)]


def _write(frame: pd.DataFrame, path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with replacing(path) as temporary:
        frame.to_parquet(temporary, index=False, compression="zstd")


def _row(genome: Genome, origin: str, parents: Sequence[str], found: Trained) -> dict[str, Any]:
    return {
        "key": genome.key,
        "genome": json.dumps(genome.to_dict()),
        "origin": origin,
        "parents": list(parents),
        "seconds": found.seconds,
        "failure": found.failure,
        **found.costs,
        **{name: np.array(scores, np.float32).tolist() for name, scores in found.scores.items()},
    }


def main() -> None:
    """Train waves of each set in turn, until there are enough genomes or the time is up."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("sets", nargs="*", default=list(SETS))
    parser.add_argument("--genomes", type=int, default=2000)
    parser.add_argument("--minutes", type=float, default=float("inf"))
    given = parser.parse_args()
    end = time.monotonic() + 60 * given.minutes
    collections = [Collection(name) for name in given.sets if exists(name)]
    while open_ones := [each for each in collections if len(each) < given.genomes]:
        for collection in open_ones:
            if time.monotonic() > end:
                return
            began = time.monotonic()
            collection.train_wave()
            print(f"{collection.name}: {len(collection)} genomes, {time.monotonic() - began:.0f} s", flush=True)
    for collection in collections:
        if not again_path(collection.path).exists():
            collection.train_again()
            print(f"{collection.name}: {AGAIN} genomes trained again", flush=True)


if __name__ == "__main__":
    main()
