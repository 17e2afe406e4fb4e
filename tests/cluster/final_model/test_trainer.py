"""Networks of final training: the same however they are divided, and none is trained twice."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from haemsa.cluster.config import Compute
from haemsa.cluster.final_model import trainer as trainer_module
from haemsa.cluster.final_model.networks import FinalNetwork, FinalTrainer, Networks
from haemsa.cluster.final_model.recipe import Recipe
from haemsa.cluster.final_model.train import UNFINISHED, train_for_good
from haemsa.cluster.final_model.trainer import Trainer, in_cohorts
from haemsa.cluster.shared.kept import Kept
from haemsa.cluster.shared.progress import SilentProgress, Status, line
from haemsa.model.predictor.predictor import Predictor
from tests.support.cluster.search_fakes import genome
from tests.support.cluster.tiny import data, stored

INLINE = Compute(backend="inline")
ONE, OTHER = genome(2, epochs=2), genome(5, epochs=3)
RECIPE = Recipe(((ONE, 2), (OTHER, 1)), ensemble=True, validation="folds:2", compute=INLINE)


class Rows:
    """Makes trainers of networks, and counts the networks that they train."""

    def __init__(self) -> None:
        self.trained = 0

    def __call__(self, given: Any) -> Any:
        train = FinalTrainer(given)

        def counted(rows: Sequence[Any]) -> list[FinalNetwork | None]:
            self.trained += len(rows)
            return train(rows)

        return counted


def test_the_final_networks_and_those_that_calibrate_share_their_batches() -> None:
    samples = Trainer.of(RECIPE, data()).samples
    networks = Networks.of(RECIPE, samples, 3, calibrate=True)
    assert [row.fold for row in networks.final] == [0] * 6
    assert [row.fold for row in networks.unseen] == [1, 1, 2, 2, 3, 3, 4, 4, 5, 5]
    assert len({row.seed for row in (*networks.final, *networks.unseen)}) == 4
    assert networks.folds.held_out.sum(axis=0).tolist() == [1] * len(samples)
    assert np.array_equal(networks.folds.trained, np.arange(len(samples)))


def test_cohorts_are_equal_and_networks_of_a_genome_are_together() -> None:
    networks = Networks.of(RECIPE, Trainer.of(RECIPE, data()).samples, 3, calibrate=True)
    rows = [*networks.final, *networks.unseen]
    cohorts = in_cohorts(rows, 8)
    assert sorted(place for cohort in cohorts for place in cohort) == list(range(16))
    assert [{rows[place].genome for place in cohort} for cohort in cohorts] == [{ONE}, {OTHER}]
    assert [len(cohort) for cohort in in_cohorts(rows[:15], 8)] == [8, 7]
    assert [len(cohort) for cohort in in_cohorts(rows[:9], 4)] == [3, 3, 3]


def test_a_training_that_was_cut_off_goes_on_with_the_networks_that_it_had(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store, folder, rows, write = str(stored(tmp_path)), tmp_path / "model", Rows(), Kept.write
    train_for_good(RECIPE, store, 1, tmp_path / "whole")
    monkeypatch.setattr(trainer_module, "FinalTrainer", rows)

    def cut_off(kept: Kept, *given: Any) -> None:
        write(kept, *given)
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(Kept, "write", cut_off)
        with pytest.raises(KeyboardInterrupt):
            train_for_good(RECIPE, store, 1, folder)
    assert rows.trained == 6
    assert len(list((folder / UNFINISHED).iterdir())) == 1
    train_for_good(RECIPE, store, 1, folder)
    assert rows.trained == 12
    assert same(predicted(folder), predicted(tmp_path / "whole"))
    assert not (folder / UNFINISHED).exists()


def test_kept_networks_of_other_data_are_not_taken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rows = Rows()
    monkeypatch.setattr(trainer_module, "FinalTrainer", rows)
    reversed_labels = {name: task.take(np.arange(len(data()))[::-1]) for name, task in data().tasks.items()}
    for dataset in (data(), replace(data(), tasks=reversed_labels)):
        trainer = Trainer.of(RECIPE, dataset, kept=tmp_path)
        trainer.train(Networks.of(RECIPE, trainer.samples, 1, calibrate=False))
    assert rows.trained == 2 * 2


def test_training_tells_how_many_networks_there_are(tmp_path: Path) -> None:
    class Shown(SilentProgress):
        lines: list[str] = []  # noqa: RUF012

        def update(self, status: Status) -> None:
            self.lines.append(line(status).partition(" ·")[0])

    train_for_good(RECIPE, str(stored(tmp_path)), 1, tmp_path / "model", progress=Shown())
    epochs = 6 * (RECIPE.members[0][0].training.epochs + RECIPE.members[1][0].training.epochs)
    assert Shown.lines[0] == f"epochs of 12 networks: 0/{epochs}"
    assert Shown.lines[1] == f"epochs of 12 networks: 6/{epochs}"
    assert Shown.lines[-1] == f"epochs of 12 networks: {epochs}/{epochs}"


def test_a_network_that_diverged_is_kept_as_such(tmp_path: Path) -> None:
    wild = genome(2, epochs=2)
    object.__setattr__(wild.training, "learning_rate", 1e30)  # no genome may have this rate
    trainer = Trainer.of(replace(RECIPE, members=((wild, 1),)), data(), kept=tmp_path)
    networks = Networks.of(trainer.recipe, trainer.samples, 2, calibrate=False)
    assert trainer.train(networks) == [None, None]
    assert trainer.train(networks) == [None, None]
    assert len(list(tmp_path.iterdir())) == 1


def predicted(folder: Path) -> dict[str, Any]:
    model = Predictor.load(folder)
    return model.predict(model.inputs(data().part("test")))


def same(one: dict[str, Any], other: dict[str, Any]) -> bool:
    return list(one) == list(other) and all(np.array_equal(one[name], other[name]) for name in one)


@pytest.mark.ray
def test_on_workers_the_same_model_is_trained_as_in_this_process(ray_cluster: None, tmp_path: Path) -> None:
    store = str(stored(tmp_path))
    train_for_good(RECIPE, store, 2, tmp_path / "here")
    for folder, stream in (("workers", None), ("streamed", True)):
        recipe = replace(RECIPE, stream=stream)
        train_for_good(recipe, store, 2, tmp_path / folder, compute=Compute(workers=2))
    here, workers = (Predictor.load(tmp_path / name) for name in ("here", "workers"))
    assert here.info["calibration"] == workers.info["calibration"]
    assert here.calibration == workers.calibration
    assert same(predicted(tmp_path / "here"), predicted(tmp_path / "workers"))
    assert same(predicted(tmp_path / "here"), predicted(tmp_path / "streamed"))
