"""Intervals that hold, and probabilities that are as often right as they say."""

from __future__ import annotations

import numpy as np
import pytest

from haemsa.model.data.task import Task
from haemsa.model.predictor.calibration import (
    Interval,
    Reliability,
    Temperature,
    fit,
    from_dict,
    reliability,
    spread_of,
)

RNG = np.random.default_rng(0)


def expected_calibration_error(shares: np.ndarray, labels: np.ndarray) -> float:
    return Reliability.of(shares.max(1), shares.argmax(1) == labels).error


def test_the_width_is_the_error_that_nine_in_ten_keep_within() -> None:
    errors = np.arange(1.0, 20.0) * np.where(np.arange(19) % 2, 1, -1)  # of 19, the 18th: 20 times .9
    found = Interval.fit(errors, np.zeros(19))
    assert found == Interval(18.0, 0.0)
    low, high = found.around(np.array([1.0]), np.array([5.0]), None)
    assert (low[0], high[0]) == (-17, 19)


def test_a_few_errors_give_the_largest_of_them() -> None:
    assert Interval.fit(np.array([0.5, -2.0]), np.zeros(2)).width == 2


def test_intervals_keep_within_the_bounds_of_the_labels() -> None:
    low, high = Interval(1.0, 0.0).around(np.array([-2.5, 0.0, 3.4]), np.zeros(3), (-3.0, 3.0))
    assert (low.tolist(), high.tolist()) == ([-3.0, -1.0, 2.0], [-1.5, 1.0, 3.0])


def test_an_interval_contains_its_own_prediction_however_far_out_the_network_went() -> None:
    outputs = np.array([-9.0, 4.73, 2.9])
    low, high = Interval(0.5, 0.0).around(outputs, np.zeros(3), (-3.0, 3.0))
    assert (low.tolist(), high.tolist()) == ([-3.0, 2.5, 2.4], [-2.5, 3.0, 3.0])


def test_intervals_are_fitted_to_the_errors_of_predictions_within_the_bounds() -> None:
    task = Task("regression", np.array([3.0, -3.0], np.float32), bounds=(-3.0, 3.0))
    assert fit(task, np.array([[5.0], [-2.5]]), np.zeros((2, 1))) == Interval(0.5, 0.0)


def test_where_errors_grow_with_the_spread_intervals_do_and_hold_as_often() -> None:
    spread = RNG.uniform(0.1, 3, 4000)
    errors = RNG.normal(size=4000) * np.sqrt(0.2 + spread**2)
    found = Interval.fit(errors[:2000], spread[:2000])
    assert found.weight == pytest.approx(5, rel=0.5)
    for part in (spread < 1, spread > 2):
        chosen = np.flatnonzero(part & (np.arange(4000) >= 2000))
        low, high = found.around(np.zeros(len(chosen)), spread[chosen], None)
        assert ((low <= errors[chosen]) & (errors[chosen] <= high)).mean() == pytest.approx(0.9, abs=0.03)


def test_a_spread_that_says_nothing_counts_for_nothing() -> None:
    spread = RNG.uniform(0.1, 3, 4000)
    assert Interval.fit(RNG.normal(size=4000), spread).weight < 0.05


def test_the_temperature_undoes_what_made_probabilities_too_sure() -> None:
    logits = RNG.normal(size=(20000, 4))
    true = np.exp(logits) / np.exp(logits).sum(1, keepdims=True)
    labels = (true.cumsum(1) > RNG.random((20000, 1))).argmax(1)
    sure = np.exp(3 * logits) / np.exp(3 * logits).sum(1, keepdims=True)
    found = Temperature.fit(sure, labels)
    assert found.temperature == pytest.approx(3, rel=0.1)
    np.testing.assert_allclose(found.apply(sure), true, atol=0.03)
    assert expected_calibration_error(sure, labels) > 0.2
    assert expected_calibration_error(found.apply(sure), labels) < 0.02


def test_a_temperature_changes_no_choice_and_takes_certain_probabilities() -> None:
    certain = np.array([[1.0, 0.0], [0.4, 0.6]], np.float32)
    warm = Temperature(2.0).apply(certain)
    assert warm.argmax(1).tolist() == [0, 1]
    np.testing.assert_allclose(warm.sum(1), 1, rtol=1e-6)
    assert warm[1, 1] == pytest.approx(0.6**0.5 / (0.4**0.5 + 0.6**0.5))


def test_the_calibration_error_is_the_gap_of_each_bin_by_its_size() -> None:
    shares = np.array([[0.9, 0.1], [0.9, 0.1], [0.35, 0.65]])  # one of two right at .9; right at .65
    assert expected_calibration_error(shares, np.array([0, 1, 1])) == pytest.approx((2 * 0.4 + 0.35) / 3)


def test_each_kind_of_task_gets_its_own_and_labels_that_are_missing_do_not_count() -> None:
    values = np.array([0.0, 1.0, np.nan], np.float32)
    found = fit(Task("regression", values), np.array([[1.0], [1.5], [0.0]]), np.zeros((3, 1)))
    assert found == Interval(1.0, 0.0)
    task = Task("regression", values)
    assert reliability(task, Interval(0.7, 0.0), np.array([[1.0], [1.5], [0]]), np.zeros((3, 1))) == {"coverage": 0.5}
    classes = Task("classes", np.array([0, -1, 1]), ("a", "b"))
    shares = np.array([[0.8, 0.2], [0.5, 0.5], [0.3, 0.7]])
    assert isinstance(fit(classes, shares, np.zeros((3, 2))), Temperature)
    assert list(reliability(classes, Temperature(1.0), shares, np.zeros((3, 2)))) == ["ece"]
    assert fit(Task("multilabel", np.ones((3, 2), np.float32), ("a", "b")), shares, np.zeros((3, 2))) is None


def test_the_spread_is_the_deviation_over_members_and_nothing_for_one() -> None:
    members = np.array([[[1.0]], [[3.0]]])
    assert spread_of(members)[0, 0] == pytest.approx(2**0.5)
    assert spread_of(members[:1])[0, 0] == 0


def test_what_was_written_is_read_and_nonsense_is_not() -> None:
    kept = {"sentiment": Interval(1.0, 0.5), "emotion": Temperature(1.5)}
    assert from_dict({name: vars(item) for name, item in kept.items()}) == kept
    with pytest.raises(ValueError, match="the width is nan, expected a number from 0"):
        from_dict({"x": {"width": float("nan"), "weight": 0}})
    with pytest.raises(ValueError, match="the temperature is 0, expected more"):
        from_dict({"x": {"temperature": 0}})
    with pytest.raises(ValueError, match=r"the noise is 1\.0, expected less than 1"):
        from_dict({"x": {"temperature": 1.0, "noise": 1.0}})
    assert from_dict({"x": {"temperature": 1.5}}) == {"x": Temperature(1.5, 0.0)}  # a model of format 1
    with pytest.raises(TypeError):
        from_dict({"x": {"odd": 1}})


def test_reliability_compares_predicted_probabilities_with_how_often_they_come_true() -> None:
    bins = Reliability.of(np.array([0.94, 0.98, 0.55, 1.0]), np.array([True, False, True, True]))
    np.testing.assert_allclose(bins.chances, [0.55, 2.92 / 3])
    np.testing.assert_allclose(bins.rates, [1, 2 / 3])
    np.testing.assert_allclose(bins.shares, [0.25, 0.75])
    assert bins.error == pytest.approx(0.25 * 0.45 + 0.75 * (2.92 / 3 - 2 / 3))


@pytest.mark.parametrize("unit", [1e-12, 1e22])
def test_an_interval_is_as_wide_in_any_unit_of_the_labels(unit: float) -> None:
    spread = RNG.uniform(0.1, 3, 500)
    errors = RNG.normal(size=500) * np.sqrt(0.2 + spread**2)
    plain = Interval.fit(errors, spread)
    found = Interval.fit((errors * unit).astype(np.float32), (spread * unit).astype(np.float32))
    assert plain.weight > 0
    assert (found.width / unit, found.weight * unit**2) == pytest.approx((plain.width, plain.weight), rel=1e-5)
    members = (RNG.normal(size=(3, 5, 1)) * unit).astype(np.float32)
    np.testing.assert_allclose(spread_of(members), members.astype(np.float64).std(0, ddof=1), rtol=1e-6)
    low, high = found.around(members[0, :, 0], spread_of(members)[:, 0], None)
    assert np.isfinite(low).all()
    assert (low < high).all()


def test_labels_that_are_wrong_at_random_are_told_from_a_network_that_is_unsure() -> None:
    """Probabilities that are too even, and a fifth of the labels drawn at random: a temperature cannot mend both."""
    logits = 2 * RNG.normal(size=(20000, 4))
    clear = np.exp(logits) / np.exp(logits).sum(1, keepdims=True)
    true = 0.8 * clear + 0.2 / 4
    labels = (true.cumsum(1) > RNG.random((20000, 1))).argmax(1)
    even = np.sqrt(clear) / np.sqrt(clear).sum(1, keepdims=True)
    found = Temperature.fit(even, labels)
    assert (found.temperature, found.noise) == (pytest.approx(0.5, rel=0.1), pytest.approx(0.2, abs=0.03))
    np.testing.assert_allclose(found.apply(even), true, atol=0.03)
    np.testing.assert_allclose(found.apply(even).sum(1), 1, rtol=1e-6)
    assert (found.apply(even).argmax(1) == even.argmax(1)).all()
    assert expected_calibration_error(even, labels) > 0.05
    assert expected_calibration_error(found.apply(even), labels) < 0.02
    only = min((Temperature(t) for t in np.geomspace(0.2, 2, 40)), key=lambda one: _loss(one.apply(even), labels))
    assert expected_calibration_error(only.apply(even), labels) > 0.02


def _loss(shares: np.ndarray, labels: np.ndarray) -> float:
    return float(-np.log(shares[np.arange(len(labels)), labels]).mean())
