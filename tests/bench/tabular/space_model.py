"""A model of the real space, fitted to trained genomes: it answers any genome with a noisy score at any epoch.

After NAS-Bench-301 (Zela et al., "Surrogate NAS benchmarks: going beyond the limited search spaces of tabular NAS
benchmarks", ICLR 2022). A forest gives the expected error after each of `EPOCHS` (trainings.py). What it cannot know is
drawn from its own errors on genomes that it was not fitted to: a part that belongs to the genome and stays, and a part
of each training. So the landscape is as rugged, and scores are as noisy, as they are for real. A search that learns by
a forest of its own has it too easy there. So kernel ridge regression can take the place of the forest.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Final, Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.stats import spearmanr
from sklearn.compose import TransformedTargetRegressor
from sklearn.ensemble import ExtraTreesRegressor
from sklearn.kernel_ridge import KernelRidge
from sklearn.model_selection import KFold
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from haemsa.evo.expert_space.features import gene_table
from haemsa.model.spec.genome import Genome

Floats = NDArray[np.float64]
Learner = Literal["forest", "kernel"]
TREES: Final = 200
SIMILAR: Final = 6
"""A genome has the errors and the noise of one of the trained genomes that are as good: of one in so many."""
PARTS: Final = 5
"""Of the genomes, to find the errors of the model on genomes that it does not know."""
ABSENT: Final = -1.0
"""What stands for a gene without a meaning, which a forest cannot read as NaN in every version."""


@dataclass(frozen=True)
class TrainedGenomes:
    """One Parquet file: genomes, and errors `[N, E, F]` of one metric after each of `EPOCHS` on each fold."""

    genomes: list[Genome]
    errors: Floats
    frame: pd.DataFrame

    @classmethod
    def read(cls, path: Path, metric: str) -> TrainedGenomes:
        """The genomes that have scores."""
        frame = pd.read_parquet(path)
        frame = frame[frame["failure"].isna()].reset_index(drop=True)
        errors = np.array([[list(fold) for fold in scores] for scores in frame[metric]], np.float64)
        return cls([Genome.from_dict(json.loads(text)) for text in frame["genome"]], errors, frame)


class SpaceModel:
    """Errors of any genome of a set.

    Args:
        trained: what it is fitted to.
        modalities: of the data, in their order.
        tasks: of the data, if there are several.
        learner: what learns the errors.
    """

    def __init__(
        self, trained: TrainedGenomes, modalities: Sequence[str], tasks: Sequence[str] = (), learner: Learner = "forest"
    ) -> None:
        self.modalities, self.tasks, self._made = tuple(modalities), tuple(tasks), LEARNERS[learner]
        self._rows = self.rows(trained.genomes)
        self._targets = np.log(trained.errors.mean(axis=2))
        self._noise = np.log(trained.errors) - self._targets[:, :, None]
        self.learned = self._made().fit(self._rows, self._targets)
        self._unknown = _without_noise(self._targets - self.unseen, self._noise)
        self._order = np.argsort(self.unseen[:, -1])
        self._sorted = self.unseen[self._order, -1]
        self._similar = max(1, len(self._order) // SIMILAR)
        self._known: dict[str, _Known] = {}

    def rows(self, genomes: Sequence[Genome]) -> Floats:
        """The genes of genomes `[N, K]`."""
        values = gene_table(genomes, self.modalities, self.tasks).values
        return np.asarray(np.where(np.isnan(values), ABSENT, values), dtype=np.float64)

    @cached_property
    def unseen(self) -> Floats:
        """Expected log errors `[N, E]` of the trained genomes, by models that were fitted to the others."""
        found = np.empty_like(self._targets)
        for fit, rest in KFold(PARTS, shuffle=True, random_state=0).split(self._rows):
            found[rest] = self._made().fit(self._rows[fit], self._targets[fit]).predict(self._rows[rest])
        return found

    def told(self) -> dict[str, Any]:
        """How good the model is on genomes that it does not know, at the last of `EPOCHS`; and what scores repeat."""
        truth, guess = self._targets[:, -1], self.unseen[:, -1]
        best = truth <= np.quantile(truth, 0.25)
        one = self._targets[:, -1] + self._noise[:, -1, 0]
        rest = self._targets[:, -1] + self._noise[:, -1, 1:].mean(axis=1)
        return {
            "genomes": len(truth),
            "R2": float(1 - ((truth - guess) ** 2).sum() / ((truth - truth.mean()) ** 2).sum()),
            "Spearman": float(spearmanr(truth, guess).statistic),
            "Spearman of the best quarter": float(spearmanr(truth[best], guess[best]).statistic),
            "Spearman of one fold with the others": float(spearmanr(one, rest).statistic),
            "typical error": float(np.exp(np.abs(truth - guess).mean()) - 1),
        }

    def expect(self, genomes: Sequence[Genome]) -> Floats:
        """What a genome's error really is `[N, E]`, averaged over folds and seeds; the same whenever it is asked."""
        self._learn(genomes)
        return np.array([self._known[genome.key].expected for genome in genomes])

    def measure(self, genomes: Sequence[Genome], seed: int) -> Floats:
        """Errors `[N, E, F]` of one training of each genome on each fold."""
        self._learn(genomes)
        known = [self._known[genome.key] for genome in genomes]
        noise = np.array(
            [self._noise[_draw(genome, seed, like.similar)] for genome, like in zip(genomes, known, strict=True)]
        )
        return np.asarray(np.array([like.expected for like in known])[:, :, None] * np.exp(noise))

    def _learn(self, genomes: Sequence[Genome]) -> None:
        new = list({genome.key: genome for genome in genomes if genome.key not in self._known}.values())
        for genome, guess in zip(new, self.learned.predict(self.rows(new)) if new else (), strict=True):
            place = int(np.searchsorted(self._sorted, guess[-1]))
            low = min(max(place - self._similar // 2, 0), len(self._order) - self._similar)
            similar = self._order[low : low + self._similar]
            unknown = self._unknown[_draw(genome, -1, similar)]
            self._known[genome.key] = _Known(np.exp(guess + unknown), similar)


@dataclass(frozen=True)
class _Known:
    """A genome that was asked for: its expected errors `[E]`, and the trained genomes whose noise it has."""

    expected: Floats
    similar: NDArray[np.intp]


def _draw(genome: Genome, seed: int, similar: NDArray[np.intp]) -> int:
    return int(np.random.default_rng((int(genome.key, 16), seed + 1)).choice(similar))


def _without_noise(residuals: Floats, noise: Floats) -> Floats:
    """Residuals `[N, E]` of means over folds, made as small as they would be if scores had no `noise` `[N, E, F]`."""
    own = noise - noise.mean(axis=0)  # what a fold adds to every genome is no noise
    folds = noise.shape[2]
    of_mean = own.var(axis=(0, 2), ddof=0) * folds / (folds - 1) / folds
    share = 1 - of_mean / np.maximum(residuals.var(axis=0), 1e-12)
    smaller: Floats = residuals * np.sqrt(np.clip(share, 0.0, 1.0))
    return smaller


def _forest() -> Any:
    return ExtraTreesRegressor(TREES, min_samples_leaf=2, max_features=0.5, random_state=0, n_jobs=1)


def _kernel() -> Any:
    ridge = make_pipeline(StandardScaler(), KernelRidge(kernel="laplacian", gamma=0.03, alpha=0.03))
    return TransformedTargetRegressor(ridge, transformer=StandardScaler())


LEARNERS: Final[Mapping[Learner, Callable[[], Any]]] = {"forest": _forest, "kernel": _kernel}
