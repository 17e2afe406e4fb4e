"""Steps of training: what makes them a function of tensors on the device, and when they are recorded."""

from __future__ import annotations

import gc
import weakref
from typing import Any

import numpy as np
import pytest
import torch
from torch.utils._python_dispatch import TorchDispatchMode

from haemsa.model.network.cohort import CohortRow
from haemsa.model.training import stepper
from haemsa.model.training import train as training
from haemsa.model.training.fold_statistics import FoldStatistics
from haemsa.model.training.plan import Plan
from haemsa.model.training.pool import Pool
from haemsa.model.training.stepper import BatchShape, Recorder
from haemsa.model.training.train import TrainingSettings, train
from tests.support.model.cohort_tools import same_weights
from tests.support.model.random_genomes import random_rows, small_dataset, three_folds

DATA = small_dataset()
POOL, FOLDS = Pool.of(DATA), three_folds(len(DATA))
EXACT = TrainingSettings(dtype=torch.float64)


class Watch(TorchDispatchMode):
    """Notes the operations that a CUDA graph cannot record: those that wait for the device, or copy from Python."""

    BARRED = ("_local_scalar_dense", "lift_fresh", "nonzero", "masked_select", "equal", "repeat_interleave.Tensor")

    def __init__(self) -> None:
        super().__init__()
        self.seen: list[str] = []

    def __torch_dispatch__(self, func: Any, _: Any, args: Any = (), kwargs: Any = None) -> Any:
        name = str(func).removeprefix("aten.")
        if name.startswith(self.BARRED):
            self.seen.append(name)
        return func(*args, **(kwargs or {}))


def run_of(rows: list[CohortRow]) -> training._Run:
    plans = [Plan.of(index, row, None, None, 0.5) for index, row in enumerate(rows)]
    return training._Run(plans, POOL, FoldStatistics.fit(POOL, FOLDS), EXACT)


@pytest.mark.parametrize("seed", range(8))
def test_a_step_neither_waits_for_the_device_nor_copies_to_it(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    made = run_of(random_rows(6, seed, folds=3)).stepper
    monkeypatch.setattr(made._optimizer, "_move_divided", lambda _: None)  # torch's own; on a GPU it is capturable
    with Watch() as watch:
        made._gather_and_train(torch.arange(20), made._shape(np.arange(20), 20))
    assert watch.seen == []


def test_what_waits_or_copies_is_noticed() -> None:
    with Watch() as watch:
        torch.tensor([1.0, 2.0])[torch.tensor([True, False])].sum().item()
    assert {"lift_fresh.default", "_local_scalar_dense.default"} <= set(watch.seen)


def test_steps_are_rounded_up_to_powers_of_two_but_not_beyond_the_data() -> None:
    made = run_of(random_rows(6, 0)).stepper
    made.network.reads = ["audio", "text"]  # at most 4 and 6 steps
    found = {made._shape(np.array([sample]), 1) for sample in range(len(DATA))}
    assert {shape.samples for shape in found} == {1}
    assert {shape.steps[0] for shape in found} == {1, 2, 4}
    assert {shape.steps[1] for shape in found} == {1, 2, 4, 6}


@pytest.mark.slow
def test_a_batch_that_is_filled_up_trains_as_without(monkeypatch: pytest.MonkeyPatch) -> None:
    def train_whole_table(self: stepper.Stepper, batches: list[np.ndarray], step: int) -> torch.Tensor:
        self._total.zero_()
        keys = stepper.step_keys(self.network.noise_keys, step, len(batches))
        table = torch.from_numpy(stepper.filled([*batches, np.arange(25)]))[: len(batches)]
        for key, row, batch in zip(keys, table, batches, strict=True):
            assert (row < 0).any()
            self._keys.copy_(key)
            self._gather_and_train(row, self._shape(batch, len(row)))
        return self._total

    rows = random_rows(8, 3, folds=3, epochs=2)
    plain = train(rows, POOL, FOLDS, EXACT)
    monkeypatch.setattr(stepper.Stepper, "epoch", train_whole_table)
    same_weights(train(rows, POOL, FOLDS, EXACT), plain)


def test_batches_of_two_sizes_are_recorded_as_one_shape() -> None:
    run, seen = run_of(random_rows(4, 0)), list[tuple[list[int], BatchShape]]()
    run.stepper._recorder = lambda _, index, shape: seen.append((index.tolist(), shape))  # type: ignore[assignment]
    run.train_epoch([np.array([4, 2, 1]), np.array([5, 3])])
    assert [index for index, _ in seen] == [[4, 2, 1], [5, 3, -1]]
    assert {shape.samples for _, shape in seen} == {3}


@pytest.mark.slow
def test_rows_that_stay_after_their_results_were_taken_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    rows = random_rows(8, 3, folds=3)
    rebuilt = train(rows, POOL, FOLDS, EXACT)
    monkeypatch.setattr(training, "_is_worth_building", lambda staying, *_: staying == 0)
    same_weights(train(rows, POOL, FOLDS, EXACT), rebuilt)


def test_a_gpu_builds_a_cohort_anew_once_half_of_its_rows_are_gone_and_many_steps_are_left() -> None:
    gpu, cpu = torch.device("cuda"), torch.device("cpu")
    worth = [training._is_worth_building(staying, 8, 1000, gpu) for staying in (7, 5, 4, 0)]
    assert worth == [False, False, True, True]
    assert not training._is_worth_building(1, 8, 999, gpu)
    assert training._is_worth_building(7, 8, 1, cpu)


class FakeGraph:
    """Stands in for a CUDA graph."""

    def __init__(self) -> None:
        self.replays = 0

    def replay(self) -> None:
        self.replays += 1


FEW, MANY = BatchShape(2, (4,)), BatchShape(3, (4,))


@pytest.fixture
def recorder(monkeypatch: pytest.MonkeyPatch) -> Recorder:
    monkeypatch.setattr(stepper.torch.cuda, "graph_pool_handle", lambda: None)
    return Recorder()


def test_a_shape_is_worked_on_once_then_recorded_and_replayed(
    recorder: Recorder, monkeypatch: pytest.MonkeyPatch
) -> None:
    worked: list[BatchShape] = []
    graphs: dict[BatchShape, FakeGraph] = {}
    collects: list[bool] = []

    def record(_: object, shape: BatchShape) -> FakeGraph:
        collects.append(gc.isenabled())
        return graphs.setdefault(shape, FakeGraph())

    monkeypatch.setattr(recorder, "_record", record)
    for shape in (FEW, MANY, FEW, FEW, MANY, FEW):
        recorder(lambda _, shape: worked.append(shape), torch.arange(shape.samples), shape)
    assert worked == [FEW, MANY]
    assert {shape: graph.replays for shape, graph in graphs.items()} == {FEW: 3, MANY: 1}
    assert recorder._indices[FEW].tolist() == [0, 1]
    assert collects == [False, False]
    assert gc.isenabled()


def test_where_nothing_can_be_recorded_all_steps_are_done_with_a_warning(
    recorder: Recorder, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(*_: object) -> None:
        raise RuntimeError("CUDA error: operation not permitted when stream is capturing")

    monkeypatch.setattr(recorder, "_record", fails)
    worked: list[list[int]] = []
    with pytest.warns(UserWarning, match="steps are not recorded, and take longer: CUDA error") as warned:
        for start in range(4):
            recorder(lambda index, _: worked.append(index.tolist()), torch.arange(start, start + 2), FEW)
    assert worked == [[0, 1], [1, 2], [2, 3], [3, 4]]
    assert len(warned) == 1


def test_a_recording_that_finds_no_memory_says_so(recorder: Recorder, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(*_: object) -> None:
        raise torch.cuda.OutOfMemoryError("CUDA out of memory")

    monkeypatch.setattr(recorder, "_record", fails)
    recorder(lambda *_: None, torch.arange(2), FEW)
    with pytest.raises(torch.cuda.OutOfMemoryError):
        recorder(lambda *_: None, torch.arange(2), FEW)


def test_a_stepper_is_freed_with_its_run(recorder: Recorder) -> None:
    run = run_of(random_rows(4, 0))
    run.stepper._recorder = recorder
    run.train_epoch([np.arange(10)])
    assert recorder._indices
    gone = weakref.ref(run.stepper)
    gc.disable()
    try:
        run._build(drawn=True)
        assert gone() is None
    finally:
        gc.enable()
