import numpy as np
import pytest
from sklearn.linear_model import Ridge

from haemsa.model.data.builtin.planted import SIZES, planted, planted_floor

DATA = planted(0)
TRUTH = planted_floor(0)


def pooled(*names):
    parts = [DATA.modalities[name].features.sum(axis=1) / DATA.modalities[name].lengths[:, None] for name in names]
    x = np.concatenate(parts, axis=1).astype(np.float64)
    train = DATA.splits["train"]
    return (x - x[train].mean(axis=0)) / x[train].std(axis=0)


def ridge_error(x):
    train, test, y = DATA.splits["train"], DATA.splits["test"], DATA.tasks["sentiment"].targets
    return np.abs(Ridge(100.0).fit(x[train], y[train]).predict(x[test]) - y[test]).mean()


def test_it_is_shaped_like_cmu_mosi():
    assert tuple(len(DATA.splits[split]) for split in ("train", "valid", "test")) == SIZES
    assert {name: (m.steps, m.width) for name, m in DATA.modalities.items()} == {
        "text": (20, 64), "audio": (24, 24), "vision": (24, 20),
    }  # fmt: skip
    sentiment = DATA.tasks["sentiment"].targets
    assert (sentiment.min(), sentiment.max()) == (-3, 3)
    assert len(np.unique(DATA.modalities["text"].lengths)) > 10
    assert np.bincount(DATA.tasks["emotion"].targets).min() > 200
    assert 80 <= len(np.unique(DATA.groups)) <= 95


def test_the_same_seed_gives_the_same_data_and_another_seed_other_data():
    small = (60, 20, 20)
    assert planted(1, small).fingerprint == planted(1, small).fingerprint
    assert planted(1, small).fingerprint != planted(2, small).fingerprint
    assert planted_floor(1, small) == planted_floor(1, small)


def test_no_video_lies_in_two_splits():
    groups = [set(DATA.groups[indices]) for indices in DATA.splits.values()]
    assert not groups[0] & groups[1]
    assert not groups[0] & groups[2]
    assert not groups[1] & groups[2]
    assert len(set(DATA.ids)) == len(DATA)


def test_the_floors_lie_far_apart():
    assert TRUTH.mae < 0.5 * TRUTH.single_mae < 0.4 * TRUTH.constant_mae
    assert TRUTH.accuracy > TRUTH.single_accuracy + 0.2 > TRUTH.constant_accuracy + 0.5
    assert 0.25 < TRUTH.mae < 0.45


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_the_floors_hold_for_other_seeds(seed):
    truth = planted_floor(seed)
    assert truth.mae == pytest.approx(TRUTH.mae, abs=0.04)
    assert truth.single_mae == pytest.approx(TRUTH.single_mae, abs=0.08)


def test_a_linear_model_of_text_is_useful_but_does_not_pass_its_floor():
    assert TRUTH.single_mae < ridge_error(pooled("text")) < 0.8 * TRUTH.constant_mae


def test_audio_and_vision_without_text_say_nothing():
    assert ridge_error(pooled("audio")) > 0.98 * TRUTH.constant_mae
    assert ridge_error(pooled("vision")) > 0.98 * TRUTH.constant_mae


def test_audio_turns_the_sign_of_what_text_says():
    """Products of what text and audio say, a linear model's way to their interaction, pass any single modality."""
    text, audio = pooled("text"), pooled("audio")
    products = (text[:, :, None] * audio[:, None, :]).reshape(len(text), -1)
    both = np.concatenate([text, products], axis=1)
    assert ridge_error(both) < TRUTH.single_mae


def test_vision_is_correlated_over_time_and_within_a_video():
    vision = DATA.modalities["vision"]
    full = vision.lengths >= 12
    steps = vision.features[full, :12] - vision.features[full, :12].mean(axis=(0, 1))
    neighbours = (steps[:, 1:] * steps[:, :-1]).mean() / (steps**2).mean()
    assert neighbours > 0.5
    means = vision.features.sum(axis=1) / vision.lengths[:, None]
    of_video = np.stack([means[DATA.groups == group].mean(axis=0) for group in np.unique(DATA.groups)])
    assert of_video.var(axis=0).sum() > 0.3 * means.var(axis=0).sum()


def test_an_empty_split_is_refused():
    with pytest.raises(ValueError, match=r"planted sizes are \(5, 0, 5\), expected at least 1 sample"):
        planted(0, (5, 0, 5))
