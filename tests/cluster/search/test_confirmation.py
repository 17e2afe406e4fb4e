"""The end of a search: who is trained again, what is chosen, and the ensemble that is saved."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from haemsa.cluster.final_model.load import load_model
from haemsa.cluster.final_model.recipe import read_recipe
from haemsa.cluster.final_model.train import train_for_good
from haemsa.cluster.run_directory.ranking import full_rung
from haemsa.cluster.run_directory.run_directory import RunDirectory
from haemsa.cluster.search.confirmation import Confirmation, confirmed_front, contenders
from haemsa.cluster.search.finish import SearchOutcome, as_json, confirm_front
from haemsa.cluster.search.launch import run_search
from haemsa.cluster.workers.evaluator import InlineEvaluator
from haemsa.cluster.workers.job import Job, Result
from haemsa.evo.candidate import Candidate, Evaluated, Failure, Score
from haemsa.evo.objectives import Objectives
from haemsa.evo.rungs import Fidelity
from haemsa.model.data.folds import grouped
from haemsa.model.predictor.inputs import inputs_of
from haemsa.model.seeds import SeedPurpose
from haemsa.model.spec.genome import Genome
from tests.support.cluster.driver import Driven, Workers
from tests.support.cluster.search_fakes import candidates
from tests.support.cluster.tiny import data, settings, stored
from tests.support.cluster.trainers import instant

pytestmark = pytest.mark.slow

OBJECTIVES = Objectives.of({"mae": "min", "params": "min"})


def front(*points: tuple[float, float]) -> list[Evaluated[Genome]]:
    every = candidates(len(points))
    return [
        Evaluated(c.id, c.genome, c.parents, {"mae": Score(mae), "params": Score(params)}, 3)
        for c, (mae, params) in zip(every, points, strict=True)
    ]


def test_a_front_that_is_small_enough_is_confirmed_whole_and_the_next_best_beside_it() -> None:
    items = front((0.8, 900.0), (0.9, 500.0), (0.81, 950.0), (0.82, 960.0), (0.83, 970.0))
    best = sorted(items, key=lambda item: item.scores["mae"].mean)
    assert contenders(items[:2], items[:2], OBJECTIVES, 2) == items[:2]
    assert [item.id for item in contenders(items[:2], best, OBJECTIVES, 4)] == [0, 2, 1, 3]
    assert contenders([], [], OBJECTIVES, 4) == []


def test_one_that_another_dominates_is_confirmed_where_it_is_among_the_best() -> None:
    items = front((0.80, 900), (0.801, 910), (0.802, 920), (0.9, 800), (0.95, 400), (1.4, 10))
    shown = [items[0], *items[3:]]
    assert [item.id for item in contenders(shown, items, OBJECTIVES, 6)] == [0, 1, 2, 5, 4, 3]


def test_half_of_those_confirmed_are_the_best_and_the_others_from_where_the_front_is_empty() -> None:
    items = front((0.80, 900), (0.81, 890), (0.82, 880), (0.9, 870), (0.95, 400), (1.4, 10))
    assert sorted(item.id for item in contenders(items, items, OBJECTIVES, 4)) == [0, 1, 4, 5]


def test_the_best_is_the_first_of_the_front_however_large_and_little_better_it_is() -> None:
    items = front((0.800, 900), (0.801, 90), (1.4, 10))
    assert SearchOutcome(items, {}).best is items[0]
    assert SearchOutcome([], {}).best is None


def test_a_candidate_as_json_has_its_objectives_first_and_errors_only_where_there_are_some() -> None:
    (item,) = candidates(1)
    scores = {"mae": Score(0.8, 0.02, 5), "params": Score(900.0)}
    found = as_json(Evaluated(0, item.genome, (), scores), ["params"])
    assert list(found["scores"].items()) == [("params", 900.0), ("mae", 0.8)]
    assert found["errors"] == {"mae": 0.02}
    assert Genome.from_dict(found["genome"]) == item.genome


def test_confirming_trains_from_scratch_with_seeds_of_its_own_and_leaves_failures_out() -> None:
    seen: list[Job] = []

    def noted(cohort: Any) -> list[Result]:
        seen.extend(cohort)
        failure = Failure("nan", "the loss was not finite")
        outcomes = [failure if job.id % 3 == 0 else {"mae": Score(1.0)} for job in cohort]
        return [Result(job.id, found, purpose=job.purpose) for job, found in zip(cohort, outcomes, strict=True)]

    items = front((0.8, 900), (0.9, 800), (1.0, 700), (1.1, 600))
    told: list[tuple[int, int]] = []
    confirmation = Confirmation(InlineEvaluator(noted), 5, lambda genome: genome.training.epochs)
    found = confirmation.confirm(items, 10, lambda *counts: told.append(counts))
    assert told == [(0, 4), (2, 4), (4, 4)]
    assert sorted(found) == [1, 2]
    assert all(job.purpose == SeedPurpose.CONFIRMATION and job.outputs and not job.states for job in seen)
    assert {job.fidelity.replicates for job in seen} == {5}


@pytest.mark.parametrize(("shared", "cohorts"), [(True, [[2], [2], [1]] * 2), (False, [[5]] * 2)])
def test_free_workers_share_the_replicates_of_few_candidates_if_they_may(
    shared: bool, cohorts: list[list[int]]
) -> None:
    seen: list[list[int]] = []

    class Noting(Workers):
        def submit(self, cohort: Any) -> None:
            seen.append([len(job.waiting()) for job in cohort])
            super().submit(cohort)

    chosen = [Evaluated(item.id, item.genome, (), {}) for item in candidates(2)]
    found = Confirmation(Noting(5), 5, lambda _: 0.0).confirm(chosen, 8, lambda *_: None, shared=shared)
    assert seen == cohorts
    for number, (expected,) in enumerate(
        instant([Job(item, Fidelity(None, 5), purpose=SeedPurpose.CONFIRMATION)]) for item in candidates(2)
    ):
        assert found[number].outcome == expected.outcome
        assert list(found[number].states) == list(range(5))


class Confirming(Workers):
    """Notes what is trained to confirm candidates: ids and replicates."""

    def __init__(self, workers: int) -> None:
        super().__init__(workers)
        self.confirmed: list[tuple[int, int]] = []

    def submit(self, cohort: Any) -> None:
        jobs = [job for job in cohort if job.purpose == SeedPurpose.CONFIRMATION]
        self.confirmed += [(job.id, replicate) for job in jobs for replicate in job.waiting()]
        super().submit(cohort)


def test_workers_that_would_idle_confirm_while_others_climb_and_each_candidate_once(tmp_path: Path) -> None:
    workers = Confirming(8)
    confirmation = Confirmation(workers, 3, lambda genome: genome.training.epochs)
    given = {"rungs": True, "evaluations": 60, "confirm": 3, "confirmation": confirmation}
    with Driven(tmp_path / "run", workers, **given) as driven:
        driven.search.run()
        assert workers.confirmed != []
        assert driven.run.journal.counts() == {"asked": 0, "done": 60, "failed": 0}
        outcome = confirm_front(driven.search)
    assert len(set(workers.confirmed)) == len(workers.confirmed) >= 9
    assert len(outcome.results) == 3
    for number, result in outcome.results.items():
        candidate = Candidate(number, outcome.searched[number].genome)
        (expected,) = instant([Job(candidate, Fidelity(None, 3), purpose=SeedPurpose.CONFIRMATION)])
        assert result.outcome == expected.outcome


def test_the_confirmed_front_goes_by_confirmed_scores_alone() -> None:
    items = front((0.8, 900), (0.9, 800), (1.0, 700))
    scores = {0: (1.2, 900), 1: (0.85, 800), 2: (1.0, 700)}
    results = {k: Result(k, {"mae": Score(mae), "params": Score(params)}) for k, (mae, params) in scores.items()}
    assert [item.id for item in confirmed_front(items, results, OBJECTIVES)] == [1, 2]
    assert confirmed_front(items, {0: Result(0, Failure("nan", "no"))}, OBJECTIVES) == []


@pytest.fixture(scope="module")
def ended(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """A search with rungs and confirmation, on a store; its summary and folder."""
    folder = tmp_path_factory.mktemp("confirmed")
    store = stored(folder)
    options = {"validation": "folds:3", "rungs": True, "first_epochs": 1, "eta": 2, "confirm": 5, "evaluations": 18}
    config = settings(data=str(store), run=str(folder / "run"), mode="generational", cohort=6, **options)
    return run_search(config)


def test_both_scores_are_kept_and_the_best_is_chosen_by_the_confirmed_ones(ended: Any) -> None:
    summary = ended.summary
    assert 1 <= len(summary["front"]) <= summary["confirmed"] == 5
    best = summary["best"]
    low = min(item["scores"]["sentiment/mae"] for item in summary["front"])
    assert best["scores"]["sentiment/mae"] <= low + best["errors"]["sentiment/mae"] + 1e-9
    assert set(best["search_scores"]) == {"sentiment/mae", "params"}
    assert best["search_scores"]["sentiment/mae"] != best["scores"]["sentiment/mae"]
    table = pd.read_csv(ended.run / "front.csv")
    assert list(table["id"]) == [item["id"] for item in summary["front"]]
    for item, (_, row) in zip(summary["front"], table.iterrows(), strict=True):
        assert row["sentiment/mae"] == pytest.approx(item["scores"]["sentiment/mae"])
        assert row["search_sentiment/mae"] == pytest.approx(item["search_scores"]["sentiment/mae"])


def test_where_the_front_is_small_those_that_nearly_climbed_are_confirmed_too(ended: Any) -> None:
    with RunDirectory.open(ended.run, read_only=True) as run:
        full = full_rung(run)
        levels = [min(len(row.outcomes) - 1, full) for row in run.journal.rows() if row.confirmed]
    assert set(levels) == {full, full - 1}


def test_the_saved_best_gives_its_confirmed_score_on_what_each_member_did_not_see(ended: Any) -> None:
    assert held_out_mae(ended.run / "best") == pytest.approx(ended.summary["best"]["scores"]["sentiment/mae"], abs=1e-4)


def test_the_saved_ensemble_gives_its_score_on_what_its_members_did_not_see(ended: Any) -> None:
    described = ended.summary["ensemble"]
    assert described["scores"]["sentiment/mae"] <= described["best_alone"]["sentiment/mae"] + 1e-9
    assert described["networks"] == 3 * len(described["members"])
    assert held_out_mae(ended.run / "ensemble", pooled=True) == pytest.approx(
        described["scores"]["sentiment/mae"], abs=1e-4
    )


def held_out_mae(folder: Path, *, pooled: bool = False) -> float:
    """MAE of a saved model's fold networks on the samples that each fold holds out, per fold or all together."""
    model = load_model(str(folder))
    pool = data().pool()
    held_out = grouped(pool, 3, seed=0).held_out
    outputs = model.predict_members(inputs_of(pool))["sentiment"][..., 0]
    shares = np.array(model.shares).reshape(3, -1)
    means = np.einsum("fg,fgn->fn", shares / shares.sum(1, keepdims=True), outputs.reshape(3, shares.shape[1], -1))
    means = means.clip(-3, 3)  # the bounds of the task: values are scored within them
    errors = [np.abs(means[k, held] - pool.tasks["sentiment"].targets[held]) for k, held in enumerate(held_out)]
    return float(np.concatenate(errors).mean() if pooled else np.mean([error.mean() for error in errors]))


def test_training_for_good_makes_the_best_or_the_ensemble(ended: Any, tmp_path: Path) -> None:
    store = ended.summary["data"]
    recipe = read_recipe(str(ended.run), ensemble=True)
    assert [count for _, count in recipe.members] == [item["count"] for item in ended.summary["ensemble"]["members"]]
    table, line = train_for_good(recipe, store, 2, tmp_path / "model")
    assert "training and validation splits together" in line
    assert list(table) == ["model", "each seed", "linear model", "constant"]
    assert len(table["each seed"]["sentiment/mae"]["values"]) == 2
    saved = json.loads((tmp_path / "model" / "model.json").read_text())
    assert len(saved["genomes"]) == 2 * len(recipe.members)
    assert sum(saved["shares"]) == pytest.approx(1)
    assert list(train_for_good(read_recipe(str(ended.run)), store, 2, tmp_path / "best")[0])[:2] == [
        "model",
        "each seed",
    ]


def test_an_ensemble_needs_a_search_that_confirmed_one(ended: Any, tmp_path: Path) -> None:
    run = run_search(settings(data=ended.summary["data"], run=str(tmp_path / "run"), evaluations=6)).run
    with pytest.raises(ValueError, match="has no ensemble: its search confirmed no front"):
        read_recipe(str(run), ensemble=True)
    with pytest.raises(ValueError, match=r"source models:/x has no ensemble, expected a run directory"):
        read_recipe("models:/x", ensemble=True)


def test_the_ensemble_can_be_used_as_any_model(ended: Any) -> None:
    model = load_model(str(ended.run / "ensemble"))
    found = model.predict(inputs_of(data()))
    assert found["sentiment"].shape == (200,)
    np.testing.assert_allclose(found["emotion"].sum(1), 1, atol=1e-5)
