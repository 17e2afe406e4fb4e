"""What the benchmark of cohorts does on a GPU, done on a CPU with tiny sizes."""

from __future__ import annotations

import pytest

from haemsa.cluster.workers.cohort_trainer import WorkerData
from haemsa.model.data.folds import holdout
from haemsa.model.schema import Schema
from tests.bench.networks.bench_cohort import compare_workers, measure_gpu, profile_kernels, report
from tests.bench.networks.cases import Case, made_data, sampled, spread
from tests.bench.networks.on_gpu import work

TINY = Case("tiny", {"text": (3, 8, 2), "audio": (1, 4, 1)}, 40, 10, 16, 6.0)


def test_cohorts_of_each_size_are_measured_next_to_networks_one_by_one(capsys: pytest.CaptureFixture[str]) -> None:
    found = report(TINY, measure_gpu(TINY, [1], sizes=(2, 4), device="cpu"), "cuda")
    assert {"cohort_2", "cohort_4"} <= set(found)
    assert "cohorts of    4     4" in capsys.readouterr().out


def test_kernels_of_a_step_are_counted_and_named(capsys: pytest.CaptureFixture[str]) -> None:
    step = profile_kernels(TINY, rows=2, device="cpu")
    assert step["kernels"] > 50
    assert step["kernels_ms"] > 0
    assert step["wall_ms"] > 0
    assert "times  aten::" in capsys.readouterr().out


def test_a_worker_starts_with_the_others_and_trains_all_cohorts() -> None:
    dataset, seen = made_data(TINY), list[str]()
    data = WorkerData(dataset, holdout(dataset), seed=0, batch_size=16)
    begun, ended = work(data, sampled(TINY, Schema.of(dataset), [1], 2), 2, lambda: seen.append("ready"))
    assert seen == ["ready"]
    assert begun < ended


@pytest.mark.slow
def test_several_workers_are_compared(capsys: pytest.CaptureFixture[str]) -> None:
    found = compare_workers(TINY, [1], counts=(1, 2), size=2, cohorts=1, device="cpu")
    assert set(found) == {1, 2}
    assert min(found.values()) > 0
    assert "2 workers" in capsys.readouterr().out


def test_genomes_are_spread_over_all_sizes() -> None:
    genomes = sampled(TINY, Schema.of(made_data(TINY)), [1], 9)
    assert spread(genomes, 3) == [genomes[0], genomes[4], genomes[8]]
