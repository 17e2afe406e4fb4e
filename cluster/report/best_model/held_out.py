"""A search's best network on samples that it was not trained on: what it predicts and does there.

The samples are of the training and validation splits. The test split is never read. A saved best has one network per
fold and seed. Each sample is answered only by the networks whose fold held it out.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray

from haemsa.cluster.config import SearchConfig
from haemsa.model.bounds import within
from haemsa.model.data.dataset import Dataset
from haemsa.model.data.folds import choose_folds

if TYPE_CHECKING:
    from haemsa.model.predictor.insight import Insight
    from haemsa.model.predictor.predictor import Predictor

MOST: Final = 4000
"""At most so many samples are used, drawn at random."""


@dataclass(frozen=True)
class HeldOut:
    """`N` samples that at least one of the `K` networks held out, of `total` such samples.

    weights: [K, N], the part of each network in the mean of a sample; 0 where it was trained on it.
    """

    data: Dataset
    weights: NDArray[np.float64]
    total: int

    @classmethod
    def of(cls, dataset: Dataset, config: SearchConfig, members: int) -> HeldOut:
        """The samples of a search's data that its folds hold out. `members`: the number of networks."""
        pool = dataset.pool()
        folds = choose_folds(config.validation, pool, config.seed)
        held = np.array([folds.held_out[member % len(folds)] for member in range(members)])
        samples = np.flatnonzero(held.any(axis=0))
        total = len(samples)
        if total > MOST:
            samples = np.sort(np.random.default_rng(config.seed).choice(samples, MOST, replace=False))
        chosen = held[:, samples].astype(np.float64)
        return cls(pool.take(samples.astype(np.int64)), chosen / chosen.sum(axis=0), total)

    def mean(self, values: NDArray[Any]) -> NDArray[np.float32]:
        """The mean [N, ...] of the networks' values [K, N, ...], over the networks that held each sample out."""
        mean: NDArray[np.float32] = np.einsum("kn,kn...->n...", self.weights, values).astype(np.float32)
        return mean

    def of_member(self, member: int) -> NDArray[np.int64]:
        """The indices of the samples that one network held out."""
        return np.flatnonzero(self.weights[member]).astype(np.int64)

    def words(self) -> str:
        """Which samples these are, in a few sentences."""
        count = f"{len(self.data):,} of {self.total:,}" if self.total > len(self.data) else f"{self.total:,}"
        return (
            f"At work on {count} held-out samples, none of the test split. "
            "Each sample is answered only by networks that were not trained on it."
        )


@dataclass(frozen=True)
class ObservedModel:
    """A saved best, the samples that it held out, and what it does with them."""

    predictor: Predictor
    held: HeldOut
    insight: Insight

    @classmethod
    def of(cls, folder: Path, config: SearchConfig, data: Dataset) -> ObservedModel:
        """Observe the model in `folder`.

        Raises:
            ValueError: the model is damaged, or it was trained on other data.
        """
        from haemsa.model.predictor.insight import look_inside
        from haemsa.model.predictor.predictor import Predictor

        predictor, dataset = Predictor.load(folder), data.with_tasks(config.tasks)
        expected = predictor.info.get("fingerprint")
        if expected != dataset.fingerprint:
            raise ValueError(f"data {data.name!r} has fingerprint {dataset.fingerprint}, the search was on {expected}")
        held = HeldOut.of(dataset, config, len(predictor.members))
        return cls(predictor, held, look_inside(predictor, predictor.inputs(held.data)))

    @property
    def outputs(self) -> Mapping[str, NDArray[np.float32]]:
        """Predictions by task [N, C]: values within their bounds, or probabilities."""
        tasks = self.predictor.tasks
        return {name: within(self.held.mean(o), tasks[name].bounds) for name, o in self.insight.outputs.items()}
