"""A worker's process."""

import torch

from haemsa.model.training.process import prepare_process


def test_a_prepared_process_uses_its_threads_and_flushes_denormal_numbers() -> None:
    prepare_process(2)
    assert torch.get_num_threads() == 2
    prepare_process()
    assert torch.get_num_threads() == 1
    assert float(torch.tensor([1e-40]) * 0.5) == 0.0
