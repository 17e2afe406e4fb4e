"""Which candidate of the front is the best, and how one is written down."""

from __future__ import annotations

from dataclasses import replace

import pytest

from cluster.choice import as_json, choose_best
from evo.candidate import Evaluated, Score
from model.spec import EncoderSpec, Genome, NetworkSpec, TrainingGenes


def evaluated(number: int, mae: float, params: float, error: float = 0.0) -> Evaluated[Genome]:
    genome = Genome(NetworkSpec(8, (EncoderSpec("text"),)), TrainingGenes(epochs=number + 1))
    return Evaluated(number, genome, (), {"mae": Score(mae, error, 5), "params": Score(params)})


@pytest.mark.parametrize(
    ("error", "chosen"),
    [
        (0.00, 0),  # without an error, the best is the best
        (0.02, 1),  # 0.81 lies within 0.80 + 0.02 and is cheaper
        (0.06, 2),  # and 0.85 is cheaper still
    ],
)
def test_within_its_standard_error_the_cheaper_is_the_best(error: float, chosen: int) -> None:
    front = [evaluated(0, 0.80, 900, error), evaluated(1, 0.81, 500), evaluated(2, 0.85, 100), evaluated(3, 1.2, 10)]
    assert choose_best(front, "mae", minimise=True).id == chosen


def with_values(number: int, params: float, *values: float) -> Evaluated[Genome]:
    item = evaluated(number, 0, params)
    return replace(item, scores={"mae": Score.of(values), "params": Score(params)})


@pytest.mark.parametrize(
    ("cheaper", "chosen"),
    [
        ((0.92, 0.72, 0.82), 0),  # .02 worse on every fold: that the folds differ by .2 is no excuse
        ((0.88, 0.76, 0.80), 1),  # .013 worse on average, but not on the first: the error of that is .018
    ],
)
def test_candidates_are_compared_fold_by_fold(cheaper: tuple[float, ...], chosen: int) -> None:
    front = [with_values(0, 900, 0.90, 0.70, 0.80), with_values(1, 500, *cheaper)]
    assert choose_best(front, "mae", minimise=True).id == chosen


def test_scores_of_different_replicates_are_compared_by_the_error_of_the_best() -> None:
    front = [with_values(0, 900, 0.90, 0.70, 0.80), with_values(1, 500, 0.92, 0.72)]
    assert choose_best(front, "mae", minimise=True).id == 1


def test_where_more_is_better_the_most_is_the_best() -> None:
    front = [evaluated(0, 0.80, 900, 0.02), evaluated(1, 0.79, 500), evaluated(2, 0.7, 100)]
    assert choose_best(front, "mae", minimise=False).id == 1


def test_a_candidate_as_json_has_its_objectives_first_and_errors_only_where_there_are_some() -> None:
    found = as_json(evaluated(0, 0.8, 900, 0.02), ["params"])
    assert list(found["scores"].items()) == [("params", 900.0), ("mae", 0.8)]
    assert found["errors"] == {"mae": 0.02}
    assert Genome.from_dict(found["genome"]) == evaluated(0, 0, 0).genome
