"""Real training over rungs: it adds up, and no weight carries what a score is measured on."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from haemsa.cluster.search.problem import Problem
from haemsa.cluster.workers.cohort_trainer import CohortTrainer, WorkerData
from haemsa.cluster.workers.job import Job, Result
from haemsa.cluster.workers.row_state import Arrays
from haemsa.evo.candidate import Candidate
from haemsa.evo.rungs import Fidelity, ladder
from haemsa.model.data.dataset import Dataset
from haemsa.model.data.folds import grouped
from tests.support.cluster.tiny import problem

pytestmark = pytest.mark.slow

LADDER = ladder(2, 6, 3, seeds=2)


def candidate(found: Problem, number: int) -> Candidate:
    genome = found.space.sample(np.random.default_rng(number))
    return Candidate(number, dataclasses.replace(genome, training=dataclasses.replace(genome.training, epochs=6)))


def values(result: Result) -> tuple[float, ...]:
    assert isinstance(result.outcome, dict), result.outcome
    found: tuple[float, ...] = result.outcome["sentiment/mae"].values
    return found


def climb(trainer: CohortTrainer, candidates: list[Candidate]) -> list[Result]:
    """Every candidate on every rung, all of them together."""
    jobs, results = [Job(item, LADDER.rungs[0]) for item in candidates], list[Result]()
    for rung in LADDER.rungs:
        jobs = [dataclasses.replace(job, fidelity=rung) for job in jobs]
        results = trainer(jobs)
        for place, (job, result) in enumerate(zip(jobs, results, strict=True)):
            assert isinstance(result.outcome, dict), result.outcome
            known = {name: score.values for name, score in result.outcome.items() if score.values}
            states = {**job.states, **result.states}
            jobs[place] = dataclasses.replace(job, reached=rung, known=known, states=states)
    return results


def test_climbing_all_rungs_gives_the_scores_of_training_at_once() -> None:
    found, given = problem(validation="folds:3")
    trainer, candidates = CohortTrainer(given), [candidate(found, number) for number in range(2)]
    assert LADDER.rungs == (Fidelity(2, 1), Fidelity(None, 1), Fidelity(None, 3), Fidelity(None, 6))
    climbed = climb(trainer, candidates)
    at_once = [trainer([Job(item, LADDER.rungs[-1])])[0] for item in candidates]
    for a, b in zip(climbed, at_once, strict=True):
        assert values(a) == pytest.approx(values(b), abs=1e-4)
        assert len(values(a)) == 6


def test_further_replicates_take_the_folds_in_turn_with_other_seeds() -> None:
    found, given = problem(validation="folds:3")
    (result,) = CohortTrainer(given)([Job(candidate(found, 1), Fidelity(None, 6), outputs=True)])
    assert isinstance(result.outcome, dict)
    assert len(result.outputs) == 6
    assert len(set(values(result))) == 6
    score = result.outcome["sentiment/mae"]
    assert score.error == pytest.approx(np.std(values(result), ddof=1) / np.sqrt(6))


@pytest.mark.parametrize("fold", [0, 2])
def test_no_weight_has_seen_what_its_network_is_scored_on(fold: int) -> None:
    found, given = problem(validation="folds:3")
    spoilt = dataclasses.replace(given, pool=scrambled(found.pool, given.folds.held_out[fold]))
    before, after = (trained(candidate(found, 3), data) for data in (given, spoilt))
    assert values(before)[fold] != pytest.approx(values(after)[fold], abs=1e-3)
    for replicate in range(3):
        a, b = (flat(result.states[replicate].read("weights")) for result in (before, after))
        assert np.allclose(a, b, atol=1e-5) is (replicate == fold)


def trained(item: Candidate, data: WorkerData) -> Result:
    (result,) = CohortTrainer(data)([Job(item, Fidelity(None, 3))])
    return result


def scrambled(pool: Dataset, held_out: np.ndarray) -> Dataset:
    """The same samples, but features and labels of those held out are other ones."""
    rng, places = np.random.default_rng(0), np.flatnonzero(held_out)
    modalities = {}
    for name, item in pool.modalities.items():
        features = item.features.copy()
        features[places] *= rng.normal(1, 2, (len(places), 1, item.width)).astype(np.float32)
        modalities[name] = dataclasses.replace(item, features=features)
    tasks = {}
    for name, task in pool.tasks.items():
        targets = task.targets.copy()
        targets[places] = rng.permutation(targets[places])
        tasks[name] = dataclasses.replace(task, targets=targets)
    return dataclasses.replace(pool, modalities=modalities, tasks=tasks)


def flat(weights: Arrays) -> np.ndarray:
    return np.concatenate([weights[name].ravel() for name in sorted(weights)])


def test_folds_are_cut_once_for_all() -> None:
    found, given = problem(validation="folds:3")
    again = grouped(found.pool, 3, seed=0)
    np.testing.assert_array_equal(given.folds.held_out, again.held_out)
