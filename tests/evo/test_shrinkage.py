import numpy as np
import pytest

from evo.shrinkage import replicate_variance, shrink


def test_the_variance_of_one_replicate_is_what_replicates_differ_by() -> None:
    assert replicate_variance([(1.0, 3.0)]) == pytest.approx(2.0)
    assert replicate_variance([(1.0,), (2.0,)]) == 0.0
    assert replicate_variance([]) == 0.0


def test_what_a_fold_adds_to_everyone_is_no_noise() -> None:
    assert replicate_variance([(1.0, 3.0), (5.0, 7.0), (2.0, 4.0)]) == pytest.approx(0.0)
    rng = np.random.default_rng(0)
    values = rng.normal(size=(6, 5))
    shifted = values + np.array([10, 0, -3, 4, 0.5])
    assert replicate_variance(shifted.tolist()) == pytest.approx(replicate_variance(values.tolist()))


def test_the_estimate_is_near_the_truth_with_unequal_replicates() -> None:
    rng = np.random.default_rng(1)
    values = [rng.normal(rng.normal(), 0.3, n) for n in rng.choice((5, 10, 15), 200)]
    assert replicate_variance(values) == pytest.approx(0.09, rel=0.1)


def test_scores_that_are_sure_stay_as_they_are() -> None:
    means = np.array([1.0, 2.0, 5.0])
    assert shrink(means, np.zeros(3)).tolist() == means.tolist()


def test_scores_are_drawn_to_the_middle_by_as_much_as_errors_explain_their_spread() -> None:
    means = np.array([1.0, 2.0, 3.0])  # variance 1, of which a quarter is error
    assert shrink(means, np.full(3, 0.25)).tolist() == pytest.approx([1.25, 2.0, 2.75])
    assert shrink(means, np.full(3, 4.0)).tolist() == pytest.approx([2.0, 2.0, 2.0])


def test_equal_errors_change_no_order() -> None:
    means = np.random.default_rng(2).normal(size=40)
    assert np.argsort(shrink(means, np.full(40, 0.1))).tolist() == np.argsort(means).tolist()


def test_a_lucky_one_falls_behind_one_that_has_proved_nearly_as_good() -> None:
    means = np.array([0.80, 0.81, 0.95, 1.0, 1.05])
    variances = np.array([0.008, 0.0005, 0.008, 0.008, 0.008])
    shrunk = shrink(means, variances)
    assert shrunk[1] < shrunk[0]


def test_with_unequal_replicates_the_best_is_found_more_often_than_by_the_means() -> None:
    rng = np.random.default_rng(3)
    regret = np.zeros(2)
    for _ in range(300):
        truth = rng.normal(size=20)
        replicates = rng.choice((1, 10), 20)
        variances = 1.0 / replicates
        means = truth + rng.normal(size=20) * np.sqrt(variances)
        regret += truth[means.argmin()] - truth.min(), truth[shrink(means, variances).argmin()] - truth.min()
    assert regret[1] < 0.8 * regret[0]
