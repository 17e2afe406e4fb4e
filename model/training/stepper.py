"""Training steps of a cohort: from the indices of a batch's samples to new weights.

On a GPU, a step has about a thousand short kernels, which take ten times as long to launch as to run. So each shape
of batch is recorded once as a CUDA graph, and then replayed. That is why a step is a function of tensors on the device
only: it never waits for one, and makes none from Python's numbers.
"""

from __future__ import annotations

import gc
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from haemsa.model.network.batch import Batch
from haemsa.model.network.cohort_network import CohortNetwork
from haemsa.model.network.noise import step_keys
from haemsa.model.training.losses.criterion import Criterion
from haemsa.model.training.optimizer import CohortAdamW
from haemsa.model.training.pool import Pool


class BatchShape(NamedTuple):
    """How many samples a batch has, and how many steps of each modality that is read over time."""

    samples: int
    steps: tuple[int, ...]


Work = Callable[[Tensor, BatchShape], None]
"""What is done with the indices of a batch's samples, a tensor on the device."""


class Stepper:
    """Trains a cohort on batches of a pool. `weights` [P, N] say which samples each row is trained on."""

    def __init__(
        self, network: CohortNetwork, criterion: Criterion, optimizer: CohortAdamW, pool: Pool, weights: Tensor
    ) -> None:
        self.network, self.criterion, self._optimizer = network, criterion, optimizer
        self._pool, self._weights = pool, weights
        self._total = weights.new_zeros(len(weights))
        self._keys = network.noise_keys.clone()
        records = pool.device.type == "cuda" and not pool.streams(network.reads)
        self._recorder = Recorder() if records else None

    def epoch(self, batches: Sequence[NDArray[np.int64]], step: int) -> Tensor:
        """Train on each batch in turn, from that step on. Returns the losses [P], summed over batches."""
        self._total.zero_()
        every = step_keys(self.network.noise_keys, step, len(batches))
        if self._recorder is None:
            read = self._pool.read(batches, self._weights.dtype, self.network.reads)
            for keys, (samples, batch) in zip(every, read, strict=True):
                self._keys.copy_(keys)
                index = torch.from_numpy(samples).to(self._pool.device)
                self._train(index, batch, self._weights.index_select(1, index))
        else:
            table = torch.from_numpy(filled(batches)).to(self._pool.device)
            for keys, index, samples in zip(every, table, batches, strict=True):
                self._keys.copy_(keys)
                self._recorder(self._gather_and_train, index, self._shape(samples, len(index)))
        return self._total

    def _shape(self, indices: NDArray[np.int64], samples: int) -> BatchShape:
        """The shape of a batch of so many samples, with steps rounded up to powers of two, so there are few shapes."""
        longest = {name: int(self._pool.lengths[name][indices].max()) for name in self.network.reads}
        steps = [min(1 << (steps - 1).bit_length(), self._pool.schema.modalities[n][0]) for n, steps in longest.items()]
        return BatchShape(samples, tuple(steps))

    def _gather_and_train(self, index: Tensor, shape: BatchShape) -> None:
        """Train on the samples at `index`. Where it is -1 there is none: any other has its place, with no weight."""
        steps: Mapping[str, int] = dict(zip(self.network.reads, shape.steps, strict=True))
        chosen = index.clamp(min=0)
        weights = self._weights.index_select(1, chosen) * (index >= 0)
        self._train(chosen, self._pool.gather(chosen, steps, self._weights.dtype), weights)

    def _train(self, index: Tensor, batch: Batch, weights: Tensor) -> None:
        targets = self._pool.targets_at(index)
        loss = self.criterion.total(self.criterion(self.network(batch, self._keys), targets, weights))
        self._optimizer.step(loss.sum())
        self._total += loss.detach()


def filled(batches: Sequence[NDArray[np.int64]]) -> NDArray[np.int64]:
    """Batches whose sizes differ as one table, filled up with -1, so that all have one shape.

    Example:
        >>> filled([np.array([3, 1]), np.array([2])]).tolist()
        [[3, 1], [2, -1]]
    """
    table = np.full((len(batches), max(map(len, batches))), -1)
    for place, batch in enumerate(batches):
        table[place, : len(batch)] = batch
    return table


class Recorder:
    """Does work on a GPU by replaying it. It is recorded when a shape comes the second time.

    The first time sets up what a recording must not set up: handles of libraries, and the optimiser's state. The work
    is passed with each call and not kept here. Otherwise it and the graphs would refer to each other, and Python could
    free them while another graph is recorded, which spoils that one. If nothing can be recorded, the work is just done.
    """

    def __init__(self) -> None:
        self._indices: dict[BatchShape, Tensor] = {}
        self._graphs: dict[BatchShape, torch.cuda.CUDAGraph] = {}
        self._memory = torch.cuda.graph_pool_handle()  # shared: recordings are never replayed at the same time
        self._works = True

    def __call__(self, work: Work, index: Tensor, shape: BatchShape) -> None:
        """Work with a batch of that shape."""
        if shape not in self._indices or not self._works:
            self._indices[shape] = torch.empty_like(index)
            work(index, shape)
            return
        self._indices[shape].copy_(index)
        if shape not in self._graphs and not self._try_to_record(work, shape):
            work(index, shape)
            return
        self._graphs[shape].replay()

    def _try_to_record(self, work: Work, shape: BatchShape) -> bool:
        try:
            with _no_garbage_collection():
                self._graphs[shape] = self._record(work, shape)
        except torch.cuda.OutOfMemoryError:
            raise
        except RuntimeError as error:
            warnings.warn(f"steps are not recorded, and take longer: {error}", stacklevel=1)
            self._works = False
        return self._works

    def _record(self, work: Work, shape: BatchShape) -> torch.cuda.CUDAGraph:
        graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(graph, pool=self._memory, capture_error_mode="thread_local"):
            work(self._indices[shape], shape)
        return graph


@contextmanager
def _no_garbage_collection() -> Iterator[None]:
    """Free no garbage meanwhile, because an older cohort's graphs may be among it."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()
