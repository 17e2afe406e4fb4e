"""Weights of classes by hand, from a row's own training samples."""

import torch
from torch import tensor

from haemsa.model.network.batch import Targets
from haemsa.model.schema import TaskInfo
from haemsa.model.training.losses.class_balance import balanced, class_weights, counts, label_weights

CLASSES, LABELS = TaskInfo("classes", ("a", "b", "c")), TaskInfo("multilabel", ("a", "b"))


def test_classes_are_counted_among_known_training_samples() -> None:
    targets = Targets(tensor([[0.0], [0.0], [1.0], [0.0], [1.0]]), tensor([[1.0], [1.0], [1.0], [0.0], [1.0]]))
    trains = tensor([[1, 1, 1, 1, 1], [1, 0, 1, 1, 0]]) > 0
    assert counts(CLASSES, targets, trains).tolist() == [[2, 2, 0], [1, 1, 0]]


def test_both_sides_of_a_label_are_counted() -> None:
    targets = Targets(tensor([[1.0, 0.0], [0.0, 0.0], [1.0, 1.0]]), tensor([[1.0, 1.0], [1.0, 0.0], [1.0, 1.0]]))
    assert counts(LABELS, targets, torch.ones(1, 3, dtype=torch.bool)).tolist() == [[[1, 2], [1, 1]]]


def test_rare_classes_weigh_more_and_training_samples_one_on_average() -> None:
    numbers = tensor([[3.0, 1.0, 0.0]]).double().expand(3, 3)
    none, half, full = balanced(numbers, tensor([0.0, 0.5, 1.0])).tolist()
    assert none == [1, 1, 1]
    torch.testing.assert_close(full, [2 / 3, 2.0, 2.0])
    torch.testing.assert_close(half[1] / half[0], 3**0.5)
    torch.testing.assert_close((3 * half[0] + half[1]) / 4, 1.0)


def test_a_label_that_is_never_known_has_weights_of_one() -> None:
    assert balanced(torch.zeros(1, 2, 2), tensor([0.5])).flatten().tolist() == [1, 1, 1, 1]


def test_each_sample_has_the_weight_of_its_class_or_labels() -> None:
    by_class = class_weights(tensor([[1.0, 2.0], [3.0, 4.0]]), tensor([[[0], [1]], [[1], [1]]]))
    assert by_class.squeeze(-1).tolist() == [[1, 2], [4, 4]]
    by_label = label_weights(tensor([[[1.0, 2.0], [3.0, 4.0]]]), tensor([[[0.0, 1.0], [1.0, 0.0]]]))
    assert by_label.tolist() == [[[1, 4], [2, 3]]]
