"""Weighted sums by hand."""

import torch

from haemsa.model.network.operations.mixing import add_mixed


def test_mixing_is_a_weighted_sum_over_experts() -> None:
    outputs = torch.tensor([[1.0, 10.0], [2.0, 20.0]]).view(1, 2, 1, 2)  # two experts of width two
    weights = torch.tensor([[0.25, 0.75], [1.0, 0.0], [0.0, 0.0]]).view(1, 3, 2, 1)
    expected = torch.tensor([[1.75, 17.5], [1.0, 10.0], [0.0, 0.0]]).view(1, 3, 1, 2)
    torch.testing.assert_close(add_mixed(torch.ones(1, 3, 1, 2), weights, outputs), 1 + expected)
