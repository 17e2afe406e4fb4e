"""Heads: a gate over the tokens of a row, and a linear layer."""

import torch

from haemsa.model.network.cohort import Cohort, CohortRow
from haemsa.model.network.heads import Heads
from tests.support.model.cohort_tools import genome, row_weights
from tests.support.model.random_genomes import SCHEMA

TOKENS = torch.randn(2, 3, 5, 4, generator=torch.Generator().manual_seed(0)).double()  # two rows; text, audio, global


def heads_of() -> Heads:
    """The first row uses text and audio, the second audio alone."""
    rows = [CohortRow(genome(), 0), CohortRow(genome(modalities=["audio"]), 1)]
    heads = Heads(Cohort(rows, SCHEMA)).double()
    for number, parameter in enumerate(heads.parameters()):
        parameter.data += torch.randn(parameter.shape, generator=torch.Generator().manual_seed(number)).double()
    return heads


def test_outputs_are_a_linear_map_of_gated_tokens() -> None:
    heads = heads_of()
    found = heads(TOKENS, None)
    for row, tokens in enumerate((TOKENS[0], TOKENS[1, 1:])):  # the second row has no text token
        w = row_weights(heads, 2)[row]
        for task, outputs in found.items():
            bias = [w[f"heads.{task}.gate_bias.{name}"] for name in ("text", "audio", "global")[-len(tokens) :]]
            shares = (tokens @ w[f"heads.{task}.gate"] + torch.stack(bias).unsqueeze(1)).softmax(0)
            pooled = (shares * tokens).sum(0)
            expected = pooled @ w[f"heads.{task}.weight"] + w[f"heads.{task}.bias"]
            torch.testing.assert_close(outputs[row], expected)


def test_each_task_has_as_many_outputs_as_it_needs() -> None:
    assert {task: tuple(values.shape) for task, values in heads_of()(TOKENS, None).items()} == {
        "sentiment": (2, 5, 1),
        "emotion": (2, 5, 3),
        "traits": (2, 5, 2),
    }


def test_absent_tokens_are_not_read() -> None:
    heads = heads_of()
    present = torch.ones(2, 3, 5, dtype=torch.bool)
    present[0, 0, 2] = False
    changed = TOKENS.clone()
    changed[0, 0, 2] += 9
    before, after = heads(TOKENS, present), heads(changed, present)
    assert all(torch.equal(before[task], after[task]) for task in before)
    assert not torch.equal(before["sentiment"], heads(changed, None)["sentiment"])


def test_heads_start_by_reading_all_tokens_alike() -> None:
    heads = Heads(Cohort([CohortRow(genome(), 0)], SCHEMA)).double()
    expected = torch.bmm(TOKENS[:1].mean(1), heads.weight_0)
    torch.testing.assert_close(heads(TOKENS[:1], None)["sentiment"], expected)
