"""Training genes under the operators: legal, reachable, and at their defaults as often as not."""

from dataclasses import replace
from typing import get_args

import numpy as np
from deap import base, tools
from hypothesis import given, settings
from hypothesis import strategies as st

from haemsa.evo import Bounds, ExpertSpace, toolbox
from haemsa.evo.expert_space.bounds import NAMES, OPTIONAL, TRAINING
from haemsa.evo.expert_space.domain import Domain
from haemsa.evo.expert_space.legal import legal
from haemsa.evo.expert_space.training_genes import GENES, crossed, nudged, random_training
from haemsa.evo.operators.confined import confined
from haemsa.model.spec.genome import Genome
from haemsa.model.spec.network import EncoderSpec, NetworkSpec
from haemsa.model.spec.training import LossKind, TrainingGenes

MODALITIES = ("text", "audio")
TASKS = {
    "any": {},
    "one": {"sentiment": "regression"},
    "classes": {"emotion": "classes", "traits": "multilabel"},
    "both": {"sentiment": "regression", "emotion": "classes"},
}
BOTH, ONE = NetworkSpec(8, (EncoderSpec("text"), EncoderSpec("audio"))), NetworkSpec(8, (EncoderSpec("text"),))
ALL_ON = TrainingGenes(
    loss="l1",
    class_balance=0.5,
    distillation=0.3,
    task_weights=(("emotion", 0.5), ("other", 2.0), ("sentiment", 1.0)),
)
OPEN = {"losses": get_args(LossKind)}
"""Bounds of what is shut by default."""


def domain(tasks: str = "both", **bounds: object) -> Domain:
    return Domain(MODALITIES, Bounds(**{**OPEN, **bounds}), tasks=TASKS[tasks])


BOX = toolbox(ExpertSpace(MODALITIES))


def nudge(
    where: Domain, training: TrainingGenes, network: NetworkSpec, rng: np.random.Generator, box: base.Toolbox = BOX
) -> TrainingGenes:
    with confined(rng):
        return nudged(box, where, training, network)


def cross(
    a: TrainingGenes, b: TrainingGenes, rng: np.random.Generator, box: base.Toolbox = BOX
) -> tuple[TrainingGenes, TrainingGenes]:
    with confined(rng):
        return crossed(box, domain(), a, b)


def settled(network: NetworkSpec, tasks: str = "both", **bounds: object) -> TrainingGenes:
    """All genes on, made legal."""
    return legal(domain(tasks, **bounds), Genome(network, ALL_ON)).training


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 2**32), tasks=st.sampled_from(list(TASKS)))
def test_samples_mutants_and_children_are_legal_and_travel(seed: int, tasks: str) -> None:
    bounds = Bounds(**OPEN) if seed % 2 else Bounds()
    space, rng = ExpertSpace(MODALITIES, bounds=bounds, tasks=TASKS[tasks]), np.random.default_rng(seed)
    a, b = space.sample(rng), space.sample(rng)
    for _ in range(4):
        a, b = space.crossover(space.mutate(a, rng), b, rng)
        for genome in (a, b):
            check(genome.training, space.domain)
            assert space.repair(genome) == genome
            again = Genome.from_json(genome.to_json())
            assert (again, again.key) == (genome, genome.key)


def check(training: TrainingGenes, where: Domain) -> None:
    bounds = where.bounds
    for name in TRAINING:
        low, high = getattr(bounds, name)
        assert low <= getattr(training, name) <= high
    assert training.loss in bounds.losses
    assert {task for task, _ in training.task_weights} <= set(where.weighted)
    assert all(0.1 <= weight <= 3 and weight != 1 for _, weight in training.task_weights)


def test_a_random_genome_has_each_gene_at_its_default_about_half_of_the_time() -> None:
    rng, usual = np.random.default_rng(0), TrainingGenes()
    drawn = [random_training(domain(), rng) for _ in range(400)]
    shares = {gene: np.mean([getattr(item, gene) == getattr(usual, gene) for item in drawn]) for gene in GENES}
    assert all(0.4 < shares[gene] < 0.6 for gene in (*TRAINING, "task_weights"))
    assert all(0.5 < shares[gene] < 0.85 for gene in ("epochs", "loss"))  # few choices: often drawn as well
    assert {item.loss for item in drawn} == {"huber", "l1"}


def test_the_default_of_a_gene_is_the_nearest_that_the_bounds_allow() -> None:
    where = Domain(("text",), Bounds(epochs=(2, 10, 40), dropout=(0.3, 0.5), losses=("l1",)))
    assert (where.default("epochs"), where.default("dropout"), where.default("loss")) == (10, 0.3, "l1")


def test_a_space_may_have_defaults_of_its_own_which_genes_without_effect_do_not_take() -> None:
    where = Domain(("text", "audio"), default_training_genes=TrainingGenes(distillation=0.3, epochs=7))
    assert (where.default("distillation"), where.default("epochs"), where.default("dropout")) == (0.3, 6, 0.3)
    rng = np.random.default_rng(0)
    drawn = [random_training(where, rng).distillation for _ in range(400)]
    assert 0.4 < np.mean([value == 0.3 for value in drawn]) < 0.6
    assert legal(where, Genome(ONE, where.default_training_genes)).training == TrainingGenes(epochs=6)


def test_nudging_leaves_every_default_and_comes_back() -> None:
    rng, usual, training = np.random.default_rng(0), TrainingGenes(), TrainingGenes()
    left, returned = set(), set()
    for _ in range(3000):
        before, training = training, nudge(domain(), training, BOTH, rng)
        changed = [gene for gene in GENES if getattr(before, gene) != getattr(training, gene)]
        assert len(changed) <= 2
        left |= {gene for gene in changed if getattr(before, gene) == getattr(usual, gene)}
        returned |= {gene for gene in changed if getattr(training, gene) == getattr(usual, gene)}
    off = {*OPTIONAL, "loss"}
    assert left >= {*off, "task_weights"}
    assert returned >= off


def test_of_the_weights_of_tasks_one_is_nudged() -> None:
    found = set()
    for seed in range(200):
        before = TrainingGenes(task_weights=(("emotion", 0.5), ("sentiment", 2.0)))
        after = nudge(domain(), before, BOTH, np.random.default_rng(seed))
        found.add(tuple(after.task_weight(task) != before.task_weight(task) for task in ("emotion", "sentiment")))
    assert found == {(False, False), (True, False), (False, True)}


def test_genes_without_effect_are_not_nudged() -> None:
    for seed in range(60):
        found = nudge(domain("one"), TrainingGenes(), ONE, np.random.default_rng(seed))
        assert (found.class_balance, found.distillation, found.modality_dropout, found.task_weights) == (0, 0, 0, ())


def test_children_share_out_every_gene() -> None:
    usual = TrainingGenes(epochs=6, learning_rate=1e-3, weight_decay=0.2, clip=2.0, dropout=0.5, balance=0.03)
    other = replace(ALL_ON, feature_dropout=0.5, modality_dropout=0.3)
    firsts = []
    for seed in range(40):
        first, second = cross(usual, other, np.random.default_rng(seed))
        for gene in GENES:
            pair = {getattr(first, gene), getattr(second, gene)}
            assert pair == {getattr(usual, gene), getattr(other, gene)}
        firsts.append(first)
    assert all(
        {getattr(item, gene) for item in firsts} == {getattr(usual, gene), getattr(other, gene)} for gene in GENES
    )


def test_genes_without_effect_have_one_value() -> None:
    assert settled(BOTH) == replace(settled(BOTH), class_balance=0.5, distillation=0.3, loss="l1")
    assert settled(ONE).distillation == 0
    assert settled(BOTH, "one").class_balance == 0
    assert settled(BOTH, "one").loss == "l1"
    assert settled(BOTH, "classes").loss == "huber"
    assert settled(BOTH, "classes").class_balance == 0.5
    assert (settled(BOTH, "any").loss, settled(BOTH, "any").class_balance) == ("l1", 0.5)


def test_only_tasks_of_the_data_have_weights_where_there_are_several_and_none_of_one() -> None:
    assert settled(BOTH).task_weights == (("emotion", 0.5),)
    assert settled(BOTH, "one").task_weights == settled(BOTH, "any").task_weights == ()


def test_genes_are_brought_within_their_bounds() -> None:
    found = settled(BOTH, losses=("huber",), distillation=(0.4, 0.5), task_weight=(0.6, 3.0))
    assert (found.loss, found.distillation) == ("huber", 0.4)
    assert found.task_weights == (("emotion", 0.6),)
    assert legal(domain(losses=("l1",)), Genome(BOTH, TrainingGenes())).training.loss == "l1"


def test_what_never_won_is_shut_by_default_and_neither_drawn_nor_nudged() -> None:
    shut = {name: set(get_args(kinds)) - set(getattr(Bounds(), name)) for name, kinds in NAMES.items()}
    assert shut == {"expert_kinds": {"tensor"}, "losses": {"l1"}}
    where, rng, usual = Domain(MODALITIES, tasks=TASKS["both"]), np.random.default_rng(0), TrainingGenes()
    training = random_training(where, rng)
    for _ in range(200):
        assert training.loss == usual.loss
        training = nudge(where, training, BOTH, rng)


def test_deaps_operators_for_real_numbers_take_the_place_of_ours() -> None:
    box, rng, where = toolbox(ExpertSpace(MODALITIES)), np.random.default_rng(0), domain()
    box.register("mate_numbers", tools.cxSimulatedBinaryBounded, eta=15.0, low=0.0, up=1.0)
    box.register("mutate_numbers", tools.mutPolynomialBounded, eta=20.0, low=0.0, up=1.0, indpb=1.0)
    a, b = random_training(where, rng), random_training(where, rng)
    between = set()
    for _ in range(20):
        a, b = (nudge(where, child, BOTH, rng, box) for child in cross(a, b, rng, box))
        check(a, where)
        check(b, where)
        between |= {a.clip, b.clip}
    assert len(between) > 10


def test_a_nudge_of_a_real_gene_is_a_fifth_of_its_range_on_average() -> None:
    usual, rng, places = TrainingGenes(dropout=0.3), np.random.default_rng(0), []
    for _ in range(2000):
        found = nudge(domain(), usual, BOTH, rng)
        if found.dropout != usual.dropout:
            places.append((found.dropout - 0.3) / 0.6)
    assert len(places) > 150
    assert 0.17 < np.std(places) < 0.23
