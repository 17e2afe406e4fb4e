"""Experts against plain formulas."""

import torch
from torch import Tensor
from torch.nn import functional as F

from haemsa.model.network.cohort import Cohort, CohortRow
from haemsa.model.network.experts.group import ExpertGroup
from haemsa.model.network.experts.members import Member, by_size
from haemsa.model.network.weights import Weights
from haemsa.model.spec.network import GLOBAL, ExpertKind, ExpertSpec
from tests.support.model.cohort_tools import genome, level, noise_of, row_weights
from tests.support.model.random_genomes import SCHEMA

TOKENS = torch.randn(3, 5, 4, generator=torch.Generator().manual_seed(0)).double()  # text, audio, global


def group_of(*specs: ExpertSpec, **training: float) -> ExpertGroup:
    cohort = Cohort([CohortRow(genome(level(*specs), **training), 0)], SCHEMA)
    group = ExpertGroup(cohort, 0, [Member(0, number, spec) for number, spec in enumerate(specs)]).double()
    for parameter in group.parameters():
        parameter.data += 0.1  # biases start at zero, or at one: move them
    return group


def outputs_of(group: ExpertGroup, tokens: Tensor = TOKENS) -> dict[int, Tensor]:
    seen = tokens[list(group.tokens_seen)]
    return {member.number: values for member, values in zip(group.members, group(seen, None), strict=True)}


def output_and_weights(kind: ExpertKind, depth: int = 1) -> tuple[Tensor, Weights]:
    group = group_of(ExpertSpec(("audio", "text"), kind, depth, 6))
    (weights,) = row_weights(group, 1)
    return outputs_of(group)[0], {name.removeprefix("levels.0.experts.0."): value for name, value in weights.items()}


def test_mlp_is_a_layer_over_the_sum_of_its_projected_tokens() -> None:
    found, w = output_and_weights("mlp")
    text, audio = TOKENS[0], TOKENS[1]
    hidden = F.gelu(audio @ w["in.audio"] + text @ w["in.text"] + w["in.bias"])
    torch.testing.assert_close(found, hidden @ w["out"] + w["out.bias"])


def test_gated_mlp_multiplies_a_gelu_by_a_second_projection() -> None:
    found, w = output_and_weights("gated")
    gate, value = (
        TOKENS[1] @ w["in.audio"][:, half] + TOKENS[0] @ w["in.text"][:, half] + w["in.bias"][half] for half in (0, 1)
    )
    torch.testing.assert_close(found, (F.gelu(gate) * value) @ w["out"] + w["out.bias"])


def test_low_rank_fusion_multiplies_affine_maps_of_its_tokens() -> None:
    found, w = output_and_weights("low_rank")
    product = (TOKENS[1] @ w["in.audio"] + w["in.audio.bias"]) * (TOKENS[0] @ w["in.text"] + w["in.text.bias"])
    torch.testing.assert_close(found, product @ w["out"] + w["out.bias"])


def test_a_factor_of_low_rank_fusion_starts_near_one() -> None:
    group = ExpertGroup(
        Cohort([CohortRow(genome(level(ExpertSpec(("text",), "low_rank"))), 0)], SCHEMA),
        0,
        [Member(0, 0, ExpertSpec(("text",), "low_rank"))],
    )
    assert torch.equal(group.joins[0].bias, torch.ones(1, 32))


def test_further_layers_are_residual() -> None:
    found, w = output_and_weights("mlp", depth=3)
    hidden = F.gelu(TOKENS[1] @ w["in.audio"] + TOKENS[0] @ w["in.text"] + w["in.bias"])
    for number in (1, 2):
        hidden = hidden + F.gelu(hidden @ w[f"layer.{number}"] + w[f"layer.{number}.bias"])
    torch.testing.assert_close(found, hidden @ w["out"] + w["out.bias"])


def test_experts_of_mixed_kind_breadth_and_depth_share_a_group_without_mixing() -> None:
    specs = [
        ExpertSpec(("text",), "mlp", 3, 6),
        ExpertSpec((GLOBAL, "audio", "text"), "mlp", 1, 6),
        ExpertSpec(("audio",), "gated", 1, 6),
        ExpertSpec(("text", "audio"), "low_rank", 2, 6),
        ExpertSpec(("audio",), "low_rank", 1, 6),
        ExpertSpec(("text", GLOBAL), "gated", 2, 6),
    ]
    found = outputs_of(group_of(*specs))
    for number, spec in enumerate(specs):
        changed = outputs_of(group_of(*specs), TOKENS + torch.tensor([1.0, 0, 0]).view(3, 1, 1))  # another text
        assert torch.equal(changed[number], found[number]) == ("text" not in spec.sees)


def test_dropout_multiplies_hidden_units() -> None:
    spec = ExpertSpec(("text",), "mlp", 2, 6)
    group = group_of(spec, dropout=0.5)
    noise = noise_of(group, samples=5)
    assert group.dropout is not None
    keep = noise.keep(group.dropout)
    assert sorted(set(keep.flatten().tolist())) == [0, 2]
    assert not torch.equal(*keep)
    (w,) = row_weights(group, 1)
    w = {name.removeprefix("levels.0.experts.0."): value for name, value in w.items()}
    first = F.gelu(TOKENS[0] @ w["in.text"] + w["in.bias"]) * keep[0]
    second = first + F.gelu(first @ w["layer.1"] + w["layer.1.bias"]) * keep[1]
    found = group(TOKENS[list(group.tokens_seen)], noise)[0]
    torch.testing.assert_close(found, second @ w["out"] + w["out.bias"])


def test_a_single_network_splits_experts_at_every_width_and_a_large_cohort_at_few() -> None:
    widths = (4, 4, 8, 64, 64)
    specs = [ExpertSpec(("text",), "mlp", 1, width) for width in widths]
    rows = [CohortRow(genome(level(*specs), width=48), seed) for seed in range(20)]
    lone, many = Cohort(rows[:1], SCHEMA), Cohort(rows, SCHEMA)
    members = [Member(row, number, spec) for row in range(20) for number, spec in enumerate(specs)]
    assert [[m.spec.width for m in group] for group in by_size(members[:5], lone)] == [[4, 4], [8], [64, 64]]
    parts = by_size(members, many)
    assert [{m.spec.width for m in group} for group in parts] == [{4, 8}, {64}]
    assert sorted(member for group in parts for member in group) == sorted(members)


def test_few_narrow_experts_stay_together() -> None:
    specs = [ExpertSpec(("text",), "mlp", 1, width) for width in (4, 8)]
    rows = [CohortRow(genome(level(*specs)), seed) for seed in range(2)]
    members = [Member(row, number, spec) for row in range(2) for number, spec in enumerate(specs)]
    (group,) = by_size(members, Cohort(rows, SCHEMA))
    assert sorted(group) == sorted(members)


def test_experts_of_narrow_and_of_wide_tokens_are_apart_if_they_are_many() -> None:
    spec = ExpertSpec(("text",), "mlp", 1, 64)
    rows = [CohortRow(genome(level(spec), width=width), seed) for seed, width in enumerate((4, 48) * 40)]
    members = [Member(row, 0, spec) for row in range(80)]
    assert by_size(members, Cohort(rows, SCHEMA)) == [members[::2], members[1::2]]
