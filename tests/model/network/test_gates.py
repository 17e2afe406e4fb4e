"""Gates: each kind by hand, which experts a token may hear, and experts that cannot be used."""

import pytest
import torch

from haemsa.model.network.cohort import Cohort, CohortRow
from haemsa.model.network.gates import GateOutput, Gates, hears
from haemsa.model.spec.network import GLOBAL, ExpertSpec, LevelSpec
from tests.support.model.cohort_tools import genome, level, noise_of
from tests.support.model.random_genomes import SCHEMA

TEXT, AUDIO, BOTH = ExpertSpec(("text",)), ExpertSpec(("audio",)), ExpertSpec(("text", "audio"))
TOKENS = torch.ones(1, 3, 2, 4)  # one row; text, audio, global; two samples


def gate_of(*levels: LevelSpec, bias: tuple[float, ...] = (0.0, 1.0, 2.0)) -> Gates:
    """Gates whose logits are `bias`, whatever the tokens."""
    rows = [CohortRow(genome(item), seed) for seed, item in enumerate(levels)]
    gates = Gates(Cohort(rows, SCHEMA), 0)
    gates.bias.data = torch.tensor(bias).repeat(len(gates.bias), 1)
    return gates


def weights_of(*levels: LevelSpec, present: torch.Tensor | None = None, **options: tuple[float, ...]) -> GateOutput:
    """What gates do, with experts last."""
    found = gate_of(*levels, **options)(TOKENS.expand(len(levels), -1, -1, -1), present, None)
    return GateOutput(*(part.transpose(2, 3) for part in found))


def test_softmax_weighs_by_exponentials_over_the_temperature() -> None:
    found = weights_of(level(TEXT, AUDIO, BOTH, kind="softmax", temperature=2.0)).weights
    expected = torch.tensor([0.0, 0.5, 1.0]).softmax(0)
    torch.testing.assert_close(found, expected.expand(1, 3, 2, 3))


def test_sigmoid_weighs_each_expert_by_itself() -> None:
    found = weights_of(level(TEXT, AUDIO, BOTH, kind="sigmoid")).weights
    torch.testing.assert_close(found, torch.tensor([0.5, 0.73105858, 0.88079708]).expand(1, 3, 2, 3))


@pytest.mark.parametrize(("k", "expected"), [(1, (0.0, 0.0, 1.0)), (2, (0.0, 0.26894142, 0.73105858))])
def test_top_k_weighs_the_best_and_drops_the_others(k: int, expected: tuple[float, ...]) -> None:
    found = weights_of(level(TEXT, AUDIO, BOTH, kind="top_k", k=k)).weights
    torch.testing.assert_close(found, torch.tensor(expected).expand(1, 3, 2, 3))


def test_top_k_of_more_than_there_are_is_a_softmax() -> None:
    few = weights_of(level(TEXT, AUDIO, BOTH, kind="top_k", k=9)).weights
    torch.testing.assert_close(few, weights_of(level(TEXT, AUDIO, BOTH, kind="softmax")).weights)


def test_top_k_counts_only_experts_that_may_be_heard() -> None:
    found = weights_of(level(TEXT, AUDIO, BOTH, kind="top_k", k=2, transfer=False)).weights
    torch.testing.assert_close(found[0, 0, 0], torch.tensor([1.0, 0.0, 0.0]))
    torch.testing.assert_close(found[0, 2, 0], torch.tensor([0.0, 0.26894142, 0.73105858]))


def test_rows_of_one_cohort_keep_their_own_kinds() -> None:
    levels = [level(TEXT, AUDIO, BOTH, kind=kind, k=1) for kind in ("softmax", "top_k", "sigmoid")]
    together = weights_of(*levels).weights
    for row, item in enumerate(levels):
        torch.testing.assert_close(together[row], weights_of(item).weights[0])


def test_a_row_with_fewer_experts_gives_the_padding_no_weight() -> None:
    found = weights_of(level(TEXT, kind="sigmoid"), level(TEXT, AUDIO, BOTH, kind="sigmoid"))
    assert torch.equal(found.weights[0, ..., 1:], torch.zeros(3, 2, 2))
    assert not found.allowed[0, ..., 1:].any()


def test_noise_moves_top_k_in_training_only() -> None:
    item = level(TEXT, AUDIO, BOTH, kind="top_k", k=3, noise=1.0)
    gates = gate_of(item)
    calm = gates(TOKENS, None, None).weights.transpose(2, 3)
    noisy = [gates(TOKENS, None, noise_of(gates, 2, step, [5])).weights.transpose(2, 3) for step in (0, 1)]
    assert torch.equal(calm[0, 0, 0], calm[0, 1, 1])
    assert not torch.equal(noisy[0], noisy[1])
    assert not torch.equal(noisy[0][0, 0, 0], noisy[0][0, 0, 1])


@pytest.mark.parametrize("kind", ["softmax", "top_k", "sigmoid"])
def test_an_expert_whose_tokens_are_all_absent_gets_no_weight(kind: str) -> None:
    present = torch.tensor([[[True, False], [True, True], [True, True]]])  # the second sample has no text
    found = weights_of(level(TEXT, AUDIO, BOTH, kind=kind, k=2), present=present).weights
    assert bool((found[0, :, 1, 0] == 0).all())
    assert bool((found[0, :, 1, 1:] > 0).all())
    assert bool((found[0, :, 0, 2] > 0).all())


def test_a_token_with_no_expert_to_hear_takes_nothing_and_stays_finite() -> None:
    present = torch.tensor([[[False], [False], [True]]])
    gates = gate_of(level(TEXT, AUDIO, BOTH))
    found = gates(TOKENS[:, :, :1].requires_grad_(), present, None).weights
    assert torch.equal(found, torch.zeros(1, 3, 3, 1))
    (gradient,) = torch.autograd.grad(found.sum(), [gates.weight])
    assert bool(torch.isfinite(gradient).all())


def test_without_transfer_a_local_token_hears_only_its_own_experts() -> None:
    assert [hears("text", expert, transfer=False) for expert in (TEXT, AUDIO, BOTH)] == [True, False, False]
    assert [hears(GLOBAL, expert, transfer=False) for expert in (TEXT, AUDIO, BOTH)] == [True, True, True]
    assert [hears("text", expert, transfer=True) for expert in (TEXT, AUDIO, BOTH)] == [True, True, True]
