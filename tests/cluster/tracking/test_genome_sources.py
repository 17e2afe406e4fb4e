"""Genomes are read from wherever they are kept, the best first and each once."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from haemsa.cluster.config import SearchConfig
from haemsa.cluster.run_directory.rows import RungOutcome
from haemsa.cluster.run_directory.run_directory import RunDirectory
from haemsa.cluster.shared.files import write_json
from haemsa.cluster.tracking.genome_sources import genomes_at
from haemsa.evo.candidate import Candidate, Score
from haemsa.model.spec.genome import Genome
from haemsa.model.spec.network import EncoderSpec, NetworkSpec
from tests.support.cluster.made_run import made_run
from tests.support.cluster.search_fakes import genome
from tests.support.model.made_predictors import made_predictor

SMALL, LARGE = (Genome(NetworkSpec(width, (EncoderSpec("text"),))) for width in (8, 16))


def test_a_file_holds_one_genome(tmp_path: Path) -> None:
    (tmp_path / "genome.json").write_text(SMALL.to_json())
    assert genomes_at(str(tmp_path / "genome.json")) == [SMALL]


def test_a_run_directory_gives_its_front_the_confirmed_ones_first(tmp_path: Path) -> None:
    path = made_run(tmp_path / "run", 12, 4)
    searched = genomes_at(str(path))
    assert len(searched) >= 2
    with RunDirectory.open(path) as run:
        run.journal.confirm(
            {
                0: {"mae": Score(0.9), "params": Score(100.0)},
                5: {"mae": Score(0.1), "params": Score(200.0)},
                6: {"mae": Score(0.2), "params": Score(300.0)},  # dominated
            }
        )
    found = genomes_at(str(path))
    assert found[:2] == [genome(5), genome(0)]
    assert found[2:] == [item for item in searched if item not in found[:2]]


def test_a_saved_model_gives_the_genome_of_each_network_once(tmp_path: Path) -> None:
    made_predictor([SMALL, LARGE, SMALL]).save(tmp_path / "model")
    found = genomes_at(str(tmp_path / "model"))
    assert sorted(item.network.width for item in found) == [8, 16]


def test_what_a_search_sent_to_mlflow_gives_its_front(tmp_path: Path) -> None:
    (tmp_path / "best_genome.json").write_text(SMALL.to_json())
    assert genomes_at(str(tmp_path)) == [SMALL]
    (tmp_path / "front.csv").write_text("id,genome\n")
    assert genomes_at(str(tmp_path)) == [SMALL]  # no front yet
    write_json(tmp_path / "summary.json", {"front": [{"genome": item.to_dict()} for item in (LARGE, SMALL)]})
    assert genomes_at(str(tmp_path)) == [LARGE, SMALL]


def test_the_front_of_a_search_that_runs_is_in_a_table(tmp_path: Path) -> None:
    with RunDirectory.open(made_run(tmp_path / "run", 6, 4), read_only=True) as run:
        rows = [row for row in run.journal.rows() if row.scores][:2]
    text = "".join(f'{row.id},"{row.genome_json.replace(chr(34), chr(34) * 2)}"\n' for row in rows)
    (tmp_path / "front.csv").write_text("id,genome\n" + text)
    assert genomes_at(str(tmp_path)) == [row.genome for row in rows]


EXPECTED = "expected a run directory, a genome.json, a saved model, runs:/... or models:/..."


@pytest.mark.parametrize(
    ("name", "content", "sentence"),
    [
        ("missing", None, f"source missing does not exist, {EXPECTED}"),
        ("genome.json", "{", "source genome.json holds no genome: a genome is not valid JSON"),
        ("folder/odd.txt", "", f"source folder holds no genome, {EXPECTED}"),
        ("folder/summary.json", '{"front": 3}', "source folder holds no genome: summary.json is damaged:"),
        ("folder/model.json", "[]", "source folder holds no genome: model.json is damaged: folder holds no model"),
    ],
)
def test_a_source_without_genomes_is_told_in_a_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, content: str | None, sentence: str
) -> None:
    monkeypatch.chdir(tmp_path)
    if content is not None:
        Path(name).parent.mkdir(exist_ok=True)
        Path(name).write_text(content)
    with pytest.raises(ValueError, match=re.escape(sentence)):
        genomes_at(Path(name).parts[0])


def test_a_search_without_scores_or_of_another_space_gives_no_genomes(tmp_path: Path) -> None:
    RunDirectory.create(tmp_path / "run", SearchConfig.of({"data": "planted"}), {}).close()
    with pytest.raises(ValueError, match="has no candidate with scores yet"):
        genomes_at(str(tmp_path / "run"))
    custom = tmp_path / "custom"
    with RunDirectory.create(custom, SearchConfig.of({"data": "custom"}), {}) as run:
        run.journal.asked([Candidate(0, Vector())])  # type: ignore[arg-type]
        run.journal.record([RungOutcome(0, {"worth": Score(1.0)}, 1)])
    with pytest.raises(ValueError, match="custom holds no genomes of networks: genome is list, expected an object"):
        genomes_at(str(custom))


class Vector:
    """A genome of another space."""

    key = "a"

    def to_json(self) -> str:
        return "[1, 2]"
