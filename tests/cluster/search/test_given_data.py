"""Data made in Python is searched, resumed, trained on, compared and reported without a file."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from haemsa.cluster.comparison.calls import compare_models
from haemsa.cluster.comparison.compare import checked
from haemsa.cluster.comparison.contenders import begun, tuned_network
from haemsa.cluster.final_model.recipe import read_recipe
from haemsa.cluster.final_model.record import trained_record
from haemsa.cluster.final_model.train import train_for_good
from haemsa.cluster.report.next_steps import next_steps
from haemsa.cluster.report.page.report import write_report
from haemsa.cluster.run_directory.run_directory import RunDirectory
from haemsa.cluster.search.launch import resume_search, run_search
from haemsa.cluster.shared.progress import SilentProgress
from haemsa.cluster.tuning.call import tune_genome
from tests.support.cluster.haemsa_command import haemsa
from tests.support.cluster.tiny import data, settings, stored

pytestmark = pytest.mark.slow

MADE = replace(data(), name="made")
SETTINGS: dict[str, Any] = {"mode": "generational", "evaluations": 4, "population": 4, "seed": 3}


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A search of data that was given from Python."""
    path = tmp_path_factory.mktemp("runs") / "made"
    return run_search(settings(data=None, run=str(path), **SETTINGS), dataset=MADE).run


def genomes(run: Path) -> list[Any]:
    return [item["genome"] for item in json.loads((run / "summary.json").read_text())["front"]]


def test_a_dataset_is_searched_as_its_file_would_be(run: Path, tmp_path: Path) -> None:
    of_file = run_search(settings(data=str(stored(tmp_path)), run=str(tmp_path / "run"), **SETTINGS))
    assert genomes(run) == genomes(of_file.run)


def test_the_run_says_that_its_data_came_from_python(run: Path) -> None:
    with RunDirectory.open(run, read_only=True) as directory:
        facts, config = directory.manifest(), directory.config()
    assert (facts["data"], facts["fingerprint"]) == ("made, given from Python", MADE.fingerprint)
    assert (config.data, config.title) == (None, "made")
    assert next_steps(run)[0] == f"haemsa train {run} --data FILE --seeds 5 --out models/made"


def test_without_the_dataset_one_sentence_says_what_is_expected(run: Path, tmp_path: Path) -> None:
    sentence = f"the data of the search in {run} was given from Python, expected dataset=... or --data FILE"
    assert haemsa("train", run, "--out", tmp_path / "model").sentence == sentence
    assert haemsa("search", "--resume", run, "--evaluations", 9).sentence == sentence
    assert haemsa("compare", "--run", run).sentence == sentence
    with pytest.raises(ValueError, match=sentence):
        tune_genome(str(run))


def test_data_is_named_once() -> None:
    sentence = "data is 'planted' and a dataset is given too, expected only one of them"
    with pytest.raises(ValueError, match=sentence):
        run_search(settings(), dataset=MADE)
    with pytest.raises(ValueError, match=sentence):
        compare_models(None, data="planted", dataset=MADE)


def test_a_search_goes_on_with_the_dataset_or_with_a_file_of_it(run: Path, tmp_path: Path) -> None:
    other = run_search(settings(data=None, run=str(tmp_path / "run"), **SETTINGS), dataset=MADE).run
    assert resume_search(other, changes={"evaluations": 5}, dataset=MADE).summary["evaluations"] == 5
    file = {"data": str(stored(tmp_path)), "evaluations": 6}
    assert resume_search(other, changes=file).summary["evaluations"] == 6
    shorter = MADE.take(np.arange(150))
    with pytest.raises(ValueError, match=r"data made has fingerprint \w+, the search began with \w+"):
        resume_search(run, changes={"evaluations": 5}, dataset=shorter)


def test_the_best_genome_is_trained_on_the_dataset(run: Path, tmp_path: Path) -> None:
    table, _ = train_for_good(read_recipe(run), seeds=1, out=tmp_path / "model", dataset=MADE)
    facts = json.loads((tmp_path / "model" / "metrics.json").read_text())
    assert (facts["data"], facts["dataset"]["source"]) == ("made", "given from Python")
    assert facts["models"] == table


def test_a_model_of_data_without_a_test_split_has_no_score(run: Path, tmp_path: Path) -> None:
    pool = MADE.pool()
    table, _ = train_for_good(read_recipe(run), seeds=1, out=tmp_path / "model", dataset=pool)
    assert table == {}
    record = trained_record(read_recipe(run), tmp_path / "model")
    assert (record.name, record.objective, record.seeds) == ("made", "sentiment/mae", [])
    assert 0 < record.score < 2  # held out in calibration
    ran = haemsa("train", run, "--data", stored(tmp_path, "pool", pool), "--seeds", 1, "--out", tmp_path / "again")
    assert ran.status == 0 and "the data has no test split, so the model has no score" in " ".join(ran.out.split())


def test_a_genome_alone_names_no_data(run: Path, tmp_path: Path) -> None:
    genome = run / "best" / "genome.json"
    with pytest.raises(ValueError, match=r"genome.json names no data, expected planted, digits, a path to data"):
        train_for_good(read_recipe(genome), out=tmp_path)


def test_train_reads_the_data_of_the_search_if_none_is_named(run: Path, tmp_path: Path) -> None:
    of_file = run_search(settings(data=str(stored(tmp_path)), run=str(tmp_path / "run"), **SETTINGS)).run
    ran = haemsa("train", of_file, "--seeds", 1, "--out", tmp_path / "model")
    assert ran.status == 0 and (tmp_path / "model" / "model.json").is_file()


def test_the_report_shows_the_best_network_at_work_on_the_dataset(run: Path, tmp_path: Path) -> None:
    write_report(run, tmp_path / "with.html", dataset=MADE)
    write_report(run, tmp_path / "without.html")
    words = "No pictures of the best network at work: the data of this search was given from Python"
    assert words in (tmp_path / "without.html").read_text()
    assert words not in (tmp_path / "with.html").read_text()


def test_other_models_are_tuned_on_the_dataset(run: Path, tmp_path: Path) -> None:
    setup = begun(run, None, 2, tmp_path, SilentProgress(), "compared", MADE)
    assert setup.data is MADE
    _, judged = checked(setup, seeds=1)
    place = tmp_path / "late"
    for _ in range(2):  # the second time it is there
        tuned = tuned_network(
            setup.config, {"design": "late_fusion"}, 2, place, judged, SilentProgress(), dataset=setup.dataset
        )
        assert tuned.trials == 2
