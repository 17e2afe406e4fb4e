"""Encoders against plain formulas; presence, stand-ins, statistics and dropout of features and modalities."""

import dataclasses

import pytest
import torch
from torch import Tensor
from torch.nn import functional as F

from haemsa.model.network.batch import Batch, FeatureStatistics, Moments
from haemsa.model.network.cohort import Cohort, CohortRow
from haemsa.model.network.encoders import Encoder
from haemsa.model.network.tokens import Encoders
from haemsa.model.network.weights import Weights, insert
from haemsa.model.spec.genome import Genome
from haemsa.model.spec.network import EncoderKind, EncoderSpec, NetworkSpec
from haemsa.model.spec.training import TrainingGenes
from tests.support.model.cohort_tools import full_batch, genome, noise_of, padded, row_weights, with_steps
from tests.support.model.random_genomes import SCHEMA

BATCH = with_steps(full_batch(), "text", lengths=[1, 6, 3, 4, 2])
TEXT, REAL = padded(BATCH, "text")


def cohort_of(*genomes: Genome) -> Cohort:
    return Cohort([CohortRow(item, seed) for seed, item in enumerate(genomes)], SCHEMA)


def token_and_weights(kind: EncoderKind, heads: int = 2, kernel: int = 3, width: int = 4) -> tuple[Tensor, Weights]:
    """A lone text encoder with all weights moved off zero."""
    spec = EncoderSpec("text", kind, heads, kernel)
    encoder = Encoder(cohort_of(Genome(NetworkSpec(width, (spec,)))), [(0, spec)]).double()
    for number, parameter in enumerate(encoder.parameters()):
        parameter.data += torch.randn(parameter.shape, generator=torch.Generator().manual_seed(number)).double()
    (weights,) = row_weights(encoder, 1)
    return encoder(BATCH, None).t(), {name.removeprefix("encoders.text."): value for name, value in weights.items()}


def test_mean_pooling_projects_the_mean_of_the_real_steps() -> None:
    found, w = token_and_weights("mean")
    torch.testing.assert_close(found, BATCH.means["text"] @ w["weight"].T + w["bias"])


def test_attention_pools_each_heads_features_and_projects_them_to_its_units() -> None:
    found, w = token_and_weights("attention")
    for sample in range(5):
        x = TEXT[sample][REAL[sample]]
        pooled = [(x @ query).softmax(0) @ x for query in w["query"]]
        expected = torch.cat([w["weight"][:2] @ pooled[0], w["weight"][2:] @ pooled[1]]) + w["bias"]
        torch.testing.assert_close(found[sample], expected)


@pytest.mark.parametrize("kernel", [1, 2, 3, 4, 5])
def test_convolution_takes_the_most_active_step_of_each_unit(kernel: int) -> None:
    found, w = token_and_weights("convolution", kernel=kernel)
    for sample in range(5):
        x = TEXT[sample][REAL[sample]]
        projected = F.pad(x @ w["weight"].T + w["bias"], (0, 0, (kernel - 1) // 2, kernel // 2))
        convolved = [(projected[step : step + kernel] * w["kernel"].T).sum(0) for step in range(len(x))]
        torch.testing.assert_close(found[sample], F.gelu(torch.stack(convolved)).amax(0))


@pytest.mark.parametrize("kind", ["mean", "attention", "convolution"])
def test_padded_steps_have_no_influence(kind: EncoderKind) -> None:
    spec = EncoderSpec("text", kind)
    encoder = Encoder(cohort_of(Genome(NetworkSpec(4, (spec,)))), [(0, spec)]).double()
    changed = with_steps(BATCH, "text", TEXT + 9 * ~REAL.unsqueeze(-1))
    assert torch.equal(encoder(BATCH, None), encoder(changed, None))


@pytest.mark.parametrize("kind", ["mean", "attention", "convolution"])
def test_statistics_standardise_features_as_the_fold_of_each_row_asks(kind: EncoderKind) -> None:
    spec = EncoderSpec("text", kind, heads=2)
    rows = [CohortRow(Genome(NetworkSpec(width, (spec,))), 5, fold) for fold, width in ((2, 6), (0, 4), (2, 2))]
    encoder = Encoder(Cohort(rows, SCHEMA), [(place, spec) for place in range(3)]).double()
    generator = torch.Generator().manual_seed(1)
    moments = Moments(torch.randn(3, 7, generator=generator), torch.rand(3, 7, generator=generator) + 0.5)
    other = Moments(moments.mean + 1, moments.scale * 2)
    pooled, steps = (other, moments) if kind == "convolution" else (moments, other)
    encoder.set_statistics(FeatureStatistics({"text": pooled}, {"text": steps}))
    found = torch.split(encoder(BATCH, None), encoder.widths)
    for place, units in zip(encoder.rows, found, strict=True):
        row = rows[place]
        lone = Encoder(Cohort([row], SCHEMA), [(0, spec)]).double()
        insert(lone, [row_weights(encoder, 3)[place]])
        mean, scale = moments.mean[row.fold].double(), moments.scale[row.fold].double()
        standard = with_steps(BATCH, "text", (TEXT - mean) * scale)
        standard = dataclasses.replace(standard, means={"text": (BATCH.means["text"] - mean) * scale})
        torch.testing.assert_close(units, lone(standard, None))


def test_feature_dropout_hides_features_from_a_whole_batch() -> None:
    training = TrainingGenes(feature_dropout=0.5)
    spec = EncoderSpec("text")
    encoder = Encoder(cohort_of(Genome(NetworkSpec(4, (spec,)), training)), [(0, spec)]).double()
    noise = noise_of(encoder, samples=5, keys=[3])
    assert encoder.dropout is not None
    keep = noise.keep(encoder.dropout)[0]
    assert 0 < int((keep == 0).sum()) < 7
    torch.testing.assert_close(encoder(BATCH, noise).t(), (BATCH.means["text"] * keep) @ encoder.weight.T)


def with_presence(text: list[bool], audio: list[bool]) -> Batch:
    present = {"text": torch.tensor(text), "audio": torch.tensor(audio), "vision": torch.ones(5, dtype=torch.bool)}
    return dataclasses.replace(BATCH, present=present, complete=False)


def started(encoders: Encoders, batch: Batch) -> torch.Tensor:
    """Local tokens and the global one [P, D, B, W]."""
    local, present = encoders(batch, None)
    return encoders.start(local, present, complete=batch.complete)


def test_the_global_token_starts_at_the_mean_of_the_present_ones() -> None:
    encoders = Encoders(cohort_of(genome())).double()
    batch = with_presence([True, True, False, True, False], [True, True, True, False, False])
    text, audio, start = started(encoders, batch)[0]
    torch.testing.assert_close(start[:2], (text[:2] + audio[:2]) / 2)
    torch.testing.assert_close(start[2], audio[2])
    torch.testing.assert_close(start[3], text[3])
    assert not start[4].any()
    _, present = encoders(batch, None)
    assert present[0].tolist() == [batch.present["text"].tolist(), batch.present["audio"].tolist()]


def test_the_global_token_mixes_the_present_ones_by_learned_shares() -> None:
    encoders = Encoders(cohort_of(genome())).double()
    (weights,) = row_weights(encoders, 1)
    insert(encoders, [{**weights, "encoders.text.share": torch.tensor([3.0]).log()}])
    batch = with_presence([True, False, True, False, True], [True, True, False, False, True])
    text, audio, start = started(encoders, batch)[0]
    torch.testing.assert_close(start[[0, 4]], 0.75 * text[[0, 4]] + 0.25 * audio[[0, 4]], rtol=1e-6, atol=1e-6)
    torch.testing.assert_close(start[1:3], torch.stack([audio[1], text[2]]))
    assert not start[3].any()
    assert torch.isfinite(torch.autograd.grad(start.sum(), encoders.share)[0]).all()


def test_a_stand_in_takes_the_place_of_an_absent_modality() -> None:
    encoders = Encoders(cohort_of(genome())).double()
    tokens = started(encoders, with_presence([True, False, True, True, True], [True] * 5))
    (weights,) = row_weights(encoders, 1)
    torch.testing.assert_close(tokens[0, 0, 1], weights["encoders.text.stand_in"])
    assert weights["encoders.text.stand_in"].std() > 0.1


def test_what_an_absent_modality_holds_has_no_influence() -> None:
    encoders = Encoders(cohort_of(genome())).double()
    batch = with_presence([True, False, True, True, True], [True] * 5)
    other = {**batch.means, "text": batch.means["text"] + torch.tensor([0, 9.0, 0, 0, 0]).unsqueeze(1)}
    assert torch.equal(started(encoders, batch), started(encoders, dataclasses.replace(batch, means=other)))


def test_rows_that_do_not_use_a_modality_have_nothing_there() -> None:
    encoders, batch = Encoders(cohort_of(genome(), genome(modalities=["audio"]))), full_batch(dtype=torch.float32)
    assert not started(encoders, batch)[1, 0].any()
    assert encoders(batch, None)[1][:, :, 0].tolist() == [[True, True], [False, True]]


def test_modality_dropout_drops_at_its_rate_but_never_the_last_one() -> None:
    encoders = Encoders(cohort_of(genome(modality_dropout=0.5), genome())).double()
    batch = full_batch(count=4000)
    _, present = encoders(batch, noise_of(encoders, 4000, keys=[1, 2]))
    text, audio = present[0, 0], present[0, 1]
    assert bool((text | audio).all())
    # Both go with chance 1/4, and then both stay: each is seen with chance 1/2 + 1/4.
    assert float(text.double().mean()) == pytest.approx(0.75, abs=0.03)
    assert float((text & audio).double().mean()) == pytest.approx(0.5, abs=0.03)
    assert bool(present[1].all())


def test_initial_weights_come_from_the_seed_and_the_real_sizes() -> None:
    wide, narrow = genome(width=12), genome(width=4)
    together = row_weights(Encoders(Cohort([CohortRow(wide, 1), CohortRow(narrow, 2)], SCHEMA)), 2)[1]
    alone, other = (row_weights(Encoders(Cohort([CohortRow(narrow, seed)], SCHEMA)), 1)[0] for seed in (2, 3))
    assert all(torch.equal(together[name], alone[name]) for name in alone)
    assert not torch.equal(alone["encoders.text.weight"], other["encoders.text.weight"])
    assert float(alone["encoders.text.weight"].abs().max()) <= 7**-0.5
