"""Training a cohort: fixed epochs per row, averaged late weights, predictions of what each row's fold holds out.

A row may stop early and go on later from its checkpoint, in any cohort. The result is the same as without the stop.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import torch
from numpy.typing import NDArray

from haemsa.model.data.folds import Folds
from haemsa.model.network.cohort import Cohort, CohortRow, sort_order
from haemsa.model.network.weights import Weights
from haemsa.model.training.fold_statistics import FoldStatistics
from haemsa.model.training.inference import Outputs, build, outputs_hiding, predict_hiding, showings
from haemsa.model.training.losses.criterion import Criterion
from haemsa.model.training.optimizer import CohortAdamW, moved
from haemsa.model.training.plan import Checkpoint, Plan
from haemsa.model.training.pool import Pool, batch_count, batches
from haemsa.model.training.stepper import Stepper


@dataclass(frozen=True)
class TrainingSettings:
    """What all rows share.

    Args:
        batch_size: Samples per step.
        order_seed: Seed of the order of samples.
        average: The last share of a row's epochs whose weights are averaged.
        dtype: Precision of the arithmetic.
        held_out_only: Outputs are needed only for samples that the fold of some row holds out.
        missing: Predict also with every non-empty subset of the modalities, for scores that count missing ones.
    """

    batch_size: int = 16
    order_seed: int = 0
    average: float = 0.5
    dtype: torch.dtype = torch.float32
    held_out_only: bool = False
    missing: bool = False


@dataclass(frozen=True)
class TrainedRow:
    """A trained network: averaged weights, and outputs for the samples of the pool. Score only the held-out ones.

    `checkpoint`: from where it may go on; None after its last epoch. `shown`: outputs by the modalities that were not
    hidden; empty unless the settings ask for it.
    """

    row: CohortRow
    weights: Weights
    outputs: Outputs
    checkpoint: Checkpoint | None = None
    shown: Mapping[tuple[str, ...], Outputs] = field(default_factory=dict)


@dataclass(frozen=True)
class FailedRow:
    """A row whose loss, weights or outputs were no longer finite after that many epochs."""

    row: CohortRow
    epochs: int


def train(
    rows: Sequence[CohortRow],
    pool: Pool,
    folds: Folds,
    settings: TrainingSettings | None = None,
    on_epoch: Callable[[int], None] | None = None,
    *,
    until: Sequence[int | None] | None = None,
    starts: Sequence[Checkpoint | None] | None = None,
    statistics: FoldStatistics | None = None,
) -> list[TrainedRow | FailedRow]:
    """Train rows together.

    A row is trained on what its fold does not hold out, for its own number of epochs, and then leaves the cohort. A row
    that diverges leaves as a `FailedRow` and does not change its neighbours. Rows that start after different numbers of
    epochs are separate cohorts, trained one after another, because batches and noise depend on the epoch.

    Args:
        rows: The networks.
        pool: The samples.
        folds: Which samples each fold holds out.
        settings: What all rows share; None: the defaults.
        on_epoch: Is called with the number of epochs that are done, in each cohort.
        until: The epoch after which each row stops; None: after its last one. The last weights before are averaged.
        starts: The checkpoint that each row goes on from; None: a fresh start.
        statistics: `FoldStatistics.fit(pool, folds)`, if it was computed before.

    Returns:
        A result for each row, in the order of `rows`.

    Raises:
        ValueError: A row has nothing left to train, or weights that are to be averaged are gone already.
    """
    settings = settings or TrainingSettings()
    lasts, begins = until or [None] * len(rows), starts or [None] * len(rows)
    plans = [
        Plan.of(index, row, last, begin, settings.average)
        for index, (row, last, begin) in enumerate(zip(rows, lasts, begins, strict=True))
    ]
    statistics, results = statistics or FoldStatistics.fit(pool, folds), dict[int, TrainedRow | FailedRow]()
    for begun in sorted({plan.begun for plan in plans}):
        group = [plan for plan in plans if plan.begun == begun]
        run = _Run([group[place] for place in sort_order([p.row for p in group])], pool, statistics, settings)
        run.resume(begun, begun * batch_count(folds.trained, settings.batch_size))
        while run.plans:
            run.train_epoch(list(batches(folds.trained, settings.batch_size, settings.order_seed, run.epoch)))
            results |= run.take_finished()
            if on_epoch is not None:
                on_epoch(run.epoch)
    return [results[index] for index in range(len(rows))]


class _Run:
    """A cohort in training, with a plan for each of its rows. `gone`: the places whose results were taken already."""

    def __init__(
        self, plans: Sequence[Plan], pool: Pool, statistics: FoldStatistics, settings: TrainingSettings
    ) -> None:
        self.pool, self.statistics, self.settings = pool, statistics, settings
        self.plans, self.gone, self.step, self.epoch = list(plans), set[int](), 0, 0
        self._build(drawn=not any(plan.start for plan in plans))
        self.average = torch.zeros_like(self.optimizer.values)

    def _build(self, *, drawn: bool) -> None:
        rows = [plan.row for plan in self.plans]
        self.cohort = Cohort(rows, self.pool.schema, drawn=drawn)
        network = build(self.cohort, self.pool.device, self.settings.dtype, self.statistics)
        genes = (self.cohort.gene(name) for name in ("learning_rate", "weight_decay", "clip"))
        self.optimizer = CohortAdamW(list(network.stacks()), *genes)
        weights = self.statistics.trains[[row.fold for row in rows]].to(self.optimizer.values)
        criterion = Criterion(self.cohort, self.pool, self.statistics, self.optimizer.values)
        self.stepper = Stepper(network, criterion, self.optimizer, self.pool, weights)

    def resume(self, epoch: int, steps: int) -> None:
        """Begin with what the rows start from, after that many epochs and steps."""
        self.step, self.epoch = steps, epoch
        checkpoints = [plan.start for plan in self.plans if plan.start]
        if checkpoints:
            self.optimizer.set_steps(steps)
            states = zip(*((point.weights, point.first, point.second) for point in checkpoints), strict=True)
            for array, values in zip(self.optimizer.state(), states, strict=True):
                self.optimizer.insert(array, values)
            self._update_average()

    def train_epoch(self, batches: Sequence[NDArray[np.int64]]) -> None:
        """One pass over the batches. Afterwards `finite` says which rows are still finite."""
        losses = self.stepper.epoch(batches, self.step)
        self.step += len(batches)
        self.epoch += 1
        self.steps_an_epoch = len(batches)
        self.finite = torch.isfinite(losses).tolist()

    def take_finished(self) -> dict[int, TrainedRow | FailedRow]:
        """Average late weights. Rows that are done, or that diverged, leave with their result."""
        self._update_average()
        here = [place for place in range(len(self.plans)) if place not in self.gone]
        done = [place for place in here if not self.finite[place] or self.epoch >= self.plans[place].last]
        if not done:
            return {}
        results = self._finish(done)
        self.gone.update(done)
        staying = [place for place in here if place not in self.gone]
        epochs = max((self.plans[place].last - self.epoch for place in staying), default=0)
        if _is_worth_building(len(staying), len(self.plans), epochs * self.steps_an_epoch, self.pool.device):
            self._keep(staying)
        return results

    def _update_average(self) -> None:
        """A running mean of the weights at the ends of each row's last epochs."""
        late = [self.epoch - plan.before for plan in self.plans]
        share = torch.tensor([1 / count if count > 0 else 0.0 for count in late])
        self.optimizer.average_(self.average, share)

    def _finish(self, places: Sequence[int]) -> dict[int, TrainedRow | FailedRow]:
        results: dict[int, TrainedRow | FailedRow] = {
            self.plans[place].index: FailedRow(self.plans[place].row, self.epoch) for place in places
        }
        finite = self.optimizer.finite_rows(self.average)
        good = [place for place in places if self.finite[place] and finite[place]]
        if not good:
            return results
        weights = self.optimizer.extract(self.average, good)
        outputs, points = self._outputs(good, weights), self._checkpoints(good)
        for number, place in enumerate(good):
            shown = {subset: found[number] for subset, found in outputs.items()}
            if all(np.isfinite(values).all() for part in shown.values() for values in part.values()):
                complete, plan = next(iter(shown.values())), self.plans[place]
                results[plan.index] = TrainedRow(
                    plan.row, weights[number], complete, points.get(place), shown if self.settings.missing else {}
                )
        return results

    def _checkpoints(self, places: Sequence[int]) -> dict[int, Checkpoint]:
        """From where each of these rows may go on, if it has epochs left."""
        unfinished = [place for place in places if self.epoch < self.plans[place].row.genome.training.epochs]
        states = [self.optimizer.extract(array, unfinished) for array in self.optimizer.state()] if unfinished else []
        return {
            place: Checkpoint(self.epoch, *state)
            for place, state in zip(unfinished, zip(*states, strict=True), strict=True)
        }

    def _outputs(self, places: Sequence[int], weights: Sequence[Weights]) -> dict[tuple[str, ...], list[Outputs]]:
        """Outputs for the samples that a row holds out (or for all), by the modalities that are shown.

        They are of averaged weights. The network itself predicts, unless a smaller one of only these rows is cheaper.
        """
        rows = [self.plans[place].row for place in places]
        held_out = ~self.statistics.trains[sorted({row.fold for row in rows})].all(0).cpu().numpy()
        samples = np.flatnonzero(held_out) if self.settings.held_out_only else np.arange(len(self.pool))
        hidden = showings(self.pool, subsets_too=self.settings.missing)
        what = (self.pool, self.statistics, list(hidden.values()), samples)
        if len(places) < len(self.plans) and self.pool.device.type != "cuda":
            return dict(zip(hidden, predict_hiding(rows, weights, *what, self.settings.dtype), strict=True))
        with self.optimizer.showing(self.average):
            return dict(zip(hidden, outputs_hiding(self.stepper.network, places, *what), strict=True))

    def _keep(self, places: Sequence[int]) -> None:
        """Go on with these rows. Their weights, moments and averages move into a smaller cohort."""
        self.plans, self.gone = [self.plans[place] for place in places], set()
        if not places:
            return
        before, average = self.optimizer, self.average
        self._build(drawn=False)
        origin = self.optimizer.origin_in(before, places)
        for array, old in zip(self.optimizer.state(), before.state(), strict=True):
            array.copy_(moved(old, origin))
        self.average = moved(average, origin)
        self.optimizer.set_steps(before.steps)


def _is_worth_building(staying: int, rows: int, steps: int, device: torch.device) -> bool:
    """Whether a smaller cohort is built without the rows that are gone, for so many steps that are left.

    A step on a GPU hardly depends on the number of rows. To build and record one takes as long as hundreds of steps.
    So a thousand must be left: this is estimated, and was not measured.
    """
    return device.type != "cuda" or not staying or (2 * staying <= rows and steps >= 1000)
