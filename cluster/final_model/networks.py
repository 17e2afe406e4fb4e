"""The networks of final training, and how a worker trains some of them. Axes: `N` samples, `C` outputs.

Final networks are the model. Unseen ones calibrate it: each leaves out a fold of the samples. All have the same
batches, so any of them can be trained together, and a network is the same wherever it is trained.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray

from haemsa.cluster.final_model.recipe import Recipe, final_seed, protocol
from haemsa.cluster.workers.cohort_trainer import check_device
from haemsa.model.data.dataset import Dataset
from haemsa.model.data.folds import Folds, grouped

if TYPE_CHECKING:
    from haemsa.model.network.cohort import CohortRow

FOLDS: Final = 5


@dataclass(frozen=True)
class Networks:
    """The networks of a recipe.

    folds: what each of them leaves out. protocol: one line that says what the final ones are trained on. final, unseen:
    the networks, ordered by fold, then by seed, then by genome. problem: why there are no unseen ones, if they were
    wanted.
    """

    folds: Folds
    protocol: str
    final: tuple[CohortRow, ...]
    unseen: tuple[CohortRow, ...] = ()
    problem: str = ""

    @classmethod
    def of(cls, recipe: Recipe, samples: Dataset, seeds: int, *, calibrate: bool) -> Networks:
        """The networks of a recipe for `samples`, the training and validation samples.

        A model that was not trained on the validation split is calibrated on that split, which needs no more networks.
        Otherwise, and for fine-tuning in any case, there are five folds over what the final networks are trained on:
        ten networks for a single genome (two seeds, for their spread), five for each genome of an ensemble. They have
        other seeds than the final ones.

        Raises:
            ValueError: `seeds` is less than 1, or the samples cannot be divided into folds, which fine-tuning needs.
        """
        if seeds < 1:
            raise ValueError(f"{seeds} seeds were asked for, expected 1 or more")
        folds, line = protocol(recipe.validation, samples, whole=recipe.whole)
        final = _rows(recipe, range(len(folds)), range(seeds))
        labels_only = all(task.kind == "multilabel" for task in samples.tasks.values())
        needless = folds.kind == "holdout" or labels_only  # independent labels have nothing to calibrate
        if not calibrate or (needless and not recipe.finetune):
            return cls(folds, line, final)
        try:
            more = _over_trained(folds, samples, recipe.seed)
        except ValueError as error:
            if recipe.finetune:
                raise ValueError(f"{recipe.finetune} cannot be fine-tuned: {error}") from None
            return cls(folds, line, final, problem=str(error))
        count = 1 if len(recipe.members) > 1 else min(seeds, 2)
        unseen = _rows(recipe, range(len(folds), len(folds) + len(more)), range(seeds, seeds + count))
        held_out = np.concatenate([folds.held_out, more])
        return cls(Folds(held_out, folds.kind), line, final, unseen)


def _over_trained(folds: Folds, samples: Dataset, seed: int) -> NDArray[np.bool_]:
    """Further folds, bool [F, N], over what the final networks are trained on. All hold out what these hold out."""
    trained = folds.trained
    part = samples if len(trained) == len(samples) else samples.take(trained)
    held_out = np.ones((min(FOLDS, len(np.unique(part.groups))), len(samples)), np.bool_)
    held_out[:, trained] = grouped(part, len(held_out), seed).held_out
    return held_out


def _rows(recipe: Recipe, folds: range, seeds: range) -> tuple[CohortRow, ...]:
    from haemsa.model.network.cohort import CohortRow

    genomes = [genome for genome, _ in recipe.members]
    return tuple(
        CohortRow(genome, final_seed(recipe.seed, seed), fold) for fold in folds for seed in seeds for genome in genomes
    )


@dataclass(frozen=True)
class FinalData:
    """What a worker keeps: the training and validation samples, normalised, and what all networks share.

    tell: is called after each epoch with the number of networks that it trained. raw: whether networks are wanted as
    they were in training too, to train them on.
    """

    pool: Dataset
    folds: Folds
    batch_size: int
    order_seed: int
    device: str = "cpu"
    tell: Callable[[int], None] | None = None
    raw: bool = False


@dataclass(frozen=True)
class FinalNetwork:
    """A trained network: its weights, with the statistics of its fold baked in, and its outputs [N, C] by task.

    raw: its weights without these statistics, if they are wanted.
    """

    weights: dict[str, NDArray[Any]]
    outputs: dict[str, NDArray[Any]]
    raw: dict[str, NDArray[Any]] = field(default_factory=dict)


class FinalTrainer:
    """Trains networks on data that it holds. A worker makes it once. torch loads here, not on import.

    Raises:
        ValueError: torch does not have the device.
    """

    def __init__(self, data: FinalData) -> None:
        from haemsa.model.training.fold_statistics import FoldStatistics
        from haemsa.model.training.pool import Pool
        from haemsa.model.training.process import prepare_process
        from haemsa.model.training.train import TrainingSettings

        check_device(data.device)
        prepare_process()  # two threads that wait for each other take ten times as long once another program is busy
        self._folds, self._tell, self._raw = data.folds, data.tell, data.raw
        self._pool = Pool.of(data.pool, data.device)
        self._statistics = FoldStatistics.fit(self._pool, data.folds)
        self._settings = TrainingSettings(data.batch_size, order_seed=data.order_seed)

    def __call__(self, rows: Sequence[CohortRow]) -> list[FinalNetwork | None]:
        """Train networks as one cohort. None stands for a network that diverged."""
        from haemsa.model.predictor.baking import bake
        from haemsa.model.training.train import TrainedRow, train

        def ended(epoch: int) -> None:
            if self._tell is not None:
                self._tell(sum(row.genome.training.epochs >= epoch for row in rows))

        trained = train(rows, self._pool, self._folds, self._settings, ended, statistics=self._statistics)
        networks = list[FinalNetwork | None]()
        for row in trained:
            if isinstance(row, TrainedRow):
                outputs = {task: np.array(values) for task, values in row.outputs.items()}
                baked, raw = bake(row.row, row.weights, self._statistics), row.weights if self._raw else {}
                networks.append(FinalNetwork(as_arrays(baked), outputs, as_arrays(raw)))
            else:
                networks.append(None)
        return networks


def as_arrays(weights: Mapping[str, Any]) -> dict[str, NDArray[Any]]:
    """Weights of torch as arrays of their own."""
    return {name: np.array(values) for name, values in weights.items()}
