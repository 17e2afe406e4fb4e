import numpy as np
import pytest
from sklearn.model_selection import StratifiedGroupKFold

from haemsa.model.data.dataset import Dataset, Modality, Task
from haemsa.model.data.folds import SCORING_SEEDS, final, grouped, holdout, leave_one_group_out, parse_validation


def pool(groups, targets=None, train=None):
    samples = len(groups)
    task = (
        Task("regression", np.zeros(samples, np.float32))
        if targets is None
        else Task("classes", np.asarray(targets), ("a", "b", "c"))
    )
    cut = samples // 2 if train is None else train
    return Dataset(
        "d",
        {"x": Modality(np.ones((samples, 1, 1), np.float32), np.ones(samples, np.int64))},
        {"y": task},
        {"train": np.arange(cut), "valid": np.arange(cut, samples)},
        tuple(map(str, range(samples))),
        np.asarray(groups),
    )


def test_holdout_scores_on_the_validation_split_and_final_on_nothing():
    data = pool(range(5), train=3)
    assert holdout(data).held_out.tolist() == [[False, False, False, True, True]]
    assert holdout(data).trained.tolist() == [0, 1, 2]
    assert not final(data).held_out.any()
    assert final(data).trained.tolist() == [0, 1, 2, 3, 4]


@pytest.mark.parametrize("k", [2, 3, 5])
@pytest.mark.parametrize("seed", [0, 1])
def test_each_sample_is_held_out_once_with_its_whole_group_in_folds_of_similar_size(k, seed):
    groups = np.random.default_rng(seed).integers(0, 30, 400)
    folds = grouped(pool(groups), k, seed)
    assert folds.kind == f"folds:{k}"
    assert len(folds) == k
    assert (folds.held_out.sum(axis=0) == 1).all()
    assert all(len(np.unique(folds.held_out[:, groups == group], axis=1).T) == 1 for group in range(30))
    sizes = folds.held_out.sum(axis=1)
    assert sizes.max() - sizes.min() <= 10
    assert folds.trained.tolist() == list(range(400))


def test_folds_are_fixed_by_the_seed():
    data = pool(np.arange(40))
    assert np.array_equal(grouped(data, 4, 7).held_out, grouped(data, 4, 7).held_out)
    assert not np.array_equal(grouped(data, 4, 7).held_out, grouped(data, 4, 8).held_out)


def _unevenness(held_out, targets):
    shares = np.stack([np.bincount(targets[fold], minlength=3) for fold in held_out]) / np.bincount(targets)
    return shares.std(axis=0).mean()


def test_classes_are_spread_over_folds_as_evenly_as_scikit_learn_does():
    rng = np.random.default_rng(3)
    groups = rng.integers(0, 60, 600)
    targets = np.minimum(rng.integers(0, 4, 60)[groups] * (rng.random(600) < 0.8), 2).astype(np.int64)
    ours = grouped(pool(groups, targets), 5, 0).held_out
    theirs = np.zeros_like(ours)
    splitter = StratifiedGroupKFold(5, shuffle=True, random_state=0)
    for fold, (_, held_out) in enumerate(splitter.split(groups, targets, groups)):
        theirs[fold, held_out] = True
    assert _unevenness(ours, targets) <= 1.1 * _unevenness(theirs, targets)


def test_one_group_per_fold_is_enough():
    assert grouped(pool([0, 0, 0, 0, 0, 0, 0, 1, 2]), 3, 0).held_out.sum(axis=1).tolist() in (
        [7, 1, 1], [1, 7, 1], [1, 1, 7],
    )  # fmt: skip


def test_fewer_groups_than_folds_are_an_error():
    with pytest.raises(ValueError, match="data 'd' has 2 groups, expected at least 3 for 3 folds"):
        grouped(pool([0, 0, 1, 1]), 3, 0)


def test_a_fold_that_cannot_score_a_task_is_an_error():
    with pytest.raises(ValueError, match="of folds:4 has no label of 'y' to score with; use fewer folds"):
        grouped(pool([0, 0, 1, 1, 2, 3, 4], [0, -1, 0, 1, -1, -1, -1]), 4, 0)


def test_each_group_of_the_pool_is_left_out_once():
    folds = leave_one_group_out(pool([7, 3, 7, 9, 3]))
    assert folds.kind == "groups"
    assert folds.held_out.tolist() == [
        [False, True, False, False, True],
        [True, False, True, False, False],
        [False, False, False, True, False],
    ]
    assert folds.trained.tolist() == [0, 1, 2, 3, 4]


@pytest.mark.parametrize(
    ("count", "message"),
    [
        (1, "data 'd' has 1 groups, expected 2 to 50 to leave out one at a time$"),
        (51, "has 51 groups, expected 2 to 50 to leave out one at a time; folds:K keeps groups together too"),
    ],
)
def test_one_group_or_many_cannot_be_left_out_one_at_a_time(count, message):
    assert len(leave_one_group_out(pool(np.arange(100) % 50))) == 50
    with pytest.raises(ValueError, match=message):
        leave_one_group_out(pool(np.arange(102) % count))


def test_a_group_without_labels_cannot_be_left_out():
    with pytest.raises(ValueError, match="fold 1 of groups has no label of 'y' to score with; use folds:K"):
        leave_one_group_out(pool([0, 0, 1, 1, 2], [0, 1, -1, -1, 2]))
    with pytest.raises(ValueError, match="fold 0 of groups has no label of 'y' to train on; use folds:K"):
        leave_one_group_out(pool([0, 1, 1, 0], [0, -1, -1, 1]))


def test_the_validation_setting_is_parsed():
    data = pool(range(10))
    assert parse_validation("holdout", data, 0).kind == "holdout"
    assert (
        parse_validation("holdout", data, 0).held_out.tolist() == [holdout(data).held_out[0].tolist()] * SCORING_SEEDS
    )
    assert len(parse_validation("holdout:4", data, 0)) == 4
    assert len(parse_validation("folds:5", data, 0)) == 5
    assert len(parse_validation("groups", data, 0)) == 10


@pytest.mark.parametrize(
    "score", ["fold:5", "folds:", "folds:-2", "auto", "folds:2.5", "", "holdout:0", "holdout:", "groups:2"]
)
def test_another_validation_setting_is_an_error_that_names_it(score):
    with pytest.raises(
        ValueError, match=f"validation is '{score}', expected holdout, holdout:SEEDS, folds:K .*, or groups"
    ):
        parse_validation(score, pool(range(10)), 0)


def test_a_single_fold_is_an_error():
    with pytest.raises(ValueError, match="folds:1 was asked for, expected at least 2 folds"):
        parse_validation("folds:1", pool(range(10)), 0)
