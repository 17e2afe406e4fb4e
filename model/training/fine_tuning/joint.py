"""Training a cohort and the adapters of a text encoder together. Axes: `P` rows, `n` samples, `C` outputs."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

import numpy as np
import torch
from numpy.typing import NDArray

from haemsa.model.encoders.adapters import Adapters
from haemsa.model.network.batch import Batch
from haemsa.model.network.cohort import Cohort, CohortRow, sort_order
from haemsa.model.network.noise import step_keys
from haemsa.model.network.weights import Weights
from haemsa.model.training.fine_tuning.text_stream import TextStream
from haemsa.model.training.fold_statistics import FoldStatistics
from haemsa.model.training.inference import Outputs, build, target_scales, unscaled
from haemsa.model.training.losses.criterion import Criterion
from haemsa.model.training.optimizer import CohortAdamW
from haemsa.model.training.pool import Pool

RATE: Final = 2e-4
"""The learning rate of adapters."""
CALMER: Final = 0.1
"""Trained networks go on with this share of the learning rate of their genome."""
_CLIP: Final = 1.0
"""The largest norm of the gradient of all adapters."""
_AT_ONCE: Final = 64
"""Samples that are predicted at a time."""


class JointTraining:
    """Networks that were trained go on, together with the adapters of the encoder of one of their streams.

    All of them share the adapters, which follow the mean of their losses. The rate stays the same from the first epoch
    to the last, so that any epoch can be the last one. Without adapters only the networks go on.

    Args:
        rows: The networks.
        weights: Their weights, as `train` gives them.
        pool: The samples, on the device of the encoder.
        statistics: What the networks were trained with.
        steps: How many steps the networks were trained. Their noise goes on from there.
        adapted: The stream, with all samples of the pool, and the adapters of its encoder.
    """

    def __init__(
        self,
        rows: Sequence[CohortRow],
        weights: Sequence[Weights],
        pool: Pool,
        statistics: FoldStatistics,
        steps: int,
        adapted: tuple[TextStream, Adapters] | None,
    ) -> None:
        self._order = sort_order(rows)
        cohort = Cohort([rows[place] for place in self._order], pool.schema, drawn=False)
        self._pool, self._steps = pool, steps
        self._stream = adapted[0] if adapted else None
        self._adapted = adapted[1].parameters if adapted else []
        inserted = [weights[place] for place in self._order]
        self._network = build(cohort, pool.device, torch.float32, statistics, inserted)
        rate, decay, clip = (cohort.gene(name) for name in ("learning_rate", "weight_decay", "clip"))
        self._optimizer = CohortAdamW(list(self._network.stacks()), CALMER * rate, decay, clip)
        self._adam = torch.optim.AdamW(self._adapted, lr=RATE, weight_decay=0.0) if adapted else None
        like = self._optimizer.values
        self._criterion = Criterion(cohort, pool, statistics, like)
        folds = [row.fold for row in cohort.rows]
        self._trains, self._scales = statistics.trains[folds].to(like), target_scales(statistics, folds, like)
        self._reads = [name for name in self._network.reads if not (self._stream and name == self._stream.name)]

    def epoch(self, batches: Sequence[NDArray[np.int64]], told: Callable[[int], None] | None = None) -> bool:
        """Train on each batch in turn, and tell its samples. Returns whether all losses were finite."""
        total = self._trains.new_zeros(len(self._trains))
        for indices in batches:
            index = torch.from_numpy(indices).to(self._pool.device)
            keys = step_keys(self._network.noise_keys, self._steps)[0]
            output = self._network(self._batch(indices), keys)
            weights = self._trains.index_select(1, index)
            losses = self._criterion.total(self._criterion(output, self._pool.targets_at(index), weights))
            wanted = [*self._optimizer.parameters, *self._adapted]
            gradients = torch.autograd.grad(losses.sum(), wanted, materialize_grads=True)
            count = len(self._optimizer.parameters)
            self._optimizer.move(gradients[:count])
            if self._adam:
                for parameter, gradient in zip(self._adapted, gradients[count:], strict=True):
                    parameter.grad = gradient / len(losses)
                torch.nn.utils.clip_grad_norm_(self._adapted, _CLIP)
                self._adam.step()
            total += losses.detach()
            self._steps += 1
            if told is not None:
                told(len(indices))
        return bool(torch.isfinite(total).all())

    @torch.no_grad()
    def outputs(self, samples: NDArray[np.int64]) -> list[Outputs]:
        """What each row predicts for some samples, [n, C] by task, as `train` gives it for all."""
        parts = list[dict[str, NDArray[np.float32]]]()
        for indices in np.array_split(samples, -(-len(samples) // _AT_ONCE)):
            made = self._network(self._batch(indices)).outputs
            units = {name: unscaled(values, self._scales.get(name)) for name, values in made.items()}
            parts.append({name: values.cpu().numpy() for name, values in units.items()})
        joined = {name: np.concatenate([part[name] for part in parts], axis=1) for name in parts[0]}
        return [{name: values[place] for name, values in joined.items()} for place in np.argsort(self._order).tolist()]

    def weights(self) -> list[Weights]:
        """The weights of each row."""
        extracted = self._optimizer.extract(self._optimizer.values)
        return [extracted[place] for place in np.argsort(self._order).tolist()]

    def _batch(self, indices: NDArray[np.int64]) -> Batch:
        batch = self._pool.batch(indices, reads=self._reads)
        return self._stream.into(batch, indices) if self._stream else batch
