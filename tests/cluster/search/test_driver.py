"""The driver, with trainers that answer at once: budgets, feeding, failures, what is kept and told."""

from __future__ import annotations

import itertools
import statistics
from pathlib import Path
from typing import Any

import pytest

from haemsa.cluster.search.budget import Budget
from haemsa.cluster.search.statistics import memory_mib
from haemsa.cluster.workers.evaluator import Finished, JobBatch
from haemsa.cluster.workers.job import Result
from haemsa.evo.candidate import Failure, Score
from haemsa.evo.expert_space.bounds import OPTIONAL
from tests.support.cluster.driver import Driven, Workers, counting
from tests.support.cluster.trainers import failing, instant

MODES = ["steady", "generational"]


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize(("evaluations", "cohort"), [(24, 3), (21, 8), (5, 4), (17, 40)])
def test_exactly_as_many_genomes_are_evaluated_as_asked_for(
    tmp_path: Path, mode: str, evaluations: int, cohort: int
) -> None:
    seen: list[list[int]] = []
    trainer = counting(instant, seen)
    with Driven(tmp_path / "run", trainer, mode=mode, evaluations=evaluations, cohort=cohort) as driven:
        assert driven.search.run() == "evaluations"
        rows = list(driven.run.journal.rows())
    assert sorted(itertools.chain(*seen)) == list(range(evaluations))
    assert [row.status for row in rows] == ["done"] * evaluations
    assert len({row.key for row in rows}) == evaluations


@pytest.mark.parametrize("mode", MODES)
def test_a_search_whose_time_is_spent_trains_nothing_more(tmp_path: Path, mode: str) -> None:
    seen: list[list[int]] = []
    trainer = counting(instant, seen)
    with Driven(tmp_path / "run", trainer, mode=mode, evaluations=None, time=60, before=61.0) as driven:
        assert driven.search.run() == "time"
    assert seen == []


def test_patience_ends_a_search_whose_front_no_longer_grows(tmp_path: Path) -> None:
    def alike(cohort: JobBatch) -> list[Result]:
        return [Result(item.id, {"mae": Score(1.0), "params": Score(100.0)}) for item in cohort]

    options = {"mode": "generational", "evaluations": None, "patience": 2}
    with Driven(tmp_path / "run", alike, **options) as driven:
        assert driven.search.run() == "patience"
        assert len(driven.evolution.archive) == 3 * 8  # the first generation, and two that brought nothing


def test_patience_sees_progress_in_networks_larger_than_all_of_the_first_generations(tmp_path: Path) -> None:
    def growing(cohort: JobBatch) -> list[Result]:
        """Genomes up to the fifth generation are better and larger than all before; later ones are like the last."""
        places = [(item.id, min(item.id // 8, 4)) for item in cohort]
        return [Result(i, {"mae": Score(1.0 - 0.1 * p), "params": Score(10.0 ** (p + 1))}) for i, p in places]

    options = {"mode": "generational", "evaluations": None, "patience": 2}
    with Driven(tmp_path / "run", growing, **options) as driven:
        assert driven.search.run() == "patience"
        assert len(driven.evolution.archive) == 7 * 8  # five that brought something, and two that brought nothing
        assert driven.search.statistics.metrics()["best/mae"] == pytest.approx(0.6)


def test_the_most_memory_that_a_worker_took_of_its_gpu_is_told_if_there_is_one(tmp_path: Path) -> None:
    with Driven(tmp_path / "run", instant) as driven:
        driven.search.run()
        assert "system/worker_gpu_mib" not in driven.search.statistics.metrics()
        for most in (100.0, 300.0, 200.0):
            driven.search.clock.ended(Finished([Result(0, {}, gpu_mib=most)], "a", 0.0))
        assert driven.search.statistics.metrics()["system/worker_gpu_mib"] == 300.0


def test_a_search_of_an_earlier_version_counts_its_patience_anew(tmp_path: Path) -> None:
    with Driven(tmp_path / "run", instant, evaluations=None, patience=2) as driven:
        budget = Budget(driven.search.config, driven.evolution, driven.search.clock, [0, 0.75, 1])
        assert budget.spent() is None
        assert budget.state() == [0, [], 1]


def test_in_steady_state_no_worker_ever_waits_while_there_is_budget(tmp_path: Path) -> None:
    workers = Workers(5)
    with Driven(tmp_path / "run", workers, evaluations=60, cohort=2) as driven:
        driven.search.run()
    assert workers.idle_while_waiting == [0] * 26 + [1, 2, 3, 4]  # only the last cohorts find no successor


def test_in_steady_state_few_genomes_are_spread_over_all_free_workers(tmp_path: Path) -> None:
    seen: list[int] = []

    class Counting(Workers):
        def submit(self, cohort: JobBatch) -> None:
            seen.append(len(cohort))
            super().submit(cohort)

    with Driven(tmp_path / "run", Counting(5), evaluations=13, cohort=8) as driven:
        assert driven.search.run() == "evaluations"
    assert sorted(seen) == [2, 2, 3, 3, 3]


def test_a_generation_ends_before_the_next_begins_and_is_cut_by_cost(tmp_path: Path) -> None:
    seen: list[list[int]] = []
    with Driven(tmp_path / "run", counting(instant, seen), mode="generational") as driven:
        driven.search.run()
        sizes = {row.id: driven._size(row.genome) for row in driven.run.journal.rows()}
    assert [sorted(itertools.chain(*seen[k : k + 3])) for k in (0, 3, 6)] == [
        list(range(start, start + 8)) for start in (0, 8, 16)
    ]
    ordered = [sizes[number] for number in itertools.chain(*seen[:3])]
    assert ordered == sorted(ordered)


@pytest.mark.parametrize("workers", [1, 2, 5])
def test_in_generational_mode_the_front_is_the_same_for_any_number_of_workers(tmp_path: Path, workers: int) -> None:
    fronts = []
    for name, evaluator in {"inline": instant, "workers": Workers(workers, seed=workers)}.items():
        with Driven(tmp_path / name, evaluator, mode="generational", evaluations=45) as driven:
            driven.search.run()
            fronts.append(driven.front())
    assert fronts[0] == fronts[1]


@pytest.mark.parametrize("mode", MODES)
def test_failures_are_recorded_and_kept_out_of_the_front(tmp_path: Path, mode: str) -> None:
    with Driven(tmp_path / "run", failing, mode=mode) as driven:
        assert driven.search.run() == "evaluations"
        failed = {row.id: row.failure for row in driven.run.journal.rows() if row.status == "failed"}
        statistics = driven.search.statistics.costs()
    assert failed == {i: Failure("nan", "the loss was not finite") for i in range(0, 24, 3)}
    assert not {number for number, *_ in driven.front()} & set(failed)
    assert (statistics["evaluations"], statistics["failures"]) == (24, 8)


def test_a_search_in_which_everything_fails_ends_without_a_front(tmp_path: Path) -> None:
    def hopeless(cohort: JobBatch) -> list[Result]:
        return [Result(item.id, Failure("memory", "out of memory")) for item in cohort]

    with Driven(tmp_path / "run", hopeless) as driven:
        assert driven.search.run() == "evaluations"
        assert (driven.front(), driven.search.statistics.costs()["hypervolume"]) == ([], 0.0)


def test_an_objective_without_a_number_is_a_failure_and_another_metric_is_left_out(tmp_path: Path) -> None:
    def undefined(cohort: JobBatch) -> list[Result]:
        nan = Score(float("nan"))
        return [
            Result(item.id, {"mae": nan if item.id == 4 else Score(1.0), "params": Score(9.0), "corr": nan})
            for item in cohort
        ]

    with Driven(tmp_path / "run", undefined, evaluations=6) as driven:
        driven.search.run()
        rows = {row.id: row for row in driven.run.journal.rows()}
    assert (rows[4].status, rows[4].failure) == ("failed", Failure("nan", "mae is nan"))
    assert {tuple(row.scores) for number, row in rows.items() if number != 4} == {("mae", "params")}


@pytest.mark.parametrize("mode", MODES)
def test_weights_are_kept_for_the_front_only(tmp_path: Path, mode: str) -> None:
    with Driven(tmp_path / "run", instant, mode=mode) as driven:
        driven.search.run()
        front = {number for number, *_ in driven.front()}
        assert driven.weights_kept() == front
        assert 0 < len(front) < 24
        for number in front:
            (state,) = driven.run.states.load(number, 0).values()
            assert state.read("weights")["own"].tolist() == [number, number]


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize(("population", "cohort"), [(8, 3), (4, 9)])
def test_the_tracker_sees_each_generation_and_the_last_part_of_one(
    tmp_path: Path, mode: str, population: int, cohort: int
) -> None:
    options = {"mode": mode, "population": population, "cohort": cohort, "evaluations": 3 * population + 2}
    with Driven(tmp_path / "run", instant, **options) as driven:
        driven.search.run()
        seen = driven.tracker.generations
    assert [record.number for record in seen] == [1, 2, 3, 4]
    assert [len(record.population) for record in seen] == [population] * 4
    assert [record.metrics["evaluations"] for record in seen][-1] == 3 * population + 2
    volumes = [record.metrics["hypervolume"] for record in seen]
    assert all(0 < volume <= 1 for volume in volumes)
    last = seen[-1]
    assert [row["id"] for row in last.front] == [number for number, *_ in driven.front()]
    assert last.metrics["best/mae"] == min(mae for _, mae, _ in driven.front())
    assert last.metrics["best/params"] == min(params for *_, params in driven.front())
    assert len(last.evaluated) == 3 * population + 2
    errors = [row["mae"] for row in last.population]
    assert errors == sorted(errors)
    assert last.metrics["mean/mae"] == pytest.approx(sum(errors) / population)
    assert last.metrics["spread/mae"] == pytest.approx(statistics.pstdev(errors))
    assert [record["generation"] for record in driven.evolution.logbook] == [1, 2, 3, 4]


def test_a_status_says_how_the_search_stands(tmp_path: Path) -> None:
    with Driven(tmp_path / "run", failing, cohort=4) as driven:
        driven.search.run()
        seen = driven.statuses.seen
    assert [status.evaluations for status in seen] == [4, 8, 12, 16, 20, 24, 24]
    assert [status.generation for status in seen] == [0, 1, 1, 2, 2, 3, 3]
    assert (seen[-1].total, seen[-1].failures, seen[-1].front_size) == (24, 8, len(driven.front()))
    assert set(seen[-1].best) == {"mae", "params"}


def test_an_exhausted_space_ends_the_search(tmp_path: Path) -> None:
    space: dict[str, Any] = {
        "widths": [8], "expert_widths": [8], "max_levels": 0, "epochs": [1, 2], "heads": [1], "kernels": [3],
        **{name: [0.1, 0.1] for name in ("dropout", "feature_dropout", "modality_dropout", "balance")},
        **{name: [0.01, 0.01] for name in ("learning_rate", "weight_decay")}, "clip": [1.0, 1.0],
        **{name: [0, 0] for name in OPTIONAL}, "losses": ["huber"],
    }  # fmt: skip
    with Driven(tmp_path / "run", instant, space=space, evaluations=500) as driven:
        assert driven.search.run() == "space exhausted"
        assert len(driven.evolution.archive) == 2 * 3  # epochs by subsets of two modalities


def test_the_summary_figures_are_those_of_the_design(tmp_path: Path) -> None:
    with Driven(tmp_path / "run", instant) as driven:
        driven.search.run()
        found = driven.search.statistics.costs()
        children = [row.id for row in driven.run.journal.rows() if row.parents]
    assert {"evaluations", "failures", "wall_seconds", "worker_busy_fraction", "overhead_ms_per_evaluation"} < set(
        found
    )
    assert 0 <= found["worker_busy_fraction"] <= 1
    assert found["hypervolume"] == driven.evolution.covered() > 0
    assert found["children"] == len(children) > 0


def test_half_of_those_that_climb_are_the_best_in_the_first_objective(tmp_path: Path) -> None:
    options = {"rungs": True, "mode": "generational", "population": 24, "evaluations": 24}
    with Driven(tmp_path / "run", instant, **options) as driven:
        driven.search.run()
        rows = sorted(driven.run.journal.rows(), key=lambda row: (row.outcomes[0]["mae"].mean, row.id))
    climbed = [len(row.outcomes) > 1 for row in rows]
    assert len(rows) == 24 and sum(climbed) == 8
    assert all(climbed[:4])


def test_this_process_takes_some_memory() -> None:
    assert 10 < memory_mib() < 100_000
