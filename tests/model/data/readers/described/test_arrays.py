import numpy as np
import pytest

from haemsa.model.data.readers.described.arrays import ArraySource
from haemsa.model.data.readers.options import Damage


def opened(tmp_path, *names, **arrays):
    np.savez(tmp_path / "a.npz", **arrays)
    return ArraySource(tmp_path / "a.npz", names, Damage(skip=False))


def split_in_three(name, *arrays):
    return {f"{name}_{split}": array for split, array in zip(("train", "valid", "test"), arrays, strict=True)}


def test_arrays_of_splits_are_joined_and_padded_to_the_longest(tmp_path):
    audio = split_in_three("audio", np.ones((2, 3, 2)), np.full((1, 1, 2), 2), np.full((1, 2), 3.0))
    found = opened(tmp_path, "audio_{split}", **audio)
    assert found.split_of == ["train", "train", "valid", "test"]
    assert list(found.samples.names) == ["train-0", "train-1", "valid-0", "test-0"]
    assert found.features("audio_{split}").features[:, :, 0].tolist() == [[1, 1, 1], [1, 1, 1], [2, 0, 0], [3, 0, 0]]
    assert found.absent("audio_{split}") == []


def test_a_split_without_the_array_has_zeros_and_is_told(tmp_path):
    y = split_in_three("y", np.zeros(2), np.zeros(1), np.zeros(1))
    found = opened(tmp_path, "text_{split}", "y_{split}", **y, text_valid=np.ones((1, 2, 3)))
    assert found.absent("text_{split}") == ["train", "test"]
    assert found.features("text_{split}").features.sum(axis=(1, 2)).tolist() == [0, 0, 6, 0]


def test_arrays_without_splits_are_taken_as_they_are(tmp_path):
    ids, y = np.array(["a", "b", "c"]), np.arange(3).reshape(3, 1, 1)
    found = opened(tmp_path, "x", x=np.arange(6).reshape(3, 2), ids=ids, y=y)
    assert found.split_of is None
    assert list(found.samples.names) == ["0", "1", "2"]
    assert found.features("x").features.tolist() == [[[0, 1]], [[2, 3]], [[4, 5]]]
    assert found.cells("ids")["ids"].tolist() == ["a", "b", "c"]
    assert list(found.cells("x")) == ["x[0]", "x[1]"]
    assert found.cells("x")["x[1]"].tolist() == [1, 3, 5]
    assert found.cells("y")["y"].tolist() == [0, 1, 2]


@pytest.mark.parametrize("called", ["valid", "val", "dev", "validation"])
def test_arrays_of_the_validation_split_may_be_called_otherwise(tmp_path, called):
    arrays = {"x_train": np.ones((2, 1)), f"x_{called}": np.full((1, 1), 2), "x_test": np.full((1, 1), 3)}
    found = opened(tmp_path, "x_{split}", **arrays)
    assert found.split_of == ["train", "train", "valid", "test"]
    assert found.features("x_{split}").features.ravel().tolist() == [1, 1, 2, 3]


def test_arrays_of_the_validation_split_may_all_be_missing(tmp_path):
    found = opened(tmp_path, "x_{split}", x_train=np.ones((2, 1)), x_test=np.ones((1, 1)))
    assert found.split_of == ["train", "train", "test"]


def test_labels_that_a_split_lacks_are_missing_there(tmp_path):
    found = opened(tmp_path, "y_{split}", "x_{split}", y_train=[1, 2], x_train=[[1], [2]], x_valid=[[1]], x_test=[[1]])
    assert found.cells("y_{split}")["y_{split}"].tolist() == [1, 2, None, None]


@pytest.mark.parametrize(
    ("names", "arrays", "message"),
    [
        (("z",), {"x": np.ones((2, 2))}, r"a\.npz has no array 'z', it has x$"),
        (("z_{split}",), {"x": np.ones((2, 2))}, "has no array 'z_train', it has x"),
        (("x_{split}",), {"x_train": np.ones((2, 2))}, "has no array 'x_test', it has x_train"),
        (("x",), {"x": np.ones(2)}, r"'x' is float64 \[2\], expected numbers \[N, T, D\] or \[N, D\]"),
        (("x",), {"x": np.ones((2, 2, 2, 2))}, r"'x' is float64 \[2, 2, 2, 2\], expected numbers"),
        (("x",), {"x": np.array([["a"]])}, r"'x' is <U1 \[1, 1\], expected numbers"),
        (
            ("y", "x"),
            {"y": np.ones(3), "x": np.ones((2, 1))},
            r"'x' is float64 \[2, 1\], but other arrays have 3 samples",
        ),
        (
            ("x_{split}",),
            split_in_three("x", np.ones((2, 2)), np.ones((2, 2)), np.ones((2, 3))),
            r"the last axis of 'x_\{split\}' is 2 in train, 2 in valid, 3 in test, expected the same in each",
        ),
        ((("x", "y"),), {"x": np.ones((2, 2))}, "x, y are several arrays, expected the name of one"),
    ],
)
def test_features_that_do_not_fit_are_one_sentence(tmp_path, names, arrays, message):
    flat = [name for one in names for name in ([one] if isinstance(one, str) else one)]
    with pytest.raises(ValueError, match=message):
        opened(tmp_path, *flat, **arrays).features(names[-1])


def test_labels_with_two_axes_are_one_sentence(tmp_path):
    with pytest.raises(ValueError, match=r"'y' is float64 \[2, 3, 4\], expected \[N\] or \[N, C\]"):
        opened(tmp_path, "y", y=np.ones((2, 3, 4))).cells("y")


def test_steps_that_only_one_sample_has_do_not_fill_the_memory(tmp_path):
    x = split_in_three("x", np.ones((1, 60_000, 1), "i1"), np.ones((60_000, 1, 1), "i1"), np.ones((1, 1, 1), "i1"))
    with pytest.raises(ValueError, match=r"has the shape \[60002, 60000, 1\] in all, more than the file can hold"):
        opened(tmp_path, "x_{split}", **x).features("x_{split}")


def test_samples_of_nothing_do_not_fill_the_memory(tmp_path):
    np.savez_compressed(tmp_path / "a.npz", y=np.zeros(10**6, "i1"))
    with pytest.raises(ValueError, match="claims 1000000 samples, more than it has bytes"):
        ArraySource(tmp_path / "a.npz", ["y"], Damage(skip=False))
