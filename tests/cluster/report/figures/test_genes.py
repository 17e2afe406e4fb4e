"""Which genes win."""

from __future__ import annotations

import numpy as np

from haemsa.cluster.report.figures.genes import choice_shares, part_shares, quartiles
from haemsa.model.spec.genome import Genome
from haemsa.model.spec.network import EncoderSpec, ExpertSpec, GateSpec, LevelSpec, NetworkSpec
from haemsa.model.spec.training import TrainingGenes

LINEAR = Genome(NetworkSpec(8, (EncoderSpec("text"),)), TrainingGenes(epochs=2))
TWO = LevelSpec((ExpertSpec(("text",), "gated"), ExpertSpec(("text",), "gated")), GateSpec("top_k"))
DEEP = Genome(
    NetworkSpec(8, (EncoderSpec("text"), EncoderSpec("audio", "attention")), (TWO, TWO)), TrainingGenes(epochs=6)
)


def test_a_share_counts_genomes_that_have_a_part_however_often() -> None:
    found = part_shares([[LINEAR, DEEP], [DEEP, DEEP]])
    plain = {gene: {value: shares.tolist() for value, shares in values.items()} for gene, values in found.items()}
    assert plain == {
        "modality": {"audio": [0.5, 1], "text": [1, 1]},
        "encoder": {"attention": [0.5, 1], "mean": [1, 1]},
        "expert": {"gated": [0.5, 1]},
        "gate": {"top_k": [0.5, 1]},
        "number of levels": {"0": [0.5, 0], "2": [0.5, 1]},
    }


def test_training_genes_have_quartiles_in_each_generation() -> None:
    found = quartiles([[LINEAR, DEEP, DEEP], [DEEP]])
    np.testing.assert_allclose(found["epochs"], [[4, 6], [6, 6], [6, 6]])


def test_genes_in_which_no_two_genomes_differ_are_left_out() -> None:
    assert list(quartiles([[LINEAR], [DEEP]])) == ["epochs"]
    assert choice_shares([[LINEAR], [DEEP]]) == {}


def test_choices_and_weights_of_tasks_are_told_too() -> None:
    other = Genome(LINEAR.network, TrainingGenes(epochs=2, loss="l1", task_weights=(("mood", 0.5),)))
    populations = [[LINEAR, other], [other, other]]
    shares = {value: found.tolist() for value, found in choice_shares(populations)["loss"].items()}
    assert shares == {"huber": [0.5, 0], "l1": [0.5, 1]}
    np.testing.assert_allclose(quartiles(populations)["weight of mood"][1], [0.75, 0.5])
