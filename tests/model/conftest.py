"""Tests of networks run as workers do: on one thread."""

import pytest
import torch

from haemsa.model.training.process import prepare_process


@pytest.fixture(scope="session", autouse=True)
def _prepared() -> None:
    prepare_process()
    assert torch.get_num_threads() == 1
