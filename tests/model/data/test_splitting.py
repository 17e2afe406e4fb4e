import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from haemsa.model.data.splitting import make_splits, with_validation


def test_single_samples_are_cut_from_one_permutation_at_exact_sizes():
    order = np.random.default_rng(3).permutation(10)
    splits = make_splits(np.arange(10), {"train": 6, "valid": 1, "test": 3}, seed=3)
    assert splits["train"].tolist() == sorted(order[:6].tolist())
    assert splits["test"].tolist() == sorted(order[7:].tolist())


@given(
    groups=st.lists(st.integers(0, 12), min_size=5, max_size=60).filter(lambda found: len(set(found)) >= 3),
    seed=st.integers(0, 9),
)
def test_no_group_is_divided_and_no_split_is_empty(groups, seed):
    members = np.array(groups)
    splits = make_splits(members, seed=seed)
    assert sorted(np.concatenate(list(splits.values())).tolist()) == list(range(len(groups)))
    owners = [set(members[indices].tolist()) for indices in splits.values()]
    assert all(owners)
    assert sum(len(owner) for owner in owners) == len(set(groups))


def test_splits_of_equal_groups_are_close_to_the_shares_asked_for():
    splits = make_splits(np.repeat(np.arange(40), 5))
    assert {name: len(indices) for name, indices in splits.items()} == {"train": 140, "valid": 20, "test": 40}


@pytest.mark.parametrize("sizes", [{"train": 0.5, "test": 0.2}, {"train": 6, "test": 5}, {"train": 1.0, "test": 0.0}])
def test_sizes_that_do_not_sum_up_are_refused(sizes):
    with pytest.raises(ValueError, match="expected shares that sum to 1, or counts that sum to 10"):
        make_splits(np.arange(10), sizes)


def test_fewer_groups_than_splits_are_refused():
    with pytest.raises(ValueError, match="the data has 2 groups, expected at least 3 to split them"):
        make_splits(np.array([0, 0, 1]))


def test_a_validation_split_is_made_of_whole_groups_of_training():
    splits = {"train": np.arange(20), "test": np.arange(20, 24)}
    groups, notes = [f"video{place // 2}" for place in range(24)], []
    found = with_validation(splits, groups, "video", notes)
    assert {split: len(indices) for split, indices in found.items()} == {"train": 18, "valid": 2, "test": 4}
    assert sorted([*found["train"], *found["valid"]]) == list(range(20))
    assert len({groups[place] for place in found["valid"]}) == 1
    assert notes == ["no validation split was given; made of whole videos of training: train 18, valid 2, test 4"]
    with pytest.raises(ValueError, match="the training split has 1 videos, expected at least 2: one for validation"):
        with_validation(splits, ["same"] * 24, "video", [])
