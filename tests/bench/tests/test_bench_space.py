"""The benchmark of the real space: a model of it is as noisy as real scores, and luck is what other seeds change."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from haemsa.evo import ExpertSpace
from haemsa.model.spec.genome import Genome
from tests.bench.tabular import collect
from tests.bench.tabular.collect import AGAIN, Collection
from tests.bench.tabular.space_model import Floats, SpaceModel, TrainedGenomes, again_path, share_of_luck
from tests.bench.tabular.trainings import EPOCHS, Trained

MODALITIES = ("text", "audio")
SPACE = ExpertSpace(MODALITIES)
RNG = np.random.default_rng
FOLDS = 5


def genomes(count: int) -> list[Genome]:
    rng = RNG(0)
    return list({genome.key: genome for genome in (SPACE.sample(rng) for _ in range(2 * count))}.values())[:count]


def errors(count: int, stays: float, luck: float) -> tuple[Floats, Floats]:
    """Errors of genomes that were trained twice. On each fold a part stays, and a part is luck."""
    rng = RNG(1)
    quality, fold = rng.normal(size=(count, 1, 1)), rng.normal(size=(1, 1, FOLDS))
    own = stays * rng.normal(size=(count, 1, FOLDS))
    first, second = luck * rng.normal(size=(2, count, 1, FOLDS))
    shape = (count, len(EPOCHS), FOLDS)
    return tuple(np.broadcast_to(np.exp(0.1 * (quality + fold + own + part)), shape) for part in (first, second))


def model(luck: float) -> SpaceModel:
    trained = TrainedGenomes(genomes(80), errors(80, 0.5, 0.5)[0], np.full(len(EPOCHS), luck))
    return SpaceModel(trained, MODALITIES)


@pytest.mark.parametrize(
    ("stays", "luck", "share"), [(1.0, 1.0, 0.5), (1.0, 0.0, 0.0), (0.0, 1.0, 1.0), (3.0, 1.0, 0.1)]
)
def test_luck_is_what_differs_between_two_trainings(stays: float, luck: float, share: float) -> None:
    found = share_of_luck(*errors(2000, stays, luck))
    np.testing.assert_allclose(found, share, atol=0.03)


def test_another_seed_gives_other_scores_around_what_is_expected_also_as_a_mean_over_folds() -> None:
    space, asked = model(0.5), genomes(3)
    np.testing.assert_array_equal(space.measure(asked, 7), space.measure(asked, 7))
    means = np.array([space.measure(asked, seed)[:, -1].mean(axis=1) for seed in range(300)])
    spread = means.std(axis=0) / means.mean(axis=0)
    np.testing.assert_allclose(spread, 0.1 * 0.5 / np.sqrt(FOLDS), rtol=0.5)
    np.testing.assert_allclose(means.mean(axis=0), space.expect(asked)[:, -1], rtol=0.02)


def test_without_luck_another_seed_changes_nothing() -> None:
    space, asked = model(0.0), genomes(3)
    np.testing.assert_array_equal(space.measure(asked, 7), space.measure(asked, 8))


def test_genomes_are_read_with_those_that_were_trained_twice(tmp_path: Path) -> None:
    first, second = errors(40, 1.0, 1.0)
    every = genomes(40)

    def frame(places: Sequence[int], values: Floats) -> pd.DataFrame:
        rows = [(every[k].key, json.dumps(every[k].to_dict()), values[k].tolist()) for k in places]
        found = pd.DataFrame(rows, columns=["key", "genome", "mae"])
        found["failure"] = np.where(np.arange(len(rows)) == 3, "diverged", None)
        return found

    path = tmp_path / "set.parquet"
    frame(range(40), first).to_parquet(path)
    frame(range(39, 19, -1), second).to_parquet(again_path(path))
    found = TrainedGenomes.read(path, "mae")
    both = [k for k in range(39, 19, -1) if k != 36]
    assert [genome.key for genome in found.genomes] == [genome.key for k, genome in enumerate(every) if k != 3]
    np.testing.assert_allclose(found.luck, share_of_luck(first[both], second[both]))


def test_those_that_are_trained_again_are_of_the_better_half_and_have_other_seeds(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[tuple[list[str], int]] = []

    class Taught:
        problem, metrics = SimpleNamespace(space=SPACE, plain_designs=list), ["mae"]

        def __init__(self, _: str) -> None: ...

        def __call__(self, asked: Sequence[Genome], first: int) -> list[Trained]:
            seen.append(([genome.key for genome in asked], first))
            scores = [[[int(genome.key, 16) % 997 / 997] * FOLDS] * len(EPOCHS) for genome in asked]
            return [Trained({"mae": each}, {"params": 1.0 + k}, 1.0) for k, each in enumerate(scores)]

    monkeypatch.setattr(collect, "Trainer", Taught)
    collection = Collection("mosi3", tmp_path)
    for _ in range(5):
        collection.train_wave()
    collection.train_again()
    (*waves, (again, other)) = seen
    by_error = sorted((key for keys, _ in waves for key in keys), key=lambda key: int(key, 16) % 997)
    assert set(again) <= set(by_error[: len(by_error) // 2])
    assert len(set(again)) == AGAIN
    assert again[0] == by_error[0]
    assert other > max(first for _, first in waves) + len(by_error)
    assert list(pd.read_parquet(again_path(collection.path))["key"]) == again
