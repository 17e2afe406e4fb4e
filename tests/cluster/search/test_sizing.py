"""Sizes that fit each other, and what scores by default."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import pytest

from haemsa.cluster.config import SearchConfig
from haemsa.cluster.search.sizing import Sizes, fit_sizes, ladder_of, sized_config
from haemsa.cluster.workers.throughput import choose
from haemsa.evo.rungs import Fidelity
from haemsa.model.data.builtin.planted import planted
from haemsa.model.data.folds import choose_folds, describe_validation
from haemsa.model.training.batch_size import fit_batch
from tests.support.cluster.driver import Workers
from tests.support.cluster.tiny import data, problem, settings


def config(**given: object) -> SearchConfig:
    return SearchConfig.of({"data": "planted", **given})


def test_a_population_grows_with_an_eighth_of_what_the_workers_train_at_a_time_and_holds_a_cohort() -> None:
    long = config(time="1h")
    rungs = ladder_of(long, choose_folds("folds:5", data().pool(), 0))
    assert fit_sizes(long, rungs, workers=2) == Sizes(cohort=16, population=32)
    assert fit_sizes(long, rungs, workers=2, measured=256) == Sizes(cohort=256, population=256)
    assert fit_sizes(long, rungs, workers=256) == Sizes(cohort=16, population=512)
    assert fit_sizes(long, rungs, workers=64).population == 64 * 16 // 8
    assert fit_sizes(config(population=40, cohort=4), rungs, workers=64) == Sizes(cohort=4, population=40)


def test_what_is_trained_at_a_time_is_a_quarter_of_the_evaluations_at_most_but_no_cohort_is_tiny() -> None:
    rungs = ladder_of(config(), choose_folds("folds:5", data().pool(), 0))
    few = config(evaluations=200)
    assert fit_sizes(few, rungs, workers=1, measured=256) == Sizes(cohort=50, population=50)
    assert fit_sizes(few, rungs, workers=4, measured=256).cohort == 12
    assert fit_sizes(few, rungs, workers=4, measured=8).cohort == 8
    assert fit_sizes(few, rungs, workers=64, measured=256).cohort == 8
    assert fit_sizes(config(evaluations=200, cohort=256), rungs, workers=64).cohort == 256


@pytest.mark.parametrize(("evaluations", "measurements"), [(12, 0), (200, 1)])
def test_cohorts_are_measured_only_where_there_is_a_choice(evaluations: int, measurements: int) -> None:
    measured: list[int] = []

    class Measuring(Workers):
        def fastest_cohort(self, genomes: Any) -> None:
            measured.append(len(genomes))

    given = {"evaluations": evaluations, "cohort": "auto"}
    sizes = sized_config(settings(**given), problem(**given)[0], Measuring(1))
    assert sizes.cohort == (16 if measurements else 8)
    assert len(measured) == measurements


def test_replicates_count_among_the_networks_of_a_cohort() -> None:
    off = config(rungs=False, time="1h")
    single = ladder_of(off, choose_folds("folds:5", data().pool(), 0))
    assert single.rungs == (Fidelity(None, 5),)
    assert fit_sizes(off, single, workers=64, measured=50).population == 64 * 10 // 8


def test_a_generation_depends_on_no_number_of_workers() -> None:
    generational = config(mode="generational")
    rungs = ladder_of(generational, choose_folds("folds:5", data().pool(), 0))
    assert {fit_sizes(generational, rungs, workers).population for workers in (1, 64)} == {32}


def test_batches_grow_with_the_data_so_that_an_epoch_keeps_its_steps() -> None:
    sizes = {samples: fit_batch("auto", samples) for samples in (5, 2559, 2560, 5120, 10_240, 10**6)}
    assert sizes == {5: 16, 2559: 16, 2560: 32, 5120: 64, 10_240: 128, 10**6: 128}
    assert fit_batch(24, 10**6) == 24


def test_the_smallest_cohort_is_chosen_that_no_larger_one_beats_by_far() -> None:
    per_network = {8: 1.0, 16: 0.6, 32: 0.4, 64: 0.35, 128: 0.1}
    assert choose(lambda size: 0.01 * size * per_network[size]) == 32
    assert choose(lambda size: 0.01 * size * per_network[size], (64, 128)) == 128


def test_out_of_memory_and_long_trials_end_the_measurement() -> None:
    def short_of_memory(size: int) -> float:
        if size > 16:
            raise RuntimeError("CUDA out of memory. Tried to allocate")
        return 0.1

    assert choose(short_of_memory) == 16
    assert choose(lambda size: 3.0) == 16
    with pytest.raises(RuntimeError, match="a bug"):
        choose(lambda size: (_ for _ in ()).throw(RuntimeError("a bug")))


def test_a_small_validation_split_is_scored_by_folds_and_the_reason_is_told() -> None:
    pool = planted(sizes=(300, 80, 10)).pool()
    folds = choose_folds("auto", pool, 0)
    assert folds.kind == "folds:5"
    assert "80 samples, is too small to tell good genomes apart" in describe_validation(folds, pool, "auto")
    assert "too small" not in describe_validation(folds, pool, "folds:5")


@pytest.mark.parametrize("count", [3, 4])
def test_of_a_few_groups_each_is_a_fold(count: int) -> None:
    pool = planted(sizes=(300, 80, 10)).pool()
    few = dataclasses.replace(pool, groups=np.arange(len(pool)) % count)
    folds = choose_folds("auto", few, 0)
    assert folds.kind == f"folds:{count}"
    assert [len(np.unique(few.groups[held_out])) for held_out in folds.held_out] == [1] * count


def test_a_large_validation_split_scores_by_itself() -> None:
    pool = planted(sizes=(200, 2000, 10)).pool()
    folds = choose_folds("auto", pool, 0)
    assert folds.kind == "holdout"
    assert describe_validation(folds, pool, "auto").endswith("a split of 2000 or more tells good genomes apart")


def test_data_with_too_few_groups_is_scored_by_its_validation_split() -> None:
    pool = data().pool()
    few = dataclasses.replace(pool, groups=np.arange(len(pool)) % 2)
    folds = choose_folds("auto", few, 0)
    assert folds.kind == "holdout"
    assert "too few groups" in describe_validation(folds, few, "auto")


def test_groups_left_out_one_at_a_time_are_told() -> None:
    pool = data().pool()
    five = dataclasses.replace(pool, groups=np.arange(len(pool)) % 5)
    line = f"scored by leaving out one of 5 groups at a time, about {len(pool) // 5} samples each"
    assert describe_validation(choose_folds("groups", five, 0), five, "groups") == line
