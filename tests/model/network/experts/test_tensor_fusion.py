"""Tensor experts against plain formulas."""

from dataclasses import replace

import torch
from torch import Tensor
from torch.nn import functional as F

from haemsa.model.network.cohort import Cohort, CohortRow
from haemsa.model.network.experts.members import Member
from haemsa.model.network.experts.tensor_fusion import TensorFusionGroup
from haemsa.model.network.noise import Noise
from haemsa.model.network.weights import Weights, insert
from haemsa.model.spec.network import GLOBAL, ExpertSpec
from tests.support.model.cohort_tools import genome, level, noise_of, row_weights
from tests.support.model.random_genomes import SCHEMA

TOKENS = torch.randn(3, 5, 4, generator=torch.Generator().manual_seed(0)).double()  # text, audio, global
PAIR = ExpertSpec(("text", "audio"), "tensor", 1, 2)


def group_of(*specs: ExpertSpec, width: int = 4, **training: float) -> TensorFusionGroup:
    cohort = Cohort([CohortRow(genome(level(*specs), width=width, **training), 0)], SCHEMA)
    return TensorFusionGroup(cohort, 0, [Member(0, number, spec) for number, spec in enumerate(specs)]).double()


def weights_of(group: TensorFusionGroup) -> Weights:
    (weights,) = row_weights(group, 1)
    return {name.removeprefix("levels.0.experts.0."): values for name, values in weights.items()}


def outputs_of(group: TensorFusionGroup, noise: Noise | None = None) -> Tensor:
    return group(TOKENS[list(group.tokens_seen)], noise)


def units_of(token: str, w: Weights) -> Tensor:
    """One, and the units of a token [B, r + 1]."""
    units = F.gelu(TOKENS[("text", "audio", GLOBAL).index(token)] @ w[f"in.{token}"] + w[f"in.{token}.bias"])
    return F.pad(units, (1, 0), value=1.0)


def test_two_tokens_of_one_unit_have_four_products() -> None:
    """By hand: a unit u of text and v of audio give 1, u, v and uv; `out` counts them by 1, 10, 100 and 1000."""
    group = group_of(ExpertSpec(("text", "audio"), "tensor", 1, 1), width=1)
    path = "levels.0.experts.0"
    one, zero = torch.ones(1, 1), torch.zeros(1)
    weights = {f"{path}.in.{name}": one for name in ("audio", "text")}
    weights |= {f"{path}.in.{name}.bias": zero for name in ("audio", "text")}
    out = torch.tensor([[1.0], [10.0], [100.0], [1000.0]])  # audio is the first by name
    insert(group, [{**weights, f"{path}.out": out, f"{path}.out.bias": zero}])
    tokens = {"audio": 2.0, "text": 3.0}
    seen = torch.tensor([tokens["audio"], tokens["text"]]).double().view(2, 1, 1)
    u, v = (F.gelu(torch.tensor(tokens[name]).double()) for name in ("text", "audio"))
    torch.testing.assert_close(group(seen, None).squeeze(), 1 + 10 * u + 100 * v + 1000 * u * v)


def test_three_tokens_are_multiplied_all_with_all() -> None:
    group = group_of(ExpertSpec((GLOBAL, "text", "audio"), "tensor", 1, 3))
    w = weights_of(group)
    parts = [units_of(token, w) for token in ("audio", GLOBAL, "text")]
    product = torch.einsum("bi,bj,bk->bijk", *parts).flatten(1)
    assert product.shape == (5, 64)
    torch.testing.assert_close(outputs_of(group)[0], product @ w["out"] + w["out.bias"])


def test_the_order_in_which_tokens_are_named_does_not_matter() -> None:
    one, other = group_of(PAIR), group_of(replace(PAIR, sees=("audio", "text")))
    assert torch.equal(outputs_of(one), outputs_of(other))


def test_units_are_dropped_before_they_are_multiplied() -> None:
    group = group_of(PAIR, dropout=0.5)
    noise = noise_of(group, samples=5)
    assert group.dropout is not None
    keep = noise.keep(group.dropout)
    assert keep.shape == (2, 5, 2) and not torch.equal(*keep)
    w = weights_of(group)
    audio, text = (
        torch.cat([units[:, :1], units[:, 1:] * kept], 1)
        for units, kept in zip((units_of(token, w) for token in ("audio", "text")), keep, strict=True)
    )
    expected = torch.einsum("bi,bj->bij", audio, text).flatten(1) @ w["out"] + w["out.bias"]
    torch.testing.assert_close(outputs_of(group, noise)[0], expected)


def test_experts_of_another_width_or_breadth_make_another_group() -> None:
    specs = [replace(PAIR, width=3), PAIR, replace(PAIR, sees=("text",)), PAIR]
    cohort = Cohort([CohortRow(genome(level(*specs)), seed) for seed in range(2)], SCHEMA)
    members = [Member(0, number, spec) for number, spec in enumerate(specs)]
    parts = TensorFusionGroup.parts(members, cohort)
    assert [[member.number for member in part] for part in parts] == [[2], [1, 3], [0]]
    group = TensorFusionGroup(cohort, 0, parts[1])
    assert group.out.shape == (2, 9, 4)
