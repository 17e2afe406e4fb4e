"""What `haemsa show` prints."""

from __future__ import annotations

import io
from dataclasses import asdict, replace
from pathlib import Path

import pytest
from rich.console import Console

from haemsa.cluster.config import SearchConfig
from haemsa.cluster.report import generations as generations_module
from haemsa.cluster.report.generations import breeding_line
from haemsa.cluster.report.show import ensemble_line, show, show_values
from haemsa.cluster.report.tables import searched_words
from haemsa.cluster.run_directory.plain_models import PlainModels
from haemsa.cluster.run_directory.ranking import best_genome, front_of
from haemsa.cluster.run_directory.rows import RungOutcome
from haemsa.cluster.run_directory.run_directory import RunDirectory
from haemsa.cluster.shared.genome_tree import genome_tree
from haemsa.evo.candidate import Failure, Score
from haemsa.model.spec.genome import Genome
from haemsa.model.spec.network import EncoderSpec, ExpertSpec, LevelSpec, NetworkSpec
from haemsa.model.spec.training import TrainingGenes
from tests.support.cluster.search_fakes import OBJECTIVES, candidates, genome

SCORES = [(0.9, 100.0), (0.8, 50_000.0), (0.95, 200.0), (0.7, 60_000.0)]


@pytest.fixture
def run_path(tmp_path: Path) -> Path:
    path = tmp_path / "mosi"
    config = SearchConfig.of({"data": "planted"})
    with RunDirectory.create(path, config, {"objectives": OBJECTIVES}) as run:
        run.journal.asked(candidates(6))
        ended = [
            RungOutcome(i, {"mae": Score(a, 0.02, 5), "params": Score(b)}, i // 2, 30)
            for i, (a, b) in enumerate(SCORES)
        ]
        run.journal.record([*ended, RungOutcome(4, Failure("nan", "the loss is not finite"), 1, 5)])
    return path


def printed(path: Path) -> str:
    out = io.StringIO()
    show(path, Console(file=out, width=140))
    return out.getvalue()


def test_a_running_search_is_shown_with_what_is_pending(run_path: Path) -> None:
    text = printed(run_path)
    assert "planted: 5 evaluations, 1 failed, 1 pending: the search has not ended" in text
    assert "best so far, not confirmed: candidate 3, mae 0.7 ± 0.02, params 60.0k" in text
    assert "Front: 3 candidates" in text


def test_candidates_that_climb_are_told(run_path: Path) -> None:
    with RunDirectory.open(run_path) as run:
        run.journal.record([RungOutcome(5, Failure("nan", "the loss is not finite"), 1)])
        run.journal.asked([replace(candidates(6)[3], rung=1)])
    assert "6 evaluations, 2 failed, 1 candidate climbs to a higher rung: the search has not ended" in printed(run_path)
    assert (show_values(run_path)["pending"], show_values(run_path)["climbing"]) == (0, 1)


def test_an_ended_search_shows_its_summary_and_its_own_best(run_path: Path) -> None:
    with RunDirectory.open(run_path) as run:
        run.write_summary({"wall_seconds": 65, "worker_busy_fraction": 0.97, "hypervolume": 1.25, "best": {"id": 1}})
        assert best_genome(run) == genome(1)
    text = printed(run_path)
    assert "in 1m 05s, workers busy 97%\n" in text
    assert "best, not confirmed: candidate 1" in text
    with RunDirectory.open(run_path) as run:
        run.write_summary({"ended_by": "interrupted", "best": {"id": 1}})
    assert "best so far, not confirmed: candidate 1" in printed(run_path)
    with RunDirectory.open(run_path) as run:
        run.journal.confirm({1: {"mae": Score(0.8), "params": Score(50_000.0)}})
    assert "best: candidate 1" in printed(run_path)


def test_a_search_that_hardly_bred_says_so_and_what_to_do(run_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with RunDirectory.open(run_path) as run:
        run.write_summary({"wall_seconds": 65, "hypervolume": 0.25, "best": {"id": 1}})
        rows = list(run.journal.rows())
    drawn = [replace(row, parents=()) for row in rows]
    assert breeding_line(drawn) == [
        "Only 0 of 5 genomes are children of others, so this was mostly random search: resume it with more "
        "--evaluations, or search with a smaller --population."
    ]
    one = [replace(row, parents=(0,) if row.id == 3 else ()) for row in rows]
    assert breeding_line(one)[0].startswith("Only 1 of 5 genomes is a child of others")
    assert breeding_line(one[:4]) == []  # a quarter
    monkeypatch.setattr(generations_module, "FEW_CHILDREN", 1.1)
    assert " ".join(printed(run_path).split()).endswith("or search with a smaller --population.")


def test_a_plain_model_that_is_better_than_the_best_is_told(run_path: Path) -> None:
    plain = PlainModels("mae", "min", 0.7, {"a linear model": 0.65, "a constant": 1.2})
    with RunDirectory.open(run_path) as run:
        run.write_summary({"best": {"id": 3}, "plain": asdict(plain)})
    text = " ".join(printed(run_path).split())
    assert "A linear model is better than the best network: its mae is 0.65, that of the best network 0.7, on" in text
    assert show_values(run_path)["plain"]["scores"] == {"a linear model": 0.65, "a constant": 1.2}
    with RunDirectory.open(run_path) as run:
        run.write_summary({"best": {"id": 3}, "plain": asdict(replace(plain, own=0.6))})
    assert "is better than" not in printed(run_path)


def test_a_candidate_that_is_no_better_than_a_constant_has_a_star(tmp_path: Path) -> None:
    facts = {"objectives": OBJECTIVES, "constant": {"mae": 0.75}}
    with RunDirectory.create(tmp_path / "run", SearchConfig.of({"data": "planted"}), facts) as run:
        run.journal.asked(candidates(2))
        scores = [{"mae": Score(0.7), "params": Score(9.0)}, {"mae": Score(0.75), "params": Score(5.0)}]
        run.journal.record([RungOutcome(number, found, 1) for number, found in enumerate(scores)])
    text = printed(tmp_path / "run")
    assert "0.75 *" in text
    assert "0.7 *" not in text
    assert "*: no better than a constant (mae 0.75)." in text


def test_generations_show_the_best_so_far(run_path: Path) -> None:
    lines = [line for line in printed(run_path).splitlines() if "1m 0" in line]
    first, second = ([cell.strip() for cell in line.split("│")[1:-1]] for line in lines)
    assert first == ["0", "2", "0", "2", "0.8", "100", "1m 00s"]
    assert second == ["1", "3", "1", "2", "0.7", "100", "1m 05s"]


def test_the_front_is_what_nothing_dominates_best_first(run_path: Path) -> None:
    with RunDirectory.open(run_path, read_only=True) as run:
        done = [row for row in run.journal.rows() if row.status == "done"]
    assert [row.id for row in front_of(done, OBJECTIVES)] == [3, 1, 0]
    assert [row.id for row in front_of(done, {"mae": "max", "params": "max"})] == [2, 1, 3]


def test_a_search_without_scores_says_so(tmp_path: Path) -> None:
    with RunDirectory.create(tmp_path / "run", SearchConfig.of({"data": "planted"}), {}) as run:
        run.journal.asked(candidates(1))
        with pytest.raises(ValueError, match="has no candidate with scores yet"):
            best_genome(run)
    assert "No candidate has scores yet." in printed(tmp_path / "run")


def test_a_genome_is_drawn_from_inputs_to_training() -> None:
    out = io.StringIO()
    Console(file=out, width=140).print(genome_tree(genome(1)))
    lines = [line.lstrip("│├└─ ") for line in out.getvalue().splitlines()]
    assert lines[1] == "inputs: one token of width 16 per modality, and a global token"
    assert lines[2:4] == ["text: attention pooling, 2 queries", "audio: mean over time"]
    assert lines[4].startswith(
        "level 1: 3 experts, top-2 (temperature 1) gate, tokens hear experts of other modalities"
    )
    assert "MLP on text, 1 layer of width 9" in lines
    assert "low-rank fusion of text + audio, rank 16" in lines
    assert "training: 7 epochs, learning rate 0.002" in out.getvalue()


def test_kinds_of_experts_are_told_apart() -> None:
    experts = (ExpertSpec(("text",), "cross_attention", 2, 8), ExpertSpec(("text", "global"), "tensor", 1, 4))
    out = io.StringIO()
    Console(file=out, width=140).print(
        genome_tree(Genome(NetworkSpec(8, (EncoderSpec("text"),), (LevelSpec(experts),))))
    )
    assert "cross-attention MLP on text, 2 layers of width 8" in out.getvalue()
    assert "tensor fusion of text + global, 4 units each" in out.getvalue()


def test_genes_that_are_mostly_without_effect_are_drawn_where_they_have_one() -> None:
    genes = TrainingGenes(loss="l1", distillation=0.25, task_weights=(("emotion", 0.5),))
    out = io.StringIO()
    Console(file=out, width=400).print(genome_tree(Genome(NetworkSpec(8, (EncoderSpec("text"),)), genes)))
    assert "balance 0.01, loss l1, distillation 0.25, task emotion weighs 0.5" in out.getvalue()


def test_a_linear_model_is_drawn_as_one() -> None:
    out = io.StringIO()
    Console(file=out, width=140).print(genome_tree(Genome(NetworkSpec(8, (EncoderSpec("text", "convolution"),)))))
    assert "no levels: a linear model over the tokens" in out.getvalue()
    assert "text: convolution over 3 steps, pooled" in out.getvalue()


def test_a_confirmed_candidate_says_from_which_rung_its_score_in_the_search_is(run_path: Path) -> None:
    with RunDirectory.open(run_path) as run:
        run.journal.record(
            [RungOutcome(0, {"mae": Score(0.85), "params": Score(100.0)}, 1, rung=1)],
            {"evolution": {"ladder": [3, 1, [2, 1], [None, 1]]}},
        )
        run.journal.confirm({n: {"mae": Score(0.9 - n / 10), "params": Score(100.0 + n)} for n in (0, 1)})
        rows = {row.id: row for row in run.journal.rows()}
    assert searched_words(rows[0], "mae", 1) == "0.85"
    assert searched_words(rows[1], "mae", 1) == "0.8 (rung 1 of 2)"
    out = io.StringIO()
    show(run_path, Console(file=out, width=200))
    assert "0.8 (rung 1 of 2)" in out.getvalue()


def test_an_ensemble_of_one_network_is_not_called_one() -> None:
    said = ensemble_line({"members": [{"id": 26, "count": 1}], "scores": {}, "best_alone": {}}, "mae")
    assert said == "No ensemble is better than candidate 26 by itself."
