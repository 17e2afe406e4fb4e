from collections.abc import Callable

import numpy as np
import pytest

from haemsa.evo import ExpertSpace, Individual, toolbox
from haemsa.evo.expert_space.legal import legal
from haemsa.evo.expert_space.operators import WEIGHTS
from haemsa.evo.expert_space.sampling import random_genome
from haemsa.evo.operators.confined import confined
from haemsa.model.spec.genome import Genome
from haemsa.model.spec.network import GLOBAL, EncoderSpec, ExpertSpec, LevelSpec, NetworkSpec
from haemsa.model.spec.training import TrainingGenes

SPACE = ExpertSpace(("text", "audio", "vision"))
DOMAIN, BOX = SPACE.domain, toolbox(SPACE)
LINEAR = legal(DOMAIN, Genome(NetworkSpec(16, (EncoderSpec("text"),))))
DEEP = legal(
    DOMAIN,
    Genome(
        NetworkSpec(
            32,
            (EncoderSpec("text", "attention"), EncoderSpec("audio", "convolution")),
            (
                LevelSpec((ExpertSpec(("text",)), ExpertSpec(("text", "audio")))),
                LevelSpec((ExpertSpec(("audio", GLOBAL)),)),
            ),
        )
    ),
)


def mutant(name: str, genome: Genome, rng: np.random.Generator) -> Genome:
    with confined(rng):
        (changed,) = getattr(BOX, name)(Individual(genome))
    found: Genome = changed.genome
    return found


def crossed(a: Genome, b: Genome, rng: np.random.Generator) -> tuple[Genome, Genome]:
    with confined(rng):
        first, second = BOX.mate(Individual(a), Individual(b))
    return first.genome, second.genome


def experts(genome: Genome) -> list[int]:
    return [len(level.experts) for level in genome.network.levels]


def outcomes(name: str, genome: Genome, measure: Callable[[Genome], object]) -> set[object]:
    """What the operator leads to over many draws."""
    found = set()
    for seed in range(60):
        value = measure(mutant(name, genome, np.random.default_rng(seed)))
        found.add(tuple(value) if isinstance(value, list) else value)
    return found


@pytest.mark.parametrize("name", WEIGHTS)
def test_every_mutation_gives_legal_genomes_from_any(name: str) -> None:
    rng = np.random.default_rng(0)
    for genome in [LINEAR, DEEP, *(random_genome(DOMAIN, rng) for _ in range(30))]:
        changed = mutant(name, genome, rng)
        assert legal(DOMAIN, changed) == changed


def test_a_modality_comes_or_goes() -> None:
    assert outcomes("add_modality", LINEAR, lambda g: g.network.modalities) == {("text", "audio"), ("text", "vision")}
    assert outcomes("remove_modality", DEEP, lambda g: g.network.modalities) == {("text",), ("audio",)}
    assert outcomes("remove_modality", LINEAR, lambda g: g.network.modalities) == {("text",)}


def test_experts_of_a_removed_modality_go_with_it() -> None:
    # without text, the expert of text alone is gone; without audio, only GLOBAL is left to the last one
    assert outcomes("remove_modality", DEEP, experts) == {(1, 1), (2, 1)}


def test_experts_and_levels_come_and_go_one_at_a_time() -> None:
    assert outcomes("add_expert", DEEP, experts) == {(3, 1), (2, 2)}
    assert outcomes("remove_expert", DEEP, experts) == {(1, 1), (2,)}
    assert outcomes("remove_level", DEEP, experts) == {(1,), (2,)}
    assert outcomes("add_level", DEEP, lambda g: len(g.network.levels)) == {3}
    assert outcomes("add_expert", LINEAR, lambda g: len(g.network.levels)) == {1}


def test_nothing_is_removed_or_altered_where_there_is_nothing() -> None:
    names = ["remove_level", "remove_expert", "alter_expert", "alter_sees", "alter_gate", "flip_transfer"]
    assert all(mutant(name, LINEAR, np.random.default_rng(0)) == LINEAR for name in names)


def test_an_expert_sees_one_token_more_or_less_and_always_one() -> None:
    rng = np.random.default_rng(0)
    for _ in range(60):
        changed = mutant("alter_sees", DEEP, rng)
        pairs = zip(
            (e for level in DEEP.network.levels for e in level.experts),
            (e for level in changed.network.levels for e in level.experts),
            strict=True,
        )
        changes = [set(before.sees) ^ set(after.sees) for before, after in pairs]
        assert sum(map(len, changes)) <= 1


def test_only_the_training_genes_of_a_training_mutation_change() -> None:
    for seed in range(30):
        found = mutant("alter_training", DEEP, np.random.default_rng(seed))
        assert found.network == DEEP.network
        changed = [name for name, value in vars(found.training).items() if value != getattr(DEEP.training, name)]
        assert len(changed) <= 2


def test_children_share_out_what_their_parents_have() -> None:
    a = legal(DOMAIN, Genome(NetworkSpec(8, (EncoderSpec("text"),)), TrainingGenes(epochs=6, dropout=0.5)))
    b = legal(DOMAIN, Genome(NetworkSpec(48, (EncoderSpec("audio"),)), TrainingGenes(epochs=24, dropout=0.1)))
    for seed in range(20):
        children = crossed(a, b, np.random.default_rng(seed))
        assert sorted(child.network.width for child in children) == [8, 48]
        assert sorted(child.training.epochs for child in children) == [6, 24]
        assert sorted(child.training.dropout for child in children) == [0.1, 0.5]
        assert {name for child in children for name in child.network.modalities} == {"text", "audio"}


def test_crossover_mixes_levels_expert_by_expert() -> None:
    def of(width: int) -> Genome:
        level = LevelSpec(tuple(ExpertSpec(("text",), width=width) for _ in range(3)))
        return legal(DOMAIN, Genome(NetworkSpec(8, (EncoderSpec("text"),), (level,))))

    found = set()
    for seed in range(120):
        first, second = crossed(of(8), of(64), np.random.default_rng(seed))
        widths = [[e.width for e in child.network.levels[0].experts] for child in (first, second)]
        assert sorted([*widths[0], *widths[1]]) == [8, 8, 8, 64, 64, 64]
        found.add(tuple(widths[0]))
    assert {(8, 8, 8), (64, 64, 64), (8, 64, 8), (64, 8, 64)} <= found


def test_equal_parents_have_children_like_themselves() -> None:
    assert crossed(DEEP, DEEP, np.random.default_rng(0)) == (DEEP, DEEP)
