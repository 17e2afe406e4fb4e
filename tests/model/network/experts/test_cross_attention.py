"""Cross-attention experts against plain formulas."""

from collections.abc import Collection
from dataclasses import replace

import pytest
import torch
from torch import Tensor
from torch.nn import functional as F
from torch.utils._python_dispatch import TorchDispatchMode

from haemsa.model.network.batch import Batch, FeatureStatistics, Moments
from haemsa.model.network.cohort import Cohort, CohortRow
from haemsa.model.network.cohort_network import CohortNetwork
from haemsa.model.network.experts.cross_attention import CrossAttention
from haemsa.model.network.experts.group import ExpertGroup
from haemsa.model.network.experts.members import Member, Source
from haemsa.model.network.noise import Noise
from haemsa.model.network.tokens import Encoders
from haemsa.model.network.weights import Weights, insert
from haemsa.model.spec.network import GLOBAL, ExpertSpec
from tests.support.model.cohort_tools import (
    full_batch,
    genome,
    level,
    network_of,
    noise_of,
    padded,
    row_weights,
    with_steps,
)
from tests.support.model.random_genomes import SCHEMA

TOKENS = torch.randn(3, 5, 4, generator=torch.Generator().manual_seed(0)).double()  # text, audio, global
BATCH = full_batch()
AGAIN = ExpertSpec((GLOBAL, "text", "audio"), "cross_attention", 2, 6)


def group_of(*specs: ExpertSpec, **training: float) -> ExpertGroup:
    cohort = Cohort([CohortRow(genome(level(*specs), **training), 0)], SCHEMA)
    group = ExpertGroup(cohort, 0, [Member(0, number, spec) for number, spec in enumerate(specs)]).double()
    for parameter in group.parameters():
        parameter.data += 0.1  # biases start at zero: move them
    return group


def weights_of(group: ExpertGroup) -> Weights:
    (weights,) = row_weights(group, 1)
    return {name.removeprefix("levels.0.experts.0."): values for name, values in weights.items()}


def attention_of(group: ExpertGroup) -> CrossAttention:
    assert group.crossing is not None
    return CrossAttention(group.cohort, [group.crossing]).double()


def outputs_of(
    group: ExpertGroup,
    batch: Batch = BATCH,
    present: Tensor | None = None,
    noise: Noise | None = None,
    attention: CrossAttention | None = None,
) -> Tensor:
    attention = attention or attention_of(group)
    assert group.crossing is not None
    (crossed,) = attention([TOKENS[list(group.crossing.tokens_seen)]], Source(batch, present, noise))
    return group(TOKENS[list(group.tokens_seen)], None, crossed)


def query_of(w: Weights) -> Tensor:
    return TOKENS[2] @ w["in.global"] + TOKENS[0] @ w["in.text"] + TOKENS[1] @ w["in.audio"] + w["in.bias"]


def found_in(name: str, w: Weights, batch: Batch = BATCH) -> Tensor:
    """What the query finds in one modality, as anyone would write it."""
    x, real = padded(batch, name)
    scores = torch.einsum("btd,dh,bh->bt", x, w[f"key.{name}"], query_of(w)) / 6**0.5
    shares = scores.masked_fill(~real, -torch.inf).softmax(-1)
    return torch.einsum("bt,btd,dh->bh", shares, x, w[f"value.{name}"]) + w[f"value.{name}.bias"]


def after(hidden: Tensor, w: Weights) -> Tensor:
    hidden = F.gelu(hidden)
    hidden = hidden + F.gelu(hidden @ w["layer.1"] + w["layer.1.bias"])
    return hidden @ w["out"] + w["out.bias"]


def test_a_query_of_tokens_reads_every_modality_that_the_expert_sees_by_softmax_over_time() -> None:
    group = group_of(AGAIN)
    w = weights_of(group)
    expected = after(query_of(w) + found_in("text", w) + found_in("audio", w), w)
    torch.testing.assert_close(outputs_of(group)[0], expected)


def test_padded_steps_are_not_read() -> None:
    group, batch = group_of(AGAIN), with_steps(BATCH, "text", lengths=[6, 3, 1, 2, 4])
    w = weights_of(group)
    expected = after(query_of(w) + found_in("text", w, batch) + found_in("audio", w, batch), w)
    torch.testing.assert_close(outputs_of(group, batch)[0], expected)


def test_a_key_of_zero_reads_the_mean_of_two_steps() -> None:
    """By hand: the tokens say nothing, the value is twice the first feature, the mean of 1 and 3 is 2."""
    cohort = Cohort([CohortRow(genome(level(ExpertSpec(("text",), "cross_attention", 1, 1)), width=1), 0)], SCHEMA)
    network = CohortNetwork(cohort).double()
    group, (weights,) = network.levels[0].groups[0], row_weights(network, 1)
    zeros = {name: torch.zeros_like(values) for name, values in weights.items()}
    value = torch.tensor([[2.0], *[[0.0]] * 6])
    path = "levels.0.experts.0"
    insert(network, [{**zeros, f"{path}.value.text": value, f"{path}.out": torch.ones(1, 1)}])
    x = torch.zeros(5, 6, 7).double()
    x[:, 0, 0], x[:, 1, 0], x[:, 2, 0] = 1.0, 3.0, 100.0
    batch = with_steps(BATCH, "text", x, [2, 2, 2, 2, 2])
    (crossed,) = network.levels[0].attention([torch.ones(1, 5, 1).double()], Source(batch, None, None))
    found = group(torch.ones(0, 5, 1).double(), None, crossed)
    torch.testing.assert_close(found, F.gelu(torch.full((1, 5, 1), 4.0).double()))


def test_an_absent_modality_adds_nothing() -> None:
    group = group_of(AGAIN)
    w = weights_of(group)
    present = torch.tensor([[[True, False, True, False, True], [True, True, False, False, True], [True] * 5]])
    text, audio = (present[0, place].unsqueeze(-1) for place in (0, 1))
    expected = after(query_of(w) + text * found_in("text", w) + audio * found_in("audio", w), w)
    torch.testing.assert_close(outputs_of(group, present=present)[0], expected)


def test_experts_of_mixed_breadth_and_depth_share_a_group_without_mixing() -> None:
    others = (
        ExpertSpec(("audio",), "cross_attention", 3, 6),
        ExpertSpec((GLOBAL,), "cross_attention", 1, 6),
        ExpertSpec(("text", "audio"), "cross_attention", 1, 6),
    )
    group = group_of(AGAIN, *others)
    louder = with_steps(BATCH, "text", 2 * padded(BATCH, "text")[0])
    before, changed = outputs_of(group), outputs_of(group, louder)
    for member, one, other in zip(group.members, before, changed, strict=True):
        assert torch.equal(one, other) == ("text" not in member.spec.sees)


def test_what_reads_nothing_is_a_perceptron() -> None:
    group = group_of(ExpertSpec((GLOBAL,), "cross_attention", 1, 6))
    w = weights_of(group)
    assert set(w) == {"in.global", "in.bias", "out", "out.bias"}
    hidden = F.gelu(TOKENS[2] @ w["in.global"] + w["in.bias"])
    torch.testing.assert_close(outputs_of(group)[0], hidden @ w["out"] + w["out.bias"])


def test_features_are_standardised_by_the_statistics_of_steps() -> None:
    group = group_of(AGAIN)
    moments = {
        name: Moments(torch.randn(1, width).double(), torch.rand(1, width).double() + 0.5)
        for name, (_, width) in SCHEMA.modalities.items()
    }
    standard = BATCH
    for name, (mean, scale) in moments.items():
        standard = with_steps(standard, name, (padded(BATCH, name)[0] - mean) * scale)
    expected = outputs_of(group, standard)
    attention = attention_of(group)
    attention.set_statistics(FeatureStatistics(pooled={}, steps=moments))
    torch.testing.assert_close(outputs_of(group, attention=attention), expected)


def test_feature_dropout_takes_the_columns_that_it_takes_from_the_encoder() -> None:
    group = group_of(AGAIN, feature_dropout=0.5)
    encoders = Encoders(Cohort([CohortRow(genome(feature_dropout=0.5), 0)], SCHEMA))
    attention = attention_of(group)
    drawn, noise = noise_of(encoders, 5), noise_of(attention, 5)
    kept = {item.spec.modality: drawn.keep(item.dropout) for item in encoders.encoders}
    assert not all(bool(keep.all()) for keep in kept.values())
    dropped = BATCH
    for name, keep in kept.items():
        dropped = with_steps(dropped, name, padded(BATCH, name)[0] * keep)
    found = outputs_of(group, noise=noise, attention=attention)
    torch.testing.assert_close(found, outputs_of(group, dropped), check_dtype=False)


def test_no_step_is_projected() -> None:
    sizes: list[tuple[int, ...]] = []

    class Watch(TorchDispatchMode):
        def __torch_dispatch__(self, func, types, args=(), kwargs=None):  # type: ignore[no-untyped-def]
            found = func(*args, **(kwargs or {}))
            sizes.extend(tuple(item.shape) for item in (found,) if isinstance(item, Tensor))
            return found

    group = group_of(replace(AGAIN, width=11))
    with Watch():
        outputs_of(group)
    assert (1, 5, 11) in sizes
    assert not any({5, 6, 11} <= set(size) for size in sizes)  # B, T of text, H


@pytest.mark.parametrize(
    ("sees", "read"), [(("text", GLOBAL), {"text"}), (("vision", "audio"), {"audio"}), ((GLOBAL, "vision"), set())]
)
def test_a_network_needs_only_the_steps_that_an_expert_reads(sees: tuple[str, ...], read: Collection[str]) -> None:
    expert = ExpertSpec(sees, "cross_attention")
    plain = genome(level(ExpertSpec(("text",))), modalities=list(SCHEMA.modalities))
    reading = genome(level(ExpertSpec(("text",))), level(expert), modalities=list(SCHEMA.modalities))
    network = network_of([CohortRow(reading, 0), CohortRow(plain, 1)])
    assert set(network.reads) == set(read)
    some = replace(BATCH, steps={name: BATCH.steps[name] for name in network.reads})
    assert all(bool(torch.isfinite(values).all()) for values in network(some).outputs.values())
