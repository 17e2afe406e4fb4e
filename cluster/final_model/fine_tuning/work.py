"""What a worker does: it holds the samples and the encoder, and fine-tunes the networks of a fold, or the final ones.

Axes: `R` networks, `N` samples, `n` of them, `C` outputs.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from joblib import cpu_count
from numpy.typing import NDArray

from haemsa.cluster.final_model.networks import as_arrays
from haemsa.cluster.shared.kept import Arrays
from haemsa.model.data.dataset import Dataset, Task
from haemsa.model.data.folds import Folds
from haemsa.model.metrics import all_metrics, direction, main_metric

if TYPE_CHECKING:
    from haemsa.model.encoders.text import TextEncoder
    from haemsa.model.network.cohort import CohortRow
    from haemsa.model.training.fine_tuning.joint import JointTraining

MOST: Final = 8
"""The most epochs."""
PATIENCE: Final = 2
"""A fold stops after so many epochs in a row that are no better than its best one."""
_WIDE: Final = 256
"""Encoders with so many features gain by several cores. With fewer, cores wait for each other."""
ADAPTER_ARRAYS: Final = "adapters/"
"""Begins the names of the arrays of adapters."""
TUNED: Final = "tuned/"
"""Begins the names of the outputs of networks that trained on together with the encoder."""
CONTROL: Final = "control/"
"""Begins those of the same networks that trained on without it."""


@dataclass(frozen=True)
class FineTuningData:
    """What a worker keeps.

    pool: the training and validation samples, normalised, with transcripts. folds: what networks leave out. stream: the
    stream of the encoder. facts: what made it. scaling: the mean and the scale by which the stream was normalised.
    batch_size, order_seed: of final training. shares: the part of each genome. tell: is called with the number of
    samples that were trained on.
    """

    pool: Dataset
    folds: Folds
    stream: str
    facts: Mapping[str, Any]
    scaling: tuple[NDArray[np.float32], NDArray[np.float32]]
    batch_size: int
    order_seed: int
    shares: tuple[float, ...]
    tell: Callable[[int], None] | None = None


@dataclass(frozen=True)
class FineTuning:
    """Networks that are fine-tuned together. All of them leave out the same fold.

    rows, weights: the networks, with their weights as they were in training. seed: draws the adapters. epochs: the most
    epochs. scored: the samples that score them after each epoch. There are none for the final networks: their weights
    after the last epoch are wanted.
    """

    rows: tuple[CohortRow, ...]
    weights: tuple[Mapping[str, NDArray[Any]], ...]
    seed: int
    epochs: int
    scored: NDArray[np.int64]


class FineTuner:
    """Fine-tunes networks on data that it holds. A worker makes it once."""

    def __init__(self, data: FineTuningData) -> None:
        from haemsa.model.encoders.adapters import Adapters
        from haemsa.model.training.fine_tuning.text_stream import TextStream
        from haemsa.model.training.fold_statistics import FoldStatistics
        from haemsa.model.training.pool import Pool

        self._data, encoder = data, text_encoder(data.stream, data.facts)
        self._adapters, self._width = Adapters(encoder.pretrained), encoder.width
        self._pool = Pool.of(data.pool, encoder.pretrained.device)
        self._statistics = FoldStatistics.fit(self._pool, data.folds)
        present = data.pool.modalities[data.stream].presence.tolist()
        texts = [text if here else "" for text, here in zip(data.pool.transcripts, present, strict=True)]
        self._stream = TextStream(data.stream, encoder, texts, *data.scaling)

    def __call__(self, tuning: FineTuning) -> Arrays:
        """Fine-tune networks.

        Returns:
            If samples score them: their outputs [R, n, C] as "tuned/EPOCH/TASK", from epoch 0, which is before, and as
            "control/EPOCH/TASK" those of the same networks if the encoder stays as it is. Otherwise the weights of
            each network, with the statistics of its fold baked in, as "NUMBER/NAME", and the adapters. There are none
            if they diverged.
        """
        with _cores(self._width):
            if not len(tuning.scored):
                return self._final(tuning)
            tuned, control = self._scored(tuning, adapted=True), self._scored(tuning, adapted=False)
            return {**_named(TUNED, tuned), **_named(CONTROL, control)}

    def _scored(self, tuning: FineTuning, *, adapted: bool) -> Arrays:
        joint = self._joint(tuning, adapted=adapted)
        tasks = {name: task.take(tuning.scored) for name, task in self._data.pool.tasks.items()}
        better = min if direction(main_metric(tasks)) == "min" else max
        told = [_stacked(joint.outputs(tuning.scored))]
        scores = [score_of(tasks, told[0], self._data.shares)]
        for epoch in range(1, tuning.epochs + 1):
            if not self._epoch(joint, tuning, epoch, self._data.tell if adapted else None):
                break
            outputs = _stacked(joint.outputs(tuning.scored))
            scores.append(score_of(tasks, outputs, self._data.shares))
            if not np.isfinite(scores[-1]):
                break
            told.append(outputs)
            if epoch - scores.index(better(scores)) >= PATIENCE:
                break
        return {f"{epoch}/{name}": values for epoch, outputs in enumerate(told) for name, values in outputs.items()}

    def _final(self, tuning: FineTuning) -> Arrays:
        from haemsa.model.predictor.baking import bake

        joint = self._joint(tuning, adapted=True)
        if not all(self._epoch(joint, tuning, epoch, self._data.tell) for epoch in range(1, tuning.epochs + 1)):
            return {}
        made = _named(ADAPTER_ARRAYS, as_arrays(self._adapters.state()))
        for number, (row, weights) in enumerate(zip(tuning.rows, joint.weights(), strict=True)):
            made |= _named(f"{number}/", as_arrays(bake(row, weights, self._statistics)))
        return made if all(np.isfinite(values).all() for values in made.values()) else {}

    def _joint(self, tuning: FineTuning, *, adapted: bool) -> JointTraining:
        import torch

        from haemsa.model.training.fine_tuning.joint import JointTraining
        from haemsa.model.training.pool import batch_count

        self._adapters.reset(tuning.seed)
        weights = [{name: torch.from_numpy(values) for name, values in one.items()} for one in tuning.weights]
        steps = _begun(tuning) * batch_count(self._trained(tuning), self._data.batch_size)
        stream = (self._stream, self._adapters) if adapted else None
        return JointTraining(tuning.rows, weights, self._pool, self._statistics, steps, stream)

    def _epoch(self, joint: JointTraining, tuning: FineTuning, epoch: int, tell: Callable[[int], None] | None) -> bool:
        from haemsa.model.training.pool import batches

        size, seed = self._data.batch_size, self._data.order_seed
        order = list(batches(self._trained(tuning), size, seed, _begun(tuning) + epoch - 1))
        return joint.epoch(order, tell)

    def _trained(self, tuning: FineTuning) -> NDArray[np.int64]:
        return np.flatnonzero(~self._data.folds.held_out[tuning.rows[0].fold])


def text_encoder(stream: str, facts: Mapping[str, Any]) -> TextEncoder:
    """The text encoder that made a stream. Raises ValueError if it is not there, or is another one now."""
    from haemsa.model.encoders.opening import open_recorded
    from haemsa.model.encoders.text import TextEncoder

    encoder = open_recorded(stream, facts)
    assert isinstance(encoder, TextEncoder), "a stream of text is made by an encoder of text"
    return encoder


def score_of(tasks: Mapping[str, Task], outputs: Mapping[str, NDArray[Any]], shares: Sequence[float]) -> float:
    """The main metric of the mean of networks, from their outputs [R, n, C]; `shares` are those of the genomes."""
    import torch

    from haemsa.model.predictor.joined import probabilities
    from haemsa.model.predictor.scores import as_scores
    from haemsa.model.schema import TaskInfo

    means = {}
    for name, values in outputs.items():
        info = TaskInfo(tasks[name].kind, tuple(tasks[name].labels))
        predicted = probabilities(info, torch.from_numpy(values)).numpy()
        each = list(shares) * (len(predicted) // len(shares))
        means[name] = as_scores(tasks[name], np.average(predicted, axis=0, weights=each).astype(np.float32))
    return float(all_metrics(tasks, means)[main_metric(tasks)])


def _named(start: str, arrays: Arrays) -> dict[str, NDArray[Any]]:
    return {f"{start}{name}": values for name, values in arrays.items()}


def _stacked(outputs: Sequence[Mapping[str, NDArray[Any]]]) -> dict[str, NDArray[Any]]:
    return {name: np.stack([one[name] for one in outputs]) for name in outputs[0]}


def _begun(tuning: FineTuning) -> int:
    """The epochs that all networks had before."""
    return max(row.genome.training.epochs for row in tuning.rows)


@contextmanager
def _cores(width: int) -> Iterator[None]:
    """torch uses all cores that this process may use, if the encoder has so many features that they help."""
    import torch

    before, asked = torch.get_num_threads(), os.environ.get("OMP_NUM_THREADS", "")  # Ray sets it for its workers
    most = int(asked) if asked.isdigit() else cpu_count()
    torch.set_num_threads(most if width >= _WIDE else 1)
    try:
        yield
    finally:
        torch.set_num_threads(before)
