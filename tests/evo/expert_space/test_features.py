import math

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from haemsa.evo import Bounds, ExpertSpace
from haemsa.evo.expert_space.features import GeneTable, gene_table, names_in
from haemsa.model.spec.genome import Genome
from haemsa.model.spec.network import GLOBAL, EncoderSpec, ExpertSpec, GateSpec, LevelSpec, NetworkSpec
from haemsa.model.spec.training import TrainingGenes

NAMES = ("text", "audio", "profile")
TASKS = ("mood", "topic")
WIDE_OPEN = Bounds(
    expert_kinds=("mlp", "gated", "low_rank", "cross_attention", "tensor"), losses=("huber", "l1"), max_levels=8
)
SPACES = [
    ExpertSpace(NAMES, steps={"profile": 1}, tasks=dict.fromkeys(TASKS, "classes")),
    ExpertSpace(NAMES, bounds=WIDE_OPEN),
]


def as_rows(table: GeneTable) -> list[dict[str, float]]:
    return [dict(zip(table.names, row.tolist(), strict=True)) for row in table.values]


@given(st.integers(0, 10_000), st.sampled_from(SPACES))
@settings(max_examples=60, deadline=None)
def test_every_genome_of_a_space_is_a_row_of_the_same_columns(seed: int, space: ExpertSpace) -> None:
    rng = np.random.default_rng(seed)
    genome = space.sample(rng)
    genomes = [genome, space.mutate(genome, rng), space.repair(genome)]
    table = gene_table(genomes, NAMES, TASKS)
    assert table.names == gene_table([], NAMES, TASKS).names
    assert len(set(table.names)) == len(table.names)
    assert table.values.shape == (3, len(table.genes))
    assert not np.isinf(table.values).any()
    for gene, column in zip(table.genes, table.values.T, strict=True):
        known = column[~np.isnan(column)]
        if gene.kind in ("count", "choice"):
            assert (known == known.round()).all()
        if gene.kind == "choice":
            assert ((known >= 0) & (known < len(gene.choices))).all()


def test_the_columns_are_these_in_this_order() -> None:
    assert gene_table([], ["text"], ["mood"]).names == (
        "token width", "modalities", "levels", "experts", "mlp experts", "gated experts", "low_rank experts",
        "cross_attention experts", "tensor experts", "expert depth", "expert width", "tokens per expert",
        "experts on the global token", "softmax gates", "top_k gates", "sigmoid gates", "gate k", "gate noise",
        "gate temperature", "levels with transfer",
        "reads text", "encoder of text", "heads of text", "kernel of text", "experts on text",
        "epochs", "learning rate", "weight decay", "gradient clip", "dropout", "feature dropout", "modality dropout",
        "balance of experts", "loss", "class balance", "distillation",
        "weight of mood",
    )  # fmt: skip


def test_a_row_says_what_the_genome_is() -> None:
    experts = (ExpertSpec(("text",), "gated", 2, 16), ExpertSpec(("text", "audio", GLOBAL), "low_rank", 1, 8))
    network = NetworkSpec(
        16,
        (EncoderSpec("text", "attention", heads=4), EncoderSpec("audio", "convolution", kernel=5)),
        (LevelSpec(experts, GateSpec("top_k", 1, noise=0.5)), LevelSpec(experts[:1], transfer=False)),
    )
    training = TrainingGenes(learning_rate=1e-3, loss="l1", task_weights=(("mood", 0.1),))
    (row,) = as_rows(gene_table([Genome(network, training)], NAMES, TASKS))
    assert (row["token width"], row["modalities"], row["levels"], row["experts"]) == (16, 2, 2, 3)
    assert (row["gated experts"], row["low_rank experts"], row["mlp experts"]) == (2, 1, 0)
    assert (row["expert depth"], row["expert width"], row["tokens per expert"]) == (5 / 3, 40 / 3, 5 / 3)
    assert (row["experts on the global token"], row["experts on text"], row["experts on audio"]) == (1, 3, 1)
    assert (row["top_k gates"], row["softmax gates"], row["gate k"], row["gate noise"]) == (1, 1, 1, 0.5)
    assert (row["gate temperature"], row["levels with transfer"]) == (0, 1)
    assert (row["reads text"], row["encoder of text"], row["heads of text"]) == (1, 1, 4)
    assert (row["encoder of audio"], row["kernel of audio"]) == (2, 5)
    assert math.isclose(row["learning rate"], -3)
    assert (row["loss"], row["weight of mood"], row["weight of topic"]) == (1, -1, 0)


def test_genes_without_a_meaning_are_not_numbers() -> None:
    linear = Genome(NetworkSpec(8, (EncoderSpec("text"),)), TrainingGenes(weight_decay=0.0))
    (row,) = as_rows(gene_table([linear], ["text", "audio"]))
    undefined = {name for name, value in row.items() if math.isnan(value)}
    assert undefined == {
        "expert depth", "expert width", "tokens per expert", "gate k", "gate noise", "gate temperature",
        "heads of text", "kernel of text", "encoder of audio", "heads of audio", "kernel of audio", "experts on audio",
        "modality dropout", "balance of experts", "distillation", "weight decay",
    }  # fmt: skip


def test_modalities_and_tasks_are_found_in_the_genomes() -> None:
    weighted = TrainingGenes(task_weights=(("topic", 2.0), ("mood", 0.5)))
    genomes = [
        Genome(NetworkSpec(8, (EncoderSpec("text"), EncoderSpec("audio"))), weighted),
        Genome(NetworkSpec(8, (EncoderSpec("face"),))),
    ]
    assert names_in(genomes) == (("audio", "face", "text"), ("mood", "topic"))
