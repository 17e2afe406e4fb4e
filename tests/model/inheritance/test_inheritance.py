"""A child starts from its parent: what was added changes nothing before training, and everything can be inherited."""

from dataclasses import replace
from typing import get_args

import numpy as np
import pytest
import torch
from torch import Tensor

from haemsa.model.inheritance.inherit import Inherited, inherit
from haemsa.model.network import levels as hierarchy
from haemsa.model.network.cohort import CohortRow
from haemsa.model.network.weights import Weights, insert
from haemsa.model.spec.genome import Genome
from haemsa.model.spec.network import GLOBAL, EncoderKind, EncoderSpec, ExpertKind, ExpertSpec, GateKind, NetworkSpec
from haemsa.model.spec.training import TrainingGenes
from haemsa.model.training.fold_statistics import FoldStatistics
from haemsa.model.training.train import TrainedRow, TrainingSettings, train
from tests.support.model.cohort_tools import POOL, full_batch, level, network_of, outputs_of, row_weights, shake
from tests.support.model.growths import AUDIO, GROWTHS, TEXT, changed, parent_of, with_encoder, with_experts
from tests.support.model.random_genomes import random_genome, three_folds

BATCH = full_batch(20)


def initial(genome: Genome, seed: int, dtype: torch.dtype = torch.float64) -> Weights:
    return row_weights(network_of([CohortRow(genome, seed)], dtype), 1)[0]


def shaken(genome: Genome, seed: int = 0, dtype: torch.dtype = torch.float64) -> Weights:
    """Weights as after training: none is still at its start."""
    network = network_of([CohortRow(genome, seed)], dtype)
    shake(network)
    return row_weights(network, 1)[0]


def outputs(genome: Genome, weights: Weights, dtype: torch.dtype = torch.float64) -> dict[str, Tensor]:
    network = network_of([CohortRow(genome, 0)], dtype)
    insert(network, [weights])
    with torch.no_grad():
        return {task: values[0].double() for task, values in network(full_batch(20, dtype=dtype)).outputs.items()}


def largest_change(child: Genome, parent: Genome, dtype: torch.dtype = torch.float64) -> float:
    """How far the child's first predictions are from its parent's, at most."""
    weights = shaken(parent, dtype=dtype)
    found = outputs(child, inherit(child, parent, weights, initial(child, 7, dtype)), dtype)
    return max(float((found[task] - values).abs().max()) for task, values in outputs(parent, weights, dtype).items())


@pytest.mark.parametrize("gate", get_args(GateKind))
@pytest.mark.parametrize("growth", GROWTHS)
def test_what_grows_predicts_as_before(growth: str, gate: GateKind) -> None:
    parent = parent_of(gate)
    assert largest_change(changed(parent, GROWTHS[growth]), parent) < 1e-6


@pytest.mark.parametrize("gate", get_args(GateKind))
@pytest.mark.parametrize("kind", get_args(ExpertKind))
@pytest.mark.parametrize("place", [0, 1, 3])
def test_an_expert_of_any_kind_may_come_anywhere(kind: ExpertKind, gate: GateKind, place: int) -> None:
    new = ExpertSpec(("audio", "text"), kind, 1 if kind == "tensor" else 3, 6)
    parent = parent_of(gate)
    child = changed(parent, with_experts(lambda experts: (*experts[:place], new, *experts[place:])))
    assert largest_change(child, parent) < 1e-6


@pytest.mark.parametrize("transfer", [True, False])
def test_an_expert_may_come_where_tokens_hear_only_their_own(transfer: bool) -> None:
    own = level(TEXT, ExpertSpec((GLOBAL,)), transfer=transfer)
    parent = Genome(NetworkSpec(4, (EncoderSpec("text"), EncoderSpec("audio")), (own,)))
    child = changed(parent, with_experts(lambda experts: (*experts, ExpertSpec(("audio",)), TEXT)))
    assert largest_change(child, parent) < 1e-6


@pytest.mark.parametrize("kind", get_args(EncoderKind))
def test_wider_tokens_predict_as_before_but_for_the_norms_epsilon(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    encoders = (EncoderSpec("text", kind), EncoderSpec("audio", kind))
    parent = changed(parent_of(), lambda network: replace(network, encoders=encoders))
    child = changed(parent, lambda network: replace(network, width=9))
    assert largest_change(child, parent) < 3e-5

    def exact(tokens: Tensor, width: Tensor) -> Tensor:
        return tokens * torch.rsqrt(tokens.square().sum(-1, keepdim=True) / width)

    monkeypatch.setattr(hierarchy, "normalise", exact)
    assert largest_change(child, parent) < 1e-12


def test_attention_may_take_the_place_of_a_mean() -> None:
    parent = changed(parent_of(), with_encoder(EncoderSpec("text", "mean")))
    child = changed(parent, with_encoder(EncoderSpec("text", "attention", heads=2)))
    assert largest_change(child, parent) < 1e-6


@pytest.mark.parametrize("growth", GROWTHS)
def test_what_grows_predicts_as_before_in_single_precision(growth: str) -> None:
    parent = parent_of()
    assert largest_change(changed(parent, GROWTHS[growth]), parent, torch.float32) < 1e-5


def test_an_expert_in_anothers_place_says_nothing_and_takes_over_its_gate() -> None:
    parent = parent_of()
    child = changed(parent, with_experts(lambda experts: (experts[0], replace(AUDIO, kind="mlp"), *experts[2:])))
    weights = shaken(parent)
    found = inherit(child, parent, weights, initial(child, 7))
    silent = {**weights, **{name: 0 * weights[name] for name in weights if name.startswith("levels.0.experts.1.out")}}
    expected = outputs(parent, silent)
    for task, values in outputs(child, found).items():
        torch.testing.assert_close(values, expected[task])


def test_twins_differ_from_each_other() -> None:
    parent = parent_of()
    child = changed(parent, GROWTHS["a twin"])
    found = inherit(child, parent, shaken(parent), initial(child, 7))
    first, second = found["levels.0.experts.0.out"], found["levels.0.experts.2.out"]
    assert not torch.allclose(first, second, atol=1e-3)
    torch.testing.assert_close((first + second) / 2, shaken(parent)["levels.0.experts.1.out"])


@pytest.mark.parametrize("growth", GROWTHS)
def test_what_starts_at_zero_can_learn(growth: str) -> None:
    parent = parent_of("sigmoid")  # no gate is shut
    child = changed(parent, GROWTHS[growth])
    network = network_of([CohortRow(child, 7)])
    insert(network, [inherit(child, parent, shaken(parent), initial(child, 7))])
    sum(values.square().sum() for values in network(BATCH).outputs.values()).backward()
    for stack in network.stacks():
        for slot in stack.slots:
            if ".experts." in slot.name and "bias" not in slot.name and not bool(stack.parameter[slot.place].any()):
                assert bool(stack.parameter.grad[slot.place].any()), slot.name


def test_a_genome_inherits_itself() -> None:
    rng = np.random.default_rng(1)
    for _ in range(30):
        genome = random_genome(rng)
        weights = shaken(genome)
        found = inherit(genome, genome, weights, initial(genome, 3))
        assert found.keys() == weights.keys()
        assert all(torch.equal(found[name], values) for name, values in weights.items())


@pytest.mark.slow
def test_any_genome_can_inherit_from_any_other() -> None:
    rng = np.random.default_rng(2)
    for _ in range(150):
        child, parent = random_genome(rng), random_genome(rng)
        fresh = initial(child, 3, torch.float32)
        before = {name: values.clone() for name, values in fresh.items()}
        found = inherit(child, parent, shaken(parent, dtype=torch.float32), fresh)
        assert {name: values.shape for name, values in found.items()} == {n: v.shape for n, v in fresh.items()}
        assert all(bool(torch.isfinite(values).all()) for values in found.values())
        assert all(torch.equal(fresh[name], values) for name, values in before.items())
        assert all(bool(torch.isfinite(values).all()) for values in outputs(child, found, torch.float32).values())


def test_all_weights_of_a_new_modality_are_fresh_but_its_shares() -> None:
    parent = parent_of()
    child = changed(parent, GROWTHS["a modality"])
    fresh = initial(child, 7)
    found = inherit(child, parent, shaken(parent), fresh)
    assert torch.equal(found["encoders.vision.weight"], fresh["encoders.vision.weight"])
    shut = [name for name, values in found.items() if "vision" in name and bool((values == -16).all())]
    assert sorted(shut) == [
        "encoders.vision.share",
        *(f"heads.{task}.gate_bias.vision" for task in ("emotion", "sentiment", "traits")),
    ]


@pytest.mark.parametrize("growth", ["a modality", "two twins and a new one"])
def test_what_is_new_may_begin_ajar(growth: str) -> None:
    parent = parent_of()
    child = changed(parent, GROWTHS[growth])
    weights, fresh = shaken(parent), initial(child, 7)
    found, shut = inherit(child, parent, weights, fresh, shut=-3.0), inherit(child, parent, weights, fresh)
    differ = {name for name, values in found.items() if not torch.equal(values, shut[name])}
    assert differ
    assert all(name.endswith((".share", ".bias")) or ".gate_bias." in name for name in differ)
    before, after = outputs(parent, weights), outputs(child, found)
    assert 1e-4 < max(float((after[task] - before[task]).abs().max()) for task in before) < 0.3


def test_a_child_with_none_of_its_parents_modalities_is_not_shut() -> None:
    parent = Genome(NetworkSpec(4, (EncoderSpec("text"),)))
    child = Genome(NetworkSpec(4, (EncoderSpec("audio"), EncoderSpec("vision"))))
    found = inherit(child, parent, shaken(parent), initial(child, 7))
    assert not found["encoders.audio.share"].any()
    assert not found["heads.sentiment.gate_bias.audio"].any()


def test_training_starts_from_what_was_inherited() -> None:
    still = TrainingGenes(epochs=1, learning_rate=1e-8, weight_decay=0.0, dropout=0.0, feature_dropout=0.0)
    parent, folds = parent_of(), three_folds(len(POOL))
    children = [changed(replace(parent, training=still), GROWTHS[name]) for name in ("a level after", "a twin")]
    rows = [CohortRow(child, 5 + fold, fold) for fold, child in enumerate(children)]
    (stranger,) = train([CohortRow(parent, 3)], POOL, folds)
    assert isinstance(stranger, TrainedRow)
    starts = [Inherited(parent, stranger.weights)] * 2
    other = CohortRow(replace(parent, training=replace(still, epochs=2)), 9)
    found = train([other, *rows], POOL, folds, TrainingSettings(dtype=torch.float64), starts=[None, *starts])
    statistics = FoldStatistics.fit(POOL, folds)
    for row, result in zip(rows, found[1:], strict=True):
        assert isinstance(result, TrainedRow)
        weights = inherit(row.genome, parent, stranger.weights, initial(row.genome, row.seed))
        (expected,) = outputs_of([row], [weights], POOL, statistics)
        for task, values in expected.items():
            np.testing.assert_allclose(result.outputs[task], values, atol=1e-4)
    (alone,) = train([other], POOL, folds, TrainingSettings(dtype=torch.float64))
    for name, values in alone.weights.items():
        torch.testing.assert_close(found[0].weights[name], values, rtol=1e-9, atol=1e-9)
