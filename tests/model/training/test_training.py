"""Training: when rows leave, what a row may learn from, and rows that diverge."""

import dataclasses

import numpy as np
import pytest
import torch

from haemsa.model.data.dataset import Dataset, Modality
from haemsa.model.data.folds import Folds, holdout
from haemsa.model.data.task import Task
from haemsa.model.network.cohort import CohortRow
from haemsa.model.spec.genome import Genome
from haemsa.model.spec.network import EncoderSpec, ExpertSpec, NetworkSpec
from haemsa.model.training.fold_statistics import FoldStatistics
from haemsa.model.training.pool import Pool
from haemsa.model.training.train import FailedRow, TrainedRow, TrainingSettings, train
from tests.support.model.cohort_tools import genome, level, outputs_of
from tests.support.model.random_genomes import random_genome, random_rows, small_dataset, three_folds

DATA = small_dataset()
POOL, FOLDS = Pool.of(DATA), three_folds(len(DATA))
EXACT = TrainingSettings(batch_size=16, dtype=torch.float64)
EXPERTS = level(ExpertSpec(("text", "audio")), ExpertSpec(("audio",), "gated"), kind="top_k")


def trained(rows: list[CohortRow], data: Dataset = DATA, folds: Folds = FOLDS) -> list[TrainedRow]:
    results = train(rows, Pool.of(data), folds, EXACT)
    assert all(isinstance(result, TrainedRow) for result in results)
    return results


def same_weights(a: TrainedRow, b: TrainedRow) -> bool:
    return all(torch.equal(a.weights[name], b.weights[name]) for name in a.weights)


def with_other_held_out_samples(fold: int) -> Dataset:
    """The data with other features and labels, of the same lengths, wherever the fold does not train."""
    other, held = small_dataset(seed=99), FOLDS.held_out[fold]
    rng = np.random.default_rng(0)
    modalities = {
        name: Modality(
            np.where(held[:, None, None], item.features * rng.normal(size=item.features.shape), item.features).astype(
                np.float32
            ),
            item.lengths,
        )
        for name, item in DATA.modalities.items()
    }
    tasks = {
        name: dataclasses.replace(
            task,
            targets=np.where(held.reshape(-1, *[1] * (task.targets.ndim - 1)), other.tasks[name].targets, task.targets),
        )
        for name, task in DATA.tasks.items()
    }
    return dataclasses.replace(DATA, modalities=modalities, tasks=tasks)


def with_present_held_out_samples(fold: int) -> Dataset:
    """The data with nothing absent wherever the fold does not train, and features there of another scale."""
    full, held = small_dataset(seed=98, absent=0.0), FOLDS.held_out[fold]
    modalities = {
        name: Modality(
            np.where(held[:, None, None], 5 * full.modalities[name].features, item.features),
            np.where(held, full.modalities[name].lengths, item.lengths),
        )
        for name, item in DATA.modalities.items()
    }
    return dataclasses.replace(DATA, modalities=modalities)


EVERY_GENE = {"loss": "l1", "class_balance": 0.8, "distillation": 0.7, "task_weights": (("emotion", 0.4),)}


@pytest.mark.slow
@pytest.mark.parametrize("genes", [{}, EVERY_GENE], ids=["random genes", "every gene"])
def test_held_out_features_and_labels_change_no_bit_of_a_rows_weights(genes: dict) -> None:
    rows = [CohortRow(row.genome, row.seed, 1) for row in random_rows(8, 0, epochs=3, **genes)]
    for before, after in zip(trained(rows), trained(rows, with_other_held_out_samples(1)), strict=True):
        assert same_weights(before, after)
        held = FOLDS.held_out[1]
        assert not np.array_equal(before.outputs["sentiment"][held], after.outputs["sentiment"][held])
        np.testing.assert_array_equal(before.outputs["sentiment"][~held], after.outputs["sentiment"][~held])


def test_what_is_absent_among_held_out_samples_has_no_influence() -> None:
    rows = [CohortRow(row.genome, row.seed, 1) for row in random_rows(8, 1, epochs=3, balance=0.1)]
    for before, after in zip(trained(rows), trained(rows, with_present_held_out_samples(1)), strict=True):
        for name, values in before.weights.items():
            torch.testing.assert_close(after.weights[name], values, rtol=1e-9, atol=1e-9)


def test_held_out_samples_of_another_fold_do_matter() -> None:
    rows = [CohortRow(genome(EXPERTS, epochs=2), 1, fold=0)]
    (before,), (after,) = trained(rows), trained(rows, with_other_held_out_samples(1))
    assert not same_weights(before, after)


def test_rows_leave_when_their_epochs_are_done() -> None:
    seen: list[int] = []
    rows = [CohortRow(genome(EXPERTS, epochs=epochs), seed) for seed, epochs in enumerate((2, 5, 1, 5))]
    results = train(rows, POOL, FOLDS, EXACT, on_epoch=seen.append)
    assert seen == [1, 2, 3, 4, 5]
    for row, result in zip(rows, results, strict=True):
        (alone,) = trained([row])
        assert result.row == row
        for name, values in alone.weights.items():
            torch.testing.assert_close(result.weights[name], values, rtol=1e-9, atol=1e-10)


@pytest.mark.parametrize(("epochs", "first"), [(1, 1), (3, 2), (4, 3)])
def test_late_weights_are_averaged(epochs: int, first: int, monkeypatch: pytest.MonkeyPatch) -> None:
    from haemsa.model.training import train as training

    ends: list[torch.Tensor] = []

    class Watched(training._Run):
        def train_epoch(self, epoch_batches: list[np.ndarray]) -> None:
            super().train_epoch(epoch_batches)
            ends.append(self.optimizer.extract(self.optimizer.values)[0]["heads.sentiment.weight"])

    monkeypatch.setattr(training, "_Run", Watched)
    (result,) = trained([CohortRow(genome(EXPERTS, epochs=epochs), 1)])
    assert len(ends) == epochs
    expected = torch.stack(ends[first - 1 :]).mean(0)  # the last half of the epochs, rounded up
    torch.testing.assert_close(result.weights["heads.sentiment.weight"], expected)
    assert epochs == 1 or not torch.equal(expected, ends[-1])


@pytest.mark.parametrize("place", [0, 1, 3])
def test_a_row_that_diverges_fails_without_its_neighbours(place: int) -> None:
    fine = [CohortRow(random_genome(np.random.default_rng(seed), epochs=4), seed) for seed in range(3)]
    # Twice as deep, so that it comes first, and without vision, so that its stacks have holes.
    experts = level(ExpertSpec(("text", "global")), ExpertSpec(("audio",)), kind="sigmoid")
    absurd = CohortRow(genome(*[experts] * 4, learning_rate=1.0, weight_decay=100.0, clip=1e6, epochs=9), 7)
    results = train([*fine[:place], absurd, *fine[place:]], POOL, FOLDS, EXACT)
    failed = results.pop(place)
    assert isinstance(failed, FailedRow)
    assert failed.row == absurd
    for found, expected in zip(results, trained(fine), strict=True):
        assert isinstance(found, TrainedRow)
        for name, values in expected.weights.items():
            torch.testing.assert_close(found.weights[name], values, rtol=1e-9, atol=1e-10)


def test_a_poisoned_row_touches_no_gradient_norm_of_its_neighbours(monkeypatch: pytest.MonkeyPatch) -> None:
    from haemsa.model.training import train as training

    class Poisoned(training._Run):
        """Sets the weights of the second row to NaN after its first step."""

        def _build(self, *, drawn: bool) -> None:
            super()._build(drawn=drawn)
            step = self.optimizer.step

            def poisoned(loss: torch.Tensor) -> None:
                step(loss)
                for stack in self.stepper.network.stacks():
                    for slot in stack.slots:
                        if self.cohort.rows[slot.row].seed == 1:
                            stack.parameter.data[slot.place] = torch.nan

            self.optimizer.step = poisoned

    rows = [
        CohortRow(genome(EXPERTS, EXPERTS, modalities=["text", "audio", "vision"], epochs=2, clip=0.1), 0),
        CohortRow(
            genome(*[level(ExpertSpec(("global",)))] * 2, modalities=["audio"], epochs=2), 1
        ),  # holes for text, vision
    ]
    (expected,) = trained(rows[:1])
    monkeypatch.setattr(training, "_Run", Poisoned)
    found, failed = train(rows, POOL, FOLDS, EXACT)
    assert failed == FailedRow(rows[1], 1)
    for name, values in expected.weights.items():
        torch.testing.assert_close(found.weights[name], values, rtol=1e-12, atol=1e-14)


def test_weights_that_overflow_only_when_predicting_are_a_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    from haemsa.model.training import train as training

    def overflowing(_: object, places: list[int], *__: object) -> list[list[dict[str, np.ndarray]]]:
        return [[{"sentiment": np.array([np.inf], dtype=np.float32)} for _ in places]]

    monkeypatch.setattr(training, "outputs_hiding", overflowing)
    row = CohortRow(genome(EXPERTS, epochs=1), 0)
    assert train([row], POOL, FOLDS, EXACT) == [FailedRow(row, 1)]


def test_genes_of_neighbours_change_no_bit_of_a_row_without_them() -> None:
    plain = genome(EXPERTS, modalities=["text", "audio", "vision"], epochs=3, dropout=0.2)
    other = dataclasses.replace(plain, training=dataclasses.replace(plain.training, **EVERY_GENE))
    before, after = (trained([CohortRow(plain, 0, 1), CohortRow(beside, 1, 2)]) for beside in (plain, other))
    assert same_weights(before[0], after[0])
    assert not same_weights(before[1], after[1])


def one_task(task: Task) -> Dataset:
    return dataclasses.replace(small_dataset(300, absent=0.0), tasks={"only": task})


def signal_of(data: Dataset) -> np.ndarray:
    full = small_dataset(300, unlabelled=0.0)
    assert len(full) == len(data.ids) == 300
    return full.tasks["sentiment"].targets


@pytest.mark.parametrize("kind", ["regression", "classes", "multilabel"])
def test_every_kind_of_task_is_learnt_from_the_labels_that_are_known(kind: str) -> None:
    full = small_dataset(300, unlabelled=0.0)
    signal = full.tasks["sentiment"].targets
    missing = np.random.default_rng(0).random(300) < 0.3
    targets = {
        "regression": np.where(missing, np.nan, signal).astype(np.float32),
        "classes": np.where(missing, -1, (signal > 0).astype(np.int64)),
        "multilabel": np.where(missing[:, None], np.nan, np.stack([signal > 0, signal < 0], 1)).astype(np.float32),
    }
    labels = () if kind == "regression" else ("a", "b")
    data = one_task(Task(kind, targets[kind], labels))
    row = CohortRow(genome(EXPERTS, width=8, epochs=12, learning_rate=1e-2), 0)
    (result,) = trained([row], data, holdout(data))
    outputs, valid = result.outputs["only"], data.split("valid")
    if kind == "regression":
        assert np.corrcoef(outputs[valid, 0], signal[valid])[0, 1] > 0.9
    elif kind == "classes":
        assert (outputs[valid].argmax(1) == (signal[valid] > 0)).mean() > 0.85
    else:
        assert ((outputs[valid, 0] > 0) == (signal[valid] > 0)).mean() > 0.85
        assert ((outputs[valid, 1] > 0) == (signal[valid] < 0)).mean() > 0.85


@pytest.mark.parametrize("loss", ["huber", "l1"])
def test_every_loss_learns_values_in_the_targets_units(loss: str) -> None:
    full = small_dataset(300, absent=0.0, unlabelled=0.0)
    data = dataclasses.replace(full, tasks={"only": full.tasks["sentiment"]})
    (result,) = trained(
        [CohortRow(genome(EXPERTS, width=8, epochs=12, learning_rate=1e-2, loss=loss), 0)], data, holdout(data)
    )
    signal, valid = data.tasks["only"].targets, data.split("valid")
    assert np.abs(result.outputs["only"][valid, 0] - signal[valid]).mean() < 0.5 * np.abs(signal[valid]).mean()


def test_regression_outputs_are_in_the_targets_units() -> None:
    signal = small_dataset(300, unlabelled=0.0).tasks["sentiment"].targets
    row = CohortRow(genome(EXPERTS, width=8, epochs=6, learning_rate=5e-3), 0)
    plain, shifted = (
        one_task(Task("regression", (signal * factor + shift).astype(np.float32)))
        for factor, shift in ((1, 0), (64, 1000))
    )
    (a,), (b,) = trained([row], plain, holdout(plain)), trained([row], shifted, holdout(shifted))
    np.testing.assert_allclose(b.outputs["only"], a.outputs["only"] * 64 + 1000, atol=0.05)


def test_predictions_are_those_of_the_trained_weights_in_the_callers_order() -> None:
    rows = random_rows(5, 3, folds=3, epochs=1)[::-1]
    results = trained(rows)
    statistics = FoldStatistics.fit(POOL, FOLDS)
    outputs = outputs_of(rows, [result.weights for result in results], POOL, statistics, batch_size=7)
    for result, values in zip(results, outputs, strict=True):
        for task in values:
            np.testing.assert_allclose(values[task], result.outputs[task], atol=1e-6)


def test_a_modality_that_the_data_lacks_is_named() -> None:
    odd = Genome(NetworkSpec(4, (EncoderSpec("smell"),)))
    with pytest.raises(
        ValueError, match=r"reads modalities \['smell'\], but the data has \['text', 'audio', 'vision'\]"
    ):
        train([CohortRow(odd, 0)], POOL, FOLDS)


def test_outputs_may_be_only_of_held_out_samples_and_are_the_same_there() -> None:
    rows = random_rows(4, seed=1, folds=2, epochs=2)
    everything = train(rows, POOL, FOLDS, EXACT)
    some = train(rows, POOL, FOLDS, dataclasses.replace(EXACT, held_out_only=True))
    held_out = FOLDS.held_out[[0, 1]].any(0)
    for a, b in zip(everything, some, strict=True):
        assert isinstance(a, TrainedRow)
        assert isinstance(b, TrainedRow)
        for task, values in a.outputs.items():
            np.testing.assert_allclose(b.outputs[task][held_out], values[held_out], atol=1e-6)
            assert not b.outputs[task][~held_out].any()


def test_outputs_with_modalities_hidden_are_those_of_samples_without_them() -> None:
    rows = random_rows(3, seed=2, epochs=2)
    shown = [row.shown for row in train(rows, POOL, FOLDS, dataclasses.replace(EXACT, missing=True)) if row.shown]
    assert len(shown) == 3
    names = ["text", "audio"]
    without = DATA.hiding(names, np.zeros((len(DATA), 2), bool))
    trained_rows = [row for row in train(rows, POOL, FOLDS, EXACT) if isinstance(row, TrainedRow)]
    statistics = FoldStatistics.fit(POOL, FOLDS)
    expected = outputs_of(rows, [row.weights for row in trained_rows], Pool.of(without), statistics)
    for found, wanted in zip(shown, expected, strict=True):
        for task, values in wanted.items():
            np.testing.assert_allclose(found[("vision",)][task], values, atol=1e-5)


@pytest.mark.parametrize("unit", [2.0**-40, 2.0**70])
def test_labels_in_another_unit_give_the_same_network_and_predictions_in_that_unit(unit: float) -> None:
    task = DATA.tasks["sentiment"]
    scaled = Task("regression", (task.targets * unit).astype(np.float32))
    row = CohortRow(genome(EXPERTS, epochs=2), 1, 0)
    (plain,) = trained([row], dataclasses.replace(DATA, tasks={"y": dataclasses.replace(task, bounds=None)}))
    (found,) = trained([row], dataclasses.replace(DATA, tasks={"y": scaled}))
    assert same_weights(plain, found)
    np.testing.assert_array_equal(found.outputs["y"], plain.outputs["y"] * np.float32(unit))


def test_labels_plus_an_offset_give_the_same_network_up_to_rounding() -> None:
    labels = np.round(DATA.tasks["sentiment"].targets * 64) / 64
    moved = [
        dataclasses.replace(DATA, tasks={"y": Task("regression", labels + shift)}) for shift in np.float32([0, 4096])
    ]
    row = CohortRow(genome(EXPERTS, epochs=2), 1, 0)
    plain, found = (trained([row], data)[0].outputs["y"] for data in moved)
    np.testing.assert_allclose(found - 4096, plain, atol=2e-3)


def test_labels_that_are_all_the_same_are_not_scaled() -> None:
    data = dataclasses.replace(DATA, tasks={"y": Task("regression", np.full(len(DATA), 0.1, np.float32))})
    mean, deviation = FoldStatistics.fit(Pool.of(data), FOLDS).targets["y"]
    assert mean.tolist() == pytest.approx([0.1] * len(FOLDS))
    assert deviation.tolist() == [1.0] * len(FOLDS)
