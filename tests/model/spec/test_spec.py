"""Genomes: legal values, JSON both ways, and keys."""

import dataclasses
import json
import subprocess
import sys
from typing import Any

import numpy as np
import pytest

from haemsa.model.spec.genome import Genome
from haemsa.model.spec.network import EncoderSpec, ExpertSpec, GateSpec, LevelSpec, NetworkSpec
from haemsa.model.spec.training import TrainingGenes
from tests.support.model.cohort_tools import genome, level
from tests.support.model.random_genomes import random_genome

TEXT, BOTH = ExpertSpec(("text",)), ExpertSpec(("text", "audio", "global"), "gated")


def test_any_genome_survives_json() -> None:
    rng = np.random.default_rng(0)
    for _ in range(50):
        made = random_genome(rng)
        again = Genome.from_json(made.to_json())
        assert again == made
        assert hash(again) == hash(made)
        assert again.key == made.key


def test_the_key_ignores_the_order_of_encoders_experts_and_what_they_see() -> None:
    one = Genome(NetworkSpec(4, (EncoderSpec("text"), EncoderSpec("audio")), (level(TEXT, BOTH),)))
    turned = dataclasses.replace(BOTH, sees=("global", "audio", "text"))
    other = Genome(NetworkSpec(4, (EncoderSpec("audio"), EncoderSpec("text")), (level(turned, TEXT),)))
    assert one.key == other.key
    assert len(one.key) == 16


def test_the_key_tells_everything_else_apart() -> None:
    base = genome(level(TEXT, BOTH), level(TEXT))
    others = [
        genome(level(TEXT), level(TEXT, BOTH)),
        genome(level(TEXT, BOTH, transfer=False), level(TEXT)),
        genome(level(TEXT, BOTH), level(TEXT), width=8),
        genome(level(TEXT, BOTH), level(TEXT), epochs=13),
        genome(level(TEXT, BOTH), level(TEXT), modalities=["audio", "text", "vision"]),
        genome(level(TEXT, BOTH), level(TEXT), loss="l1"),
        genome(level(TEXT, BOTH), level(TEXT), task_weights=(("any", 2.0),)),
    ]
    assert len({item.key for item in (base, *others)}) == 8


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: EncoderSpec("global"), "encoder modality is 'global', expected a name other than 'global'"),
        (lambda: EncoderSpec("text", "max"), "encoder kind is 'max', expected one of mean, attention, convolution"),
        (lambda: EncoderSpec("text", heads=True), "encoder heads is True, expected a whole number from 1 to 16"),
        (lambda: ExpertSpec(()), r"expert sees \(\), expected at least one token, each once"),
        (lambda: ExpertSpec(("text", "text")), "each once"),
        (lambda: ExpertSpec(("text",), width=0), "expert width is 0, expected 1 to 4096"),
        (
            lambda: ExpertSpec(("text", "audio"), "tensor", width=64),
            "a tensor expert has depth 1 and width 64 over 2 tokens, expected depth 1 and a width of at most "
            "4095 over 1, 63 over 2, 15 over 3",
        ),
        (lambda: ExpertSpec(("text",), "tensor", 2), "a tensor expert has depth 2 and width 32 over 1 tokens"),
        (lambda: ExpertSpec(("a", "b", "c", "d"), "tensor", 1, 1), "width 1 over 4 tokens, expected depth 1"),
        (lambda: GateSpec(temperature=float("nan")), "gate temperature is nan, expected a number from 0.05 to 20"),
        (lambda: LevelSpec(()), "a level has 0 experts, expected 1 to 64"),
        (lambda: NetworkSpec(4, ()), r"encoders read \(\), expected at least one modality, each once"),
        (
            lambda: NetworkSpec(5, (EncoderSpec("text", "attention", 2),)),
            "2 attention heads do not divide the token width 5",
        ),
        (lambda: NetworkSpec(4, (EncoderSpec("text"),), (level(BOTH),)), r"level 0: an expert sees \['audio'\]"),
        (lambda: TrainingGenes(dropout=0.99), "dropout is 0.99, expected 0 to 0.95"),
        (lambda: TrainingGenes(epochs=0), "epochs is 0, expected 1 to 10000"),
        (lambda: TrainingGenes(loss="l2"), "loss is 'l2', expected one of huber, l1"),
        (lambda: TrainingGenes(distillation=1.5), "distillation is 1.5, expected 0 to 1"),
        (lambda: TrainingGenes(class_balance=-1), "class_balance is -1, expected 0 to 1"),
        (lambda: TrainingGenes(task_weights=3), "task_weights is 3, expected pairs of a task's name and its weight"),
        (lambda: TrainingGenes(task_weights=(("a", 1.0, 2.0),)), "expected pairs of a task's name"),
        (lambda: TrainingGenes(task_weights=(("a", 0),)), "the weight of task 'a' is 0, expected 0.001 to 1000"),
        (
            lambda: TrainingGenes(task_weights=(("a", 1.0), ("a", 2.0))),
            "task_weights names a, a, expected each task once",
        ),
    ],
)
def test_an_impossible_value_is_named(make: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        make()


OLD: dict[str, Any] = {
    "epochs": 7, "learning_rate": 0.01, "weight_decay": 0.1, "clip": 2.0, "dropout": 0.3, "feature_dropout": 0.0,
    "modality_dropout": 0.2, "balance": 0.02,
}  # fmt: skip
"""The training genes of format 1 that are still there."""


def test_a_genome_of_format_1_is_read_and_means_what_it_meant() -> None:
    found = Genome.from_json(changed(format=1, training={**OLD, "z_loss": 0.003}))
    assert found == Genome(genome(level(TEXT)).network, TrainingGenes(**OLD))
    assert found.to_dict()["format"] == 3
    assert Genome.from_json(found.to_json()) == found


@pytest.mark.parametrize(("loss", "read"), [("huber", "huber"), ("l1", "l1"), ("ordinal", "huber")])
def test_a_genome_of_format_2_is_read_without_the_genes_that_went(loss: str, read: str) -> None:
    kept = {**OLD, "class_balance": 0.5, "distillation": 0.3, "task_weights": [["mood", 2.0]]}
    gone = {"label_noise": 0.1, "mixing": 0.2, "schedule": "cosine", "warmup": 0.1, "z_loss": 0.003}
    found = Genome.from_json(changed(format=2, training={**kept, **gone, "loss": loss}))
    assert found == Genome(genome(level(TEXT)).network, TrainingGenes(**kept, loss=read))
    assert Genome.from_json(found.to_json()) == found


def test_weights_of_tasks_are_sorted_and_those_not_named_are_one() -> None:
    genes = TrainingGenes(task_weights=[["b", 2], ["a", 0.5]])  # as JSON has them
    assert genes.task_weights == (("a", 0.5), ("b", 2.0))
    assert hash(genes) == hash(TrainingGenes(task_weights=(("a", 0.5), ("b", 2.0))))
    assert [genes.task_weight(task) for task in ("a", "b", "c")] == [0.5, 2.0, 1.0]


def changed(**fields: Any) -> str:
    return json.dumps({**genome(level(TEXT)).to_dict(), **fields})


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "a genome is not valid JSON"),
        ("[" * 100_000, "a genome is not valid JSON"),
        ("[]", "genome is list, expected an object with format, network, training"),
        (changed(format=4), "genome format is 4, this version reads 1, 2 and 3"),
        (changed(speed=1), r"genome has missing or unknown fields \['speed'\]"),
        (changed(training={"epochs": 3}), "TrainingGenes has missing or unknown fields"),
        (changed(format=1, training={"epochs": 3}), "TrainingGenes has missing or unknown fields"),
        (changed(format=2, training={**OLD, "mixing": 0.2}), "TrainingGenes has missing or unknown fields"),
        (changed(format=3, training={**OLD, "mixing": 0.2}), "TrainingGenes has missing or unknown fields"),
        (changed(format=1, training=5), "TrainingGenes is int, expected an object"),
        (changed(network={"width": 4, "encoders": 5, "levels": []}), "encoders is int, expected a list"),
        (changed(network={"width": "4", "encoders": [], "levels": []}), "token width is '4', expected a whole number"),
    ],
)
def test_what_is_no_genome_is_refused_in_one_sentence(text: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Genome.from_json(text)


def test_genomes_load_no_torch() -> None:
    code = "import sys, haemsa.model.spec; sys.exit('torch' in sys.modules or 'numpy' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
