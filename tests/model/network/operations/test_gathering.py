"""Parts are put elsewhere, and their gradients come back from there."""

import torch

from haemsa.model.network.operations.gathering import Gathering


def test_parts_of_several_tensors_go_to_their_places_and_holes_are_zero() -> None:
    gathering = Gathering([2, None, 0, 1], 3)
    found = gathering([torch.tensor([[1.0], [2.0]]), torch.tensor([[3.0]])])
    assert found.tolist() == [[3.0], [0.0], [1.0], [2.0]]
