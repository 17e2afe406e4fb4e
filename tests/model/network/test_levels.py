"""Levels: the norm, the residual, and what transfer carries."""

import torch

from haemsa.model.network.cohort import Cohort, CohortRow
from haemsa.model.network.cohort_network import CohortNetwork
from haemsa.model.network.levels import Level, mix
from haemsa.model.network.token_ops import normalise, scores
from haemsa.model.spec.network import GLOBAL, ExpertSpec
from tests.support.model.cohort_tools import genome, level, noise_of, shake
from tests.support.model.random_genomes import SCHEMA

TEXT, AUDIO, BOTH = ExpertSpec(("text",)), ExpertSpec(("audio",)), ExpertSpec(("text", "audio", GLOBAL))


def tokens_after(transfer: bool, other_audio: bool) -> torch.Tensor:
    """Tokens [D, B, W] after three levels, from the same text and one audio or another."""
    levels = [level(TEXT, AUDIO, BOTH, transfer=transfer) for _ in range(3)]
    network = CohortNetwork(Cohort([CohortRow(genome(*levels), 0)], SCHEMA)).double()
    shake(network)
    tokens = torch.randn(1, 3, 5, 4, generator=torch.Generator().manual_seed(0)).double()
    tokens[:, 1:] += float(other_audio)
    for item in network.levels:
        tokens = item(tokens, None, None).tokens
    return tokens[0].detach()


def test_norm_makes_the_mean_square_of_the_real_width_one() -> None:
    tokens = torch.tensor([[[[3.0, 4.0, 0.0]]]])
    found = normalise(tokens, torch.tensor(2.0).view(1, 1, 1, 1))
    torch.testing.assert_close(found, tokens / 12.5**0.5)


def test_the_norm_of_nothing_is_nothing() -> None:
    assert torch.equal(normalise(torch.zeros(1, 1, 1, 3), torch.full((1, 1, 1, 1), 3.0)), torch.zeros(1, 1, 1, 3))


def test_the_gradients_of_norm_and_scores_are_those_that_torch_finds_numerically() -> None:
    generator = torch.Generator().manual_seed(0)
    tokens, weight = (torch.randn(2, *sizes, generator=generator).double() for sizes in ((3, 5, 4), (4, 2)))
    width = torch.tensor([4.0, 3.0]).double().view(2, 1, 1, 1)
    inputs = (tokens.requires_grad_(), width)
    assert torch.autograd.gradcheck(normalise, inputs)
    assert torch.autograd.gradcheck(scores, (tokens.detach()[:, 0].requires_grad_(), weight.requires_grad_()))


def test_mixing_is_a_weighted_sum_over_experts() -> None:
    outputs = torch.tensor([[1.0, 10.0], [2.0, 20.0]]).view(1, 2, 1, 2)  # two experts of width two
    weights = torch.tensor([[0.25, 0.75], [1.0, 0.0], [0.0, 0.0]]).view(1, 3, 2, 1)
    expected = torch.tensor([[1.75, 17.5], [1.0, 10.0], [0.0, 0.0]]).view(1, 3, 1, 2)
    torch.testing.assert_close(mix(weights, outputs), expected)


def test_a_level_adds_the_mixed_experts_to_the_tokens() -> None:
    item = Level(Cohort([CohortRow(genome(level(TEXT, AUDIO)), 0)], SCHEMA), 0)
    tokens = torch.randn(1, 3, 5, 4)
    for group in item.groups:
        group.out.data.zero_()
        group.out_bias.data.fill_(1.0)
    torch.testing.assert_close(item(tokens, None, None).tokens, tokens + 1)  # shares sum to one


def test_without_transfer_another_modality_does_not_alter_a_local_token() -> None:
    before, after = tokens_after(False, False), tokens_after(False, True)
    assert torch.equal(before[0], after[0])
    assert not torch.equal(before[1], after[1])
    assert not torch.equal(before[2], after[2])


def test_with_transfer_another_modality_alters_every_token() -> None:
    before, after = tokens_after(True, False), tokens_after(True, True)
    assert all(not torch.equal(*pair) for pair in zip(before, after, strict=True))


def test_rows_without_the_level_pass_unchanged() -> None:
    rows = [CohortRow(genome(level(BOTH)), 0), CohortRow(genome(), 1)]
    item = Level(Cohort(rows, SCHEMA), 0)
    tokens = torch.randn(2, 3, 5, 4)
    found = item(tokens, None, None)
    assert torch.equal(found.tokens[1], tokens[1])
    assert not torch.equal(found.tokens[0], tokens[0])
    assert len(found.gate.weights) == 1


def test_dropout_acts_in_training_only() -> None:
    network = CohortNetwork(Cohort([CohortRow(genome(level(BOTH), dropout=0.5), 0)], SCHEMA))
    item, tokens = network.levels[0], torch.randn(1, 3, 5, 4)
    noise = [noise_of(network, 5, step) for step in (0, 0, 1)]
    calm, first, again, later = (item(tokens, None, each).tokens for each in (None, *noise))
    assert torch.equal(first, again)
    assert not torch.equal(first, later)
    assert not torch.equal(calm, first)
