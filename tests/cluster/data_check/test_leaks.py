"""Signs that features have seen labels, and the scores that they are read from."""

from __future__ import annotations

import numpy as np
import pytest

from haemsa.cluster.data_check.leaks import Part, Score, Skill, cross_validated, score, signs, skill_of
from haemsa.model.data.dataset import Dataset
from tests.support.cluster.checked_data import check, honest, leaking
from tests.support.places import SHARED_DATA

MOSI = SHARED_DATA / "mosi" / "mosi.pkl"
KINDS = ("regression", "classes", "multilabel")


def found(data: Dataset) -> list[tuple[str, str, bool]]:
    return [(sign.modality, sign.split, sign.within) for sign in check(data).signs["mood"]]


@pytest.mark.parametrize("kind", KINDS)
def test_honest_features_give_no_sign(kind: str) -> None:
    assert [found(honest(seed, kind)) for seed in range(20)] == [[]] * 20


@pytest.mark.parametrize("kind", KINDS)
def test_a_column_that_tells_the_labels_of_test_alone_is_found_within_test(kind: str) -> None:
    assert found(leaking(honest(1, kind), "test")) == [("audio", "test", True)]


def test_the_same_column_in_a_modality_that_is_good_anyway_is_found() -> None:
    assert found(leaking(honest(1), "test", name="text", noise=0.1)) == [("text", "test", True)]


def test_labels_of_validation_and_test_in_the_features_are_found_in_both() -> None:
    assert found(leaking(honest(2), "valid", "test")) == [("audio", "valid", True), ("audio", "test", True)]


def test_features_of_an_extractor_that_was_trained_with_the_test_labels_are_found_when_fitted_on_training() -> None:
    """Their direction is real in training too, but far weaker than where the extractor knew the labels by heart."""
    data = leaking(leaking(honest(3), "train", "valid", noise=3.0), "test", noise=0.1)
    (sign,) = check(data).signs["mood"]
    assert (sign.modality, sign.split) == ("audio", "test")
    assert sign.promised.correlation < 0.5
    assert sign.found.correlation > 0.9
    assert sign.errors > 4
    assert sign.peers is not None
    assert sign.peers < 0.2


def test_a_modality_that_knows_the_labels_everywhere_is_merely_good() -> None:
    assert found(leaking(honest(4), "train", "valid", "test")) == []


def test_a_split_far_larger_than_training_promises_no_more_than_training_could() -> None:
    rng = np.random.default_rng(0)

    def part(samples: int) -> Part:
        features = rng.normal(size=(samples, 200)).astype(np.float32)
        targets = features.sum(axis=1, keepdims=True) + rng.normal(size=(samples, 1))
        return Part(features, targets.astype(np.float64), np.arange(samples))

    few, many = part(80), part(2000)
    assert signs({"text": skill_of({"train": few, "test": many})}) == []
    large = cross_validated(many)
    assert large is not None
    assert large.correlation > 0.9


def test_a_better_score_is_a_sign_only_if_it_is_far_better_and_no_chance() -> None:
    promised = Score(0.3, 0.04, 600, 600)

    def sign(correlation: float, error: float, samples: int, groups: int) -> bool:
        skill = Skill(promised, {"test": Score(correlation, error, samples, groups)}, {})
        return bool(signs({"text": skill}))

    assert sign(0.6, 0.04, 400, 400)
    assert not sign(0.5, 0.01, 4000, 4000)  # 5 errors, but atanh .5 - atanh .3 is .24
    assert not sign(0.6, 0.08, 60, 60)  # 3 errors
    assert not sign(0.6, 0.04, 400, 6)  # few groups: 14 errors would be as unlikely as 4 are


def test_a_correlation_is_pooled_around_the_means_of_folds() -> None:
    groups = np.arange(12)
    targets = np.arange(12.0)[:, None]
    folds = groups // 6
    level = 100.0 * folds[:, None]
    perfect = score(2 * targets + level, targets, groups, folds)
    opposite = score(level - targets, targets, groups, folds)
    assert perfect is not None
    assert opposite is not None
    assert (perfect.correlation, perfect.samples, perfect.groups) == (pytest.approx(1), 12, 12)
    assert opposite.correlation == pytest.approx(-1)


def test_a_correlation_is_numpys_and_its_error_about_that_of_the_textbook() -> None:
    rng = np.random.default_rng(0)
    targets = rng.normal(size=(1000, 1))
    predicted = targets + rng.normal(size=(1000, 1))
    alone = score(predicted, targets, np.arange(1000))
    assert alone is not None
    assert alone.correlation == pytest.approx(np.corrcoef(predicted[:, 0], targets[:, 0])[0, 1])
    assert alone.error == pytest.approx((1 - 0.5) / 1000**0.5, rel=0.15)


def test_samples_that_come_in_equal_groups_say_no_more_than_one_of_each() -> None:
    rng = np.random.default_rng(0)
    targets, noise = rng.normal(size=(2, 100, 1))
    once = score(targets + noise, targets, np.arange(100))
    often = score(np.repeat(targets + noise, 5, 0), np.repeat(targets, 5, 0), np.repeat(np.arange(100), 5))
    assert once is not None
    assert often is not None
    assert often.error == pytest.approx(once.error)


def test_nothing_is_said_of_too_few_samples_or_groups_or_of_constants() -> None:
    values = np.arange(20.0)[:, None]
    assert score(values[:9], values[:9], np.arange(9)) is None
    assert score(values, values, np.arange(20) // 10) is None
    assert score(0 * values, values, np.arange(20)) is None
    assert cross_validated(Part(values.astype(np.float32), values, np.arange(20) // 5)) is None


@pytest.mark.slow
@pytest.mark.skipif(not MOSI.exists(), reason="the real data is not here")
def test_mosi_gives_no_sign() -> None:
    from haemsa.model.data.sources import load

    found = check(load(str(MOSI)))
    assert found.signs == {"sentiment": ()}
    assert found.straddling == ()
    promised = found.skills["sentiment"]["text"].promised
    assert promised is not None
    assert promised.correlation == pytest.approx(0.63, abs=0.02)


@pytest.mark.parametrize("unit", [1e-9, 1e9])
def test_a_correlation_does_not_depend_on_the_unit_of_the_labels(unit: float) -> None:
    rng = np.random.default_rng(0)
    targets, noise = rng.normal(size=(2, 100, 1))
    plain, scaled = (score((targets + noise) * k, targets * k, np.arange(100)) for k in (1.0, unit))
    assert plain is not None
    assert scaled is not None
    assert (scaled.correlation, scaled.error) == (pytest.approx(plain.correlation), pytest.approx(plain.error))
