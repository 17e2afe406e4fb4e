import numpy as np
import pytest

from haemsa.evo.records.shrinkage import replicate_variance, shrink


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


def test_a_fold_that_is_harder_for_everyone_changes_nothing_with_unequal_seeds_either() -> None:
    rng, hard = np.random.default_rng(4), np.array([0, 3, -1, 0.5, 7])
    values = [rng.normal(size=5 * seeds) for seeds in (1, 3, 2, 1, 2, 3)]
    shifted = [row + np.tile(hard, len(row) // 5) for row in values]
    assert replicate_variance(shifted) == pytest.approx(replicate_variance(values))


def test_a_lone_candidate_has_no_others_to_tell_folds_by() -> None:
    assert replicate_variance([(1.0, 3.0, 5.0), (2.0,)]) == pytest.approx(4.0)


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


def test_an_order_is_left_where_errors_explain_all() -> None:
    means = np.array([3.0, 1.0, 2.0])
    shrunk = shrink(means, np.full(3, 100.0))
    assert np.argsort(shrunk).tolist() == [1, 2, 0]
    assert np.ptp(shrunk) < 1e-5


def test_one_that_is_sure_and_far_greater_numbers_give_numbers() -> None:
    means = np.array([1e9, 1.1e9, 0.9e9, 1.05e9])
    shrunk = shrink(means, np.array([0.0, 1e18, 1e18, 1.0]))
    assert np.isfinite(shrunk).all()
    assert shrunk[0] == pytest.approx(1e9)


def test_two_scores_tell_no_spread_and_stay_as_they_are() -> None:
    assert shrink(np.array([1.0, 2.0]), np.array([0.5, 0.1])).tolist() == [1.0, 2.0]


def test_a_sure_score_is_drawn_less_than_one_that_is_not() -> None:
    # of the spread 2.5 the mean error, 1, explains a part: 1.5 is left; the centre is 3 by symmetry
    means = np.array([1.0, 2.0, 3.0, 4.0, 5.0])
    shrunk = shrink(means, np.array([0.5, 1.5, 1.0, 1.5, 0.5]))
    assert shrunk.tolist() == pytest.approx([3 - 2 * 1.5 / 2, 3 - 1.5 / 3, 3, 3 + 1.5 / 3, 3 + 2 * 1.5 / 2])


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


def test_with_unequal_replicates_the_whole_order_is_nearer_the_truth_than_that_of_the_means() -> None:
    rng, correlations = np.random.default_rng(5), np.zeros(2)
    for _ in range(200):
        truth = rng.normal(size=30)
        variances = 1.5 / rng.choice((1, 5, 15), 30)
        means = truth + rng.normal(size=30) * np.sqrt(variances)
        places = truth.argsort().argsort()
        for way, found in enumerate((means, shrink(means, variances))):
            correlations[way] += np.corrcoef(found.argsort().argsort(), places)[0, 1] / 200
    assert correlations[1] > correlations[0] + 0.01
