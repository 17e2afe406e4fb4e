"""Mixing by hand, and what is never mixed in."""

import torch
from torch import tensor

from haemsa.model.network.batch import Targets
from haemsa.model.network.cohort import CohortRow
from haemsa.model.network.mixup import mix, partner, shares
from haemsa.model.network.noise import Noise
from tests.support.model.cohort_tools import full_batch, genome, network_of, shake

NOISE = Noise(torch.arange(2, dtype=torch.int32), 3)


def targets(*labelled: int) -> dict[str, Targets]:
    known = tensor(labelled).float().unsqueeze(1)
    return {"any": Targets(torch.zeros_like(known), known)}


def test_a_sample_takes_its_share_from_the_one_before() -> None:
    own = tensor([[1.0, 2.0, 4.0]])
    assert partner(own, 1).tolist() == [[4, 1, 2]]
    assert mix(own, partner(own, 1), tensor([[0.5, 0.0, 0.25]])).tolist() == [[2.5, 2, 3.5]]


def test_shares_are_even_up_to_each_rows_most() -> None:
    found = shares(tensor([0.4, 0.0]), NOISE, torch.ones(2, 2000), targets(*[1] * 2000))
    assert 0 < found[0].min() < 0.01 and 0.39 < found[0].max() < 0.4
    assert abs(found[0].mean() - 0.2) < 0.01
    assert found[1].tolist() == [0] * 2000


def test_nothing_is_taken_from_a_partner_that_is_held_out_or_lacks_a_label() -> None:
    weights = tensor([[1.0, 0.0, 1.0, 1.0], [1.0, 1.0, 1.0, 0.0]])
    held_out = shares(tensor([0.5, 0.5]), NOISE, weights, targets(1, 1, 1, 1)) > 0
    assert held_out.tolist() == [[True, True, False, True], [False, True, True, True]]
    lacking = shares(tensor([0.5, 0.5]), NOISE, torch.ones(2, 4), targets(1, 0, 1, 0)) > 0
    assert lacking.tolist() == [[False, True, False, True]] * 2  # one without a label itself has nothing to spoil


def test_a_partner_must_have_the_labels_of_all_tasks_that_the_sample_has() -> None:
    tasks = {
        "a": Targets(torch.zeros(2, 1), torch.ones(2, 1)),
        "b": Targets(torch.zeros(2, 2), tensor([[1.0, 1], [1, 0]])),
    }
    assert (shares(tensor([0.5, 0.5]), NOISE, torch.ones(2, 2), tasks) > 0).tolist() == [[False, True]] * 2


def test_tokens_are_mixed_where_they_leave_the_encoders() -> None:
    network = network_of([CohortRow(genome(), 1)])  # without levels, and with even gates, outputs are linear in tokens
    shake(network)
    with torch.no_grad():
        network.heads.gate_0.zero_()
        share = torch.linspace(0, 0.5, 20).double().unsqueeze(0)
        plain, mixed = (network(full_batch(20), network.noise(0), part).outputs["sentiment"] for part in (None, share))
    torch.testing.assert_close(mixed, mix(plain, partner(plain, 1), share.unsqueeze(-1)))
