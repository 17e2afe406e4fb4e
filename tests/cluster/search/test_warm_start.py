"""A search tries first what earlier searches found, as far as it fits."""

from __future__ import annotations

from pathlib import Path

import pytest

from haemsa.cluster.run_directory.run_directory import RunDirectory
from haemsa.cluster.search.launch import resume_search, run_search
from haemsa.cluster.search.warm_start import WarmStart
from haemsa.cluster.shared.progress import SilentProgress
from haemsa.evo import Bounds, ExpertSpace
from haemsa.model.spec.genome import Genome
from haemsa.model.spec.network import EncoderSpec, NetworkSpec
from tests.support.cluster.haemsa_command import haemsa
from tests.support.cluster.mlflow_store import mlflow_store
from tests.support.cluster.tiny import settings, stored

SPACE = ExpertSpace(["text", "audio"], bounds=Bounds(widths=(8, 16), max_levels=1))


def genome(*modalities: str, width: int = 8) -> Genome:
    """A network without levels."""
    return Genome(NetworkSpec(width, tuple(EncoderSpec(name) for name in modalities)))


def kept(folder: Path, *genomes: Genome) -> list[str]:
    """A file for each genome."""
    paths = [folder / f"{number}.json" for number in range(len(genomes))]
    for path, item in zip(paths, genomes, strict=True):
        path.write_text(item.to_json())
    return list(map(str, paths))


def test_genomes_that_fit_are_tried_as_they_are_others_are_repaired_or_left_out(tmp_path: Path) -> None:
    fits = SPACE.repair(genome("text", "audio"))
    sources = kept(
        tmp_path, fits, genome("text", "smell", width=300), genome("smell", "touch"), genome("text", "smell", width=20)
    )
    found = WarmStart.read(sources, SPACE, "off")
    assert found.genomes == (fits, SPACE.repair(genome("text", width=16)))
    assert list(found.notes()) == [
        f"start: 1 genome from {sources[0]}",
        f"start: 1 genome, 1 changed to fit this space from {sources[1]}",
        f"start: 0 genomes, 1 left out because it reads none of text, audio from {sources[2]}",
        f"start: 0 genomes, 1 changed to fit this space, 1 known already from {sources[3]}",
    ]


def test_a_wrong_source_is_one_sentence_and_nothing_is_made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    store = stored(tmp_path)
    fits = kept(tmp_path, genome("text"))
    ran = haemsa("search", "--data", store, "--run", "run", "--tracking", "off", "--start", *fits, "--start", "nothing")
    expected = "a run directory, a genome.json, a saved model, runs:/... or models:/..."
    assert ran.sentence == f"source nothing does not exist, expected {expected}"
    assert not (tmp_path / "run").exists()
    (tmp_path / "settings.yaml").write_text("start: runs/mine\n")
    sentence = haemsa("search", "--data", store, "--config", "settings.yaml").sentence
    assert "start" in sentence and "runs/mine" in sentence


class Notes(SilentProgress):
    def __init__(self) -> None:
        self.lines: list[str] = []

    def note(self, message: str) -> None:
        self.lines.append(message)


@pytest.mark.slow
def test_a_search_starts_from_a_run_a_file_a_model_and_mlflow_and_trains_no_genome_twice(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import mlflow

    uri = mlflow_store(tmp_path)
    given = {"data": str(stored(tmp_path)), "evaluations": 6, "mode": "generational"}
    first = run_search(settings(**given, name="first", run=str(tmp_path / "first"), tracking=uri))
    client = mlflow.MlflowClient(uri)
    everywhere = [item.experiment_id for item in client.search_experiments()]
    (tracked,) = client.search_runs(everywhere, "tags.`haemsa.search` != ''")
    (file,) = kept(tmp_path, genome("text", width=16))
    sources = [
        str(first.run), file, str(first.run / "best"), "models:/haemsa-first@champion", "models:/haemsa-first/1",
        f"runs:/{tracked.info.run_id}",
    ]  # fmt: skip
    notes = Notes()
    monkeypatch.setenv("MLFLOW_TRACKING_URI", uri)
    second = run_search(settings(**given, run=str(tmp_path / "second"), start=sources, seed=5), notes)
    front = [item["genome"] for item in first.summary["front"]]
    with RunDirectory.open(second.run, read_only=True) as run:
        rows, facts, config = list(run.journal.rows()), run.manifest(), run.config()
    assert [row.genome.to_dict() for row in rows[: len(front)]] == front
    assert len({row.key for row in rows}) == len(rows)
    assert config.start == sources
    changed = "1 genome, 1 changed to fit this space"
    expected = [words(len(front)), changed, *[words(0, 1)] * 3, words(0, len(front))]
    assert facts["start"] == dict(zip(sources, expected, strict=True))
    assert f"start: {changed} from {file}" in notes.lines


def words(new: int, known: int = 0) -> str:
    """What is told of a source whose genomes fit."""
    return f"{new} genome{'s' * (new != 1)}" + (f", {known} known already" if known else "")


@pytest.mark.slow
def test_a_search_that_goes_on_needs_its_sources_no_more(tmp_path: Path) -> None:
    given = {"data": str(stored(tmp_path)), "evaluations": 4, "population": 4}
    (source,) = kept(tmp_path, genome("text"))
    run = run_search(settings(**given, run=str(tmp_path / "run"), start=[source])).run
    Path(source).unlink()
    notes = Notes()
    assert resume_search(run, notes, {"evaluations": 6}).summary["evaluations"] == 6
    assert not any(line.startswith("start: ") for line in notes.lines)
    with RunDirectory.open(run, read_only=True) as directory:
        keys = [row.key for row in directory.journal.rows()]
    assert len(set(keys)) == len(keys) == 6
    with pytest.raises(ValueError, match=r"start is .* cannot become .* when the search is resumed"):
        resume_search(run, changes={"start": [str(run)]})
