"""Layers by hand."""

import torch

from haemsa.model.network.operations.layers import normalise


def test_norm_makes_the_mean_square_of_the_real_width_one() -> None:
    tokens = torch.tensor([[[[3.0, 4.0, 0.0]]]])
    found, _ = normalise(tokens, torch.tensor(2.0).view(1, 1, 1, 1))
    torch.testing.assert_close(found, tokens / 12.5**0.5)


def test_the_norm_of_nothing_is_nothing() -> None:
    assert torch.equal(normalise(torch.zeros(1, 1, 1, 3), torch.full((1, 1, 1, 1), 3.0))[0], torch.zeros(1, 1, 1, 3))
