"""A model of the real space, fitted to trained genomes: it answers any genome with a noisy score at any epoch.

After NAS-Bench-301 (Zela et al., "Surrogate NAS benchmarks: going beyond the limited search spaces of tabular NAS
benchmarks", ICLR 2022). A forest gives the expected error after each of `EPOCHS` (trainings.py). What it cannot know is
drawn from its own errors on genomes that it was not fitted to. A genome's error on a fold has a part that stays, and a
part that is luck: another seed changes it. How large the latter is, genomes that were trained twice tell. So the
landscape is as rugged, and scores are as noisy, as they are for real. A search that learns by a forest of its own has
it too easy there. So kernel ridge regression can take the place of the forest.
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
"""A genome has errors and noise of trained genomes that are as good: of one in so many."""
PARTS: Final = 5
"""Of the genomes, to find the errors of the model on genomes that it does not know."""
ABSENT: Final = -1.0
"""What stands for a gene without a meaning, which a forest cannot read as NaN in every version."""


@dataclass(frozen=True)
class TrainedGenomes:
    """Genomes, and errors `[N, E, F]` of one metric after each of `EPOCHS` on each fold.

    `luck`: the share `[E]` of the variance of these errors, beyond what the genome and the fold explain, that is luck.
    """

    genomes: list[Genome]
    errors: Floats
    luck: Floats

    @classmethod
    def read(cls, path: Path, metric: str) -> TrainedGenomes:
        """The genomes of a Parquet file that have scores. Some of them were trained twice (`again_path`)."""
        frame, again = (_errors(each, metric) for each in (path, again_path(path)))
        both = frame.index.intersection(again.index)
        luck = share_of_luck(*(np.stack(list(each.loc[both, "errors"])) for each in (frame, again)))
        return cls(genomes_of(frame), np.stack(list(frame["errors"])), luck)


def again_path(path: Path) -> Path:
    """The file of those genomes of a file that were trained again, by other seeds."""
    return path.with_name(f"{path.stem}-again{path.suffix}")


def genomes_of(frame: pd.DataFrame) -> list[Genome]:
    """The genomes of rows of such a file."""
    return [Genome.from_dict(json.loads(text)) for text in frame["genome"]]


def share_of_luck(first: Floats, second: Floats) -> Floats:
    """The share of luck `[E]`, by errors `[N, E, F]` of genomes that were trained twice.

    Example:
        >>> folds = np.exp(np.random.default_rng(0).normal(size=(100, 1, 5)))
        >>> share_of_luck(folds, folds).tolist()
        [0.0]
    """
    logs = np.log(first), np.log(second)
    by_seed = ((logs[0] - logs[1]) ** 2).mean(axis=(0, 2)) / 2
    in_all = np.mean([(own_noise(each) ** 2).mean(axis=(0, 2)) for each in logs], axis=0)
    folds = first.shape[2]
    share: Floats = np.clip(by_seed / (in_all * folds / (folds - 1)), 0.0, 1.0)
    return share


def own_noise(logs: Floats) -> Floats:
    """What is left of log errors `[N, E, F]` without the mean of each genome, and that of each fold."""
    noise = logs - logs.mean(axis=2, keepdims=True)
    return np.asarray(noise - noise.mean(axis=0))


def _errors(path: Path, metric: str) -> pd.DataFrame:
    """The genomes of a file that have scores, by their keys, with their `errors` `[E, F]`."""
    frame = pd.read_parquet(path)
    frame = frame[frame["failure"].isna()].set_index("key")
    frame["errors"] = [np.array([list(folds) for folds in scores], np.float64) for scores in frame[metric]]
    return frame


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
        self._logs, folds = np.log(trained.errors), trained.errors.shape[2]
        self._own = own_noise(self._logs)
        self._of_fold = (self._logs - self._targets[:, :, None]).mean(axis=0)
        self._stays = np.sqrt(1 - trained.luck)[:, None]
        self._luck = np.sqrt(trained.luck * folds / (folds - 1))[:, None]
        self.learned = self._made().fit(self._rows, self._targets)
        of_mean = ((self._luck * self._own) ** 2).mean(axis=(0, 2)) / folds
        self._unknown = _without_luck(self._targets - self.unseen, of_mean)
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
        one, rest = self._logs[:, -1, 0], self._logs[:, -1, 1:].mean(axis=1)
        return {
            "genomes": len(truth),
            "R2": float(1 - ((truth - guess) ** 2).sum() / ((truth - truth.mean()) ** 2).sum()),
            "Spearman": float(spearmanr(truth, guess).statistic),
            "Spearman of the best quarter": float(spearmanr(truth[best], guess[best]).statistic),
            "Spearman of one fold with the others": float(spearmanr(one, rest).statistic),
            "typical error": float(np.exp(np.abs(truth - guess).mean()) - 1),
            "luck on a fold": float((self._luck[-1] * self._own[self._order[: len(truth) // 4], -1]).std()),
        }

    def expect(self, genomes: Sequence[Genome]) -> Floats:
        """What a genome's error really is `[N, E]`, averaged over folds and seeds; the same whenever it is asked."""
        self._learn(genomes)
        return np.array([self._known[genome.key].expected for genome in genomes])

    def measure(self, genomes: Sequence[Genome], seed: int) -> Floats:
        """Errors `[N, E, F]` of one training of each genome on each fold, by seeds that `seed` stands for."""
        self._learn(genomes)
        known = [self._known[genome.key] for genome in genomes]
        luck = np.array([self._lucky(*pair, seed) for pair in zip(genomes, known, strict=True)])
        noise = self._of_fold + self._stays * np.array([like.own for like in known]) + self._luck * luck
        return np.asarray(np.array([like.expected for like in known])[:, :, None] * np.exp(noise))

    def _lucky(self, genome: Genome, like: _Known, seed: int) -> Floats:
        """What another genome had on each fold, `[E, F]`. Each fold has its own one."""
        folds = self._own.shape[2]
        drawn = _generator(genome, seed + 1).choice(like.similar, folds)
        return np.stack([self._own[place, :, fold] for fold, place in enumerate(drawn)], axis=1)

    def _learn(self, genomes: Sequence[Genome]) -> None:
        new = list({genome.key: genome for genome in genomes if genome.key not in self._known}.values())
        for genome, guess in zip(new, self.learned.predict(self.rows(new)) if new else (), strict=True):
            place = int(np.searchsorted(self._sorted, guess[-1]))
            low = min(max(place - self._similar // 2, 0), len(self._order) - self._similar)
            similar = self._order[low : low + self._similar]
            unknown, own = _generator(genome, 0).choice(similar, 2)
            self._known[genome.key] = _Known(np.exp(guess + self._unknown[unknown]), self._own[own], similar)


@dataclass(frozen=True)
class _Known:
    """A genome that was asked for: its expected errors `[E]`, the noise `[E, F]` that stays, and similar genomes."""

    expected: Floats
    own: Floats
    similar: NDArray[np.intp]


def _generator(genome: Genome, number: int) -> np.random.Generator:
    return np.random.default_rng((int(genome.key, 16), number))


def _without_luck(residuals: Floats, of_mean: Floats) -> Floats:
    """Residuals `[N, E]` as small as they would be if means over folds had no luck, of the variance `of_mean` `[E]`."""
    share = 1 - of_mean / np.maximum(residuals.var(axis=0), 1e-12)
    smaller: Floats = residuals * np.sqrt(np.clip(share, 0.0, 1.0))
    return smaller


class _Forest(ExtraTreesRegressor):
    """scikit-learn's, without joblib, which takes longer than the trees for a few genomes."""

    def predict(self, rows: Floats) -> Floats:
        columns = np.asarray(rows, np.float32)
        found: Floats = np.mean([tree.predict(columns, check_input=False) for tree in self.estimators_], axis=0)
        return found


def _forest() -> Any:
    return _Forest(TREES, min_samples_leaf=2, max_features=0.5, random_state=0, n_jobs=1)


def _kernel() -> Any:
    ridge = make_pipeline(StandardScaler(), KernelRidge(kernel="laplacian", gamma=0.03, alpha=0.03))
    return TransformedTargetRegressor(ridge, transformer=StandardScaler())


LEARNERS: Final[Mapping[Learner, Callable[[], Any]]] = {"forest": _forest, "kernel": _kernel}
