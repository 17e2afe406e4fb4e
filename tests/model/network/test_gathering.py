"""Parts are put elsewhere, and their gradients come back from there."""

import torch

from haemsa.model.network.gathering import Gathering


def test_parts_of_several_tensors_go_to_their_places_and_holes_are_zero() -> None:
    gathering = Gathering([2, None, 0, 1], 3)
    found = gathering([torch.tensor([[1.0], [2.0]]), torch.tensor([[3.0]])])
    assert found.tolist() == [[3.0], [0.0], [1.0], [2.0]]


def test_gradients_are_those_that_torch_finds_numerically() -> None:
    generator = torch.Generator().manual_seed(0)
    parts = [torch.randn(count, 2, generator=generator).double().requires_grad_() for count in (2, 1, 2)]
    for places in ([4, 2, 0, 1, 3], [None, 3, 1, 0, None, 2, 4]):
        assert torch.autograd.gradcheck(lambda *given, places=places: Gathering(places, 5)(given), parts)
