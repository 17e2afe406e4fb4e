"""Greedy ensembles: by hand, never worse than the best, and what the scores decide."""

import numpy as np
import pytest

from haemsa.model.predictor.ensemble import Ensemble, Predictions, greedy_ensemble

TARGET = np.array([[0.0], [0.0]])


def candidates(*values: tuple[float, float]) -> list[Predictions]:
    return [{"y": np.array(pair).reshape(2, 1)} for pair in values]


def error(prediction: Predictions) -> float:
    return float(np.abs(prediction["y"] - TARGET).mean())


def test_errors_that_cancel_are_found_by_hand() -> None:
    # Alone: 4, 2 and 3. The second with the third: (1 + 0) / 2; with the others: 2. The second once more gives
    # (0 + 2 / 3) / 2, and then the best is the third, with (1 + 0) / 2: one too many.
    found = greedy_ensemble(candidates((4, 4), (2, -2), (-4, 2)), error, minimise=True, size=4)
    assert found.counts == (0, 2, 1)
    assert found.scores == pytest.approx((2, 0.5, 1 / 3, 0.5))
    assert found.shares == pytest.approx({1: 2 / 3, 2: 1 / 3})


def test_the_best_prefix_is_kept_and_the_shortest_among_equals() -> None:
    found = greedy_ensemble(candidates((1, 1), (9, 9)), error, minimise=True, size=5)
    assert found == Ensemble((1, 0), (1.0,) * 5)


def test_scores_may_be_maximised() -> None:
    found = greedy_ensemble(candidates((4, 4), (2, -2), (-4, 2)), lambda item: -error(item), minimise=False, size=4)
    assert found.counts == (0, 2, 1)
    assert found.scores[1] == pytest.approx(-0.5)


@pytest.mark.parametrize("seed", range(5))
def test_an_ensemble_is_never_worse_than_its_best_candidate(seed: int) -> None:
    rng = np.random.default_rng(seed)
    target = rng.integers(3, size=50)
    shares = [{"a": rng.dirichlet(np.ones(3), 50), "b": rng.normal(size=(50, 1))} for _ in range(8)]

    def accuracy(item: Predictions) -> float:
        return float((item["a"].argmax(1) == target).mean())

    found = greedy_ensemble(shares, accuracy, minimise=False)
    assert max(found.scores) >= max(map(accuracy, shares))
    assert len(found.scores) == 25
    mean = {"a": sum(share * shares[index]["a"] for index, share in found.shares.items())}
    assert accuracy(mean) == pytest.approx(max(found.scores))
    assert sum(found.counts) == 1 + int(np.argmax(found.scores))


def test_the_mean_is_over_every_task() -> None:
    items = [{"a": np.array([[1.0]]), "b": np.array([[-3.0]])}, {"a": np.array([[-1.0]]), "b": np.array([[3.0]])}]
    found = greedy_ensemble(items, lambda item: float(abs(item["a"] + item["b"]).sum()), minimise=True, size=2)
    assert found == Ensemble((1, 1), (2.0, 0.0))


def test_predictions_are_left_as_they_were() -> None:
    items = candidates((4, 4), (2, -2))
    greedy_ensemble(items, error, minimise=True)
    assert [item["y"].ravel().tolist() for item in items] == [[4, 4], [2, -2]]


def test_a_candidate_without_a_score_is_never_chosen() -> None:
    found = greedy_ensemble(candidates((np.nan, 0), (1, 1)), error, minimise=True, size=3)
    assert found.counts == (0, 1)


def test_what_cannot_be_chosen_from_is_refused() -> None:
    with pytest.raises(ValueError, match="an ensemble of 25 from 0 candidates"):
        greedy_ensemble([], error, minimise=True)
    with pytest.raises(ValueError, match="an ensemble of 0 from 1 candidates"):
        greedy_ensemble(candidates((1, 1)), error, minimise=True, size=0)
    with pytest.raises(ValueError, match="none of 1 candidates has a finite score"):
        greedy_ensemble(candidates((np.nan, 1)), error, minimise=True)
