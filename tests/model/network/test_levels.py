"""Levels: the norm, the residual, and what transfer carries."""

import torch

from haemsa.model.network.cohort import Cohort, CohortRow
from haemsa.model.network.cohort_network import CohortNetwork
from haemsa.model.network.levels import Level
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
