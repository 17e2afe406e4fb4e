"""Which genes matter, found where it is known, and told with how well the genes explain the score."""

from __future__ import annotations

import json
import math
from pathlib import Path

import numpy as np
import pytest

from haemsa.cluster.report.importance import LEAST, importance
from haemsa.cluster.report.record import SearchRecord, gene_importance
from haemsa.cluster.run_directory.rows import RungOutcome
from haemsa.cluster.run_directory.run_directory import RunDirectory
from haemsa.evo import ExpertSpace
from haemsa.evo.candidate import Candidate, Score
from haemsa.model.spec.genome import Genome
from tests.support.cluster.haemsa_command import haemsa
from tests.support.cluster.made_run import made_run


def genomes(count: int) -> list[Genome]:
    space, rng = ExpertSpace(["text", "audio"]), np.random.default_rng(1)
    return [space.sample(rng) for _ in range(count)]


def error_of(genome: Genome) -> float:
    """Only the learning rate and the text matter."""
    text = "text" in genome.network.modalities
    return abs(math.log10(genome.training.learning_rate) + 3) - 0.8 * text


def test_the_genes_that_decide_the_score_come_first_and_the_forest_says_how_sure_it_is() -> None:
    every = genomes(120)
    found = importance(every, [error_of(genome) for genome in every], "mae")
    assert {gene.name for gene in found.genes[:2]} == {"reads text", "learning rate"}
    assert [gene.mean for gene in found.genes] == sorted((gene.mean for gene in found.genes), reverse=True)
    assert found.genes[1].mean > 10 * abs(found.genes[5].mean)
    assert found.r2 > 0.6 and found.rank_correlation > 0.7
    assert found.words().startswith(f"The genes explain {found.r2:.0%} of the variance of mae among 120 genomes")
    assert "do not rely" not in found.words()
    assert found == importance(every, [error_of(genome) for genome in every], "mae")


def test_genes_that_explain_nothing_are_said_to_be_so() -> None:
    noise = np.random.default_rng(2).normal(size=60).tolist()
    found = importance(genomes(60), noise, "mae")
    assert found.r2 < 0.1
    assert "do not rely on the order" in found.words()


def test_with_few_genomes_or_without_differences_nothing_is_said() -> None:
    with pytest.raises(ValueError, match=f"19 genomes have final scores, expected at least {LEAST}"):
        importance(genomes(19), [0.0] * 19, "mae")
    with pytest.raises(ValueError, match="all 24 genomes with final scores have the same scores"):
        importance(genomes(24), [0.5] * 24, "mae")
    with pytest.raises(ValueError, match="all 24 genomes with final scores have the same genes"):
        importance(genomes(1) * 24, list(map(float, range(24))), "mae")


def test_only_final_scores_count(tmp_path: Path) -> None:
    path = made_run(tmp_path / "run", 40, 8, failed=0)
    with RunDirectory.open(path) as run:
        state = {"evolution": {"ladder": [3, 1, [3, 1], [None, 1]]}}
        again = [Candidate(n, row.genome, row.parents, 1) for n, row in enumerate(run.journal.rows()) if n < 30]
        run.journal.asked(again)
        ended = [RungOutcome(n, {"mae": Score(float(n)), "params": Score(1.0)}, 9, rung=1) for n in range(30)]
        run.journal.record(ended, state)
        record = SearchRecord.read(run)
    assert [row.id for row in record.final] == list(range(30))
    found = gene_importance(path)
    assert (found.objective, found.genomes) == ("mae", 30)


def test_show_tells_which_genes_matter_if_it_is_asked(tmp_path: Path) -> None:
    path = made_run(tmp_path / "run")
    ran = haemsa("show", path, "--importance", "--json", tmp_path / "found.json")
    assert "Genes that matter for mae" in ran.out
    assert "of the variance of mae among 46 genomes" in ran.out
    found = json.loads((tmp_path / "found.json").read_text())["importance"]
    assert (found["objective"], found["genomes"]) == ("mae", 46)
    assert found["genes"][0]["name"] == "epochs"  # made scores fall with the number, and so with the epochs
    assert "importance" not in haemsa("show", path).out


def test_show_says_in_a_sentence_that_it_is_not_known(tmp_path: Path) -> None:
    path = made_run(tmp_path / "run", 12, 4)
    expected = f"{path}: 10 genomes have final scores, expected at least 20 to tell which genes matter"
    assert haemsa("show", path, "--importance").sentence == expected
