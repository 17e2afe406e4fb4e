"""The study of genes: whose, which pairs, and their effects by hand."""

from __future__ import annotations

from pathlib import Path

import pytest

from haemsa.cluster.config import SearchConfig
from haemsa.cluster.run_directory.rows import RungOutcome
from haemsa.cluster.run_directory.run_directory import RunDirectory
from haemsa.evo.candidate import Score
from haemsa.evo.expert_space.domain import Domain
from haemsa.model.spec.genome import Genome
from haemsa.model.spec.network import EncoderSpec, ExpertSpec, LevelSpec, NetworkSpec
from haemsa.model.spec.training import TrainingGenes
from tests.bench.scores.genes import Effect, around, best_genomes, effect, pairs, report
from tests.support.cluster.search_fakes import candidates

pytestmark = pytest.mark.slow

TEXT = Genome(NetworkSpec(8, (EncoderSpec("text"),)))
BOTH = Genome(
    NetworkSpec(8, (EncoderSpec("text"), EncoderSpec("audio")), (LevelSpec((ExpertSpec(("text",), "gated"),)),)),
    TrainingGenes(epochs=3, distillation=0.1),
)
TASKS = {"sentiment": "regression", "emotion": "classes"}


def test_the_best_genomes_are_those_trained_in_full(tmp_path: Path) -> None:
    asked = candidates(4)
    with RunDirectory.create(tmp_path / "run", SearchConfig.of({"data": "planted"}), {}) as run:
        run.journal.asked(asked)
        first = [RungOutcome(number, {"mae": Score(mae)}, 0) for number, mae in enumerate((0.9, 0.1, 0.8, 0.7))]
        run.journal.record(first)
        second = [RungOutcome(number, {"mae": Score(mae)}, 0, rung=1) for number, mae in ((0, 0.5), (2, 0.6), (3, 0.4))]
        run.journal.record(second, {"evolution": {"ladder": [[], 1]}})
    found = best_genomes(tmp_path / "run", "mae", 2)
    assert [genome.key for genome in found] == [asked[3].genome.key, asked[0].genome.key]
    with pytest.raises(ValueError, match="has no candidate that was trained in full and scored by corr"):
        best_genomes(tmp_path / "run", "corr", 2)


def test_a_pair_differs_in_the_gene_in_question_alone() -> None:
    found = pairs(BOTH, Domain(("text", "audio"), tasks=TASKS))
    before, after = found["distillation 0.3"]
    assert (before.training, after.training) == (TrainingGenes(epochs=3), TrainingGenes(epochs=3, distillation=0.3))
    before, after = found["loss l1"]
    assert before == BOTH
    assert after.training == TrainingGenes(epochs=3, distillation=0.1, loss="l1")
    assert found["emotion weighs 0.3"][1].training.task_weights == (("emotion", 0.3),)
    assert "experts gated" not in found
    before, after = found["experts mlp"]
    assert before == BOTH and after.network.levels[0].experts[0].kind == "mlp"


def test_around_a_plain_genome_one_gene_changes_at_a_time() -> None:
    found = around(BOTH, Domain(("text", "audio"), tasks=TASKS))
    assert {before for before, _ in found.values()} == {BOTH}
    assert found["dropout 0.5"][1].training == TrainingGenes(epochs=3, distillation=0.1, dropout=0.5)
    assert found["modality_dropout 0.2"][1].training == TrainingGenes(epochs=3, distillation=0.1, modality_dropout=0.2)
    assert "modality_dropout 0.2" not in around(TEXT, Domain(("text", "audio")))


def test_genes_without_effect_are_left_out() -> None:
    names = set(pairs(TEXT, Domain(("text", "audio"), tasks={"sentiment": "regression"})))
    assert "loss l1" in names
    assert not {name for name in names if name.startswith(("class balance", "distillation", "experts"))}
    assert not {name for name in names if "weighs" in name}


def test_effects_by_hand() -> None:
    other, third = (Genome(TEXT.network, TrainingGenes(epochs=epochs)) for epochs in (5, 6))
    scores = {
        (TEXT.key, 0): {"mae": 1.0}, (TEXT.key, 1): {"mae": 2.0},  # mean 1.5
        (other.key, 0): {"mae": 1.2}, (other.key, 1): {"mae": 1.4},  # mean 1.3
        (third.key, 0): {"mae": 1.6}, (third.key, 1): {},  # one diverged
    }  # fmt: skip
    of = [(TEXT, other), (TEXT, TEXT), (TEXT, third)]
    assert effect(of, scores, 2, "mae") == Effect(pytest.approx(-0.1), pytest.approx(0.1), 1, 2)
    lone = effect(of, scores, 1, "mae")  # differences of .2, 0 and .6
    assert (lone.mean, lone.wins, lone.count) == (pytest.approx(0.8 / 3), 0, 3)


def test_what_is_better_beyond_two_errors_is_marked(capsys: pytest.CaptureFixture[str]) -> None:
    report({"good": Effect(-0.3, 0.1, 9, 9), "unclear": Effect(-0.1, 0.1, 5, 9), "bad": Effect(0.3, 0.1, 0, 9)}, "mae")
    marks = [line.split()[3] if len(line.split()) == 7 else " " for line in capsys.readouterr().out.splitlines()[2:]]
    assert marks == ["*", " ", "-"]
