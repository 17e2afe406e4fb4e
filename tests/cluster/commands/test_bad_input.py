"""Bad input: one clear sentence, exit status 2, and nothing trained."""

from __future__ import annotations

import json
import socket
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import pytest
import yaml

from haemsa.cluster.workers.cohort_trainer import CohortTrainer
from haemsa.model.spec.genome import Genome
from haemsa.model.spec.network import EncoderSpec, NetworkSpec
from tests.support.cluster import bad_data
from tests.support.cluster.bad_data import hostile, pickled
from tests.support.cluster.haemsa_command import Ran, haemsa
from tests.support.cluster.tiny import SPACE, stored


@pytest.fixture(autouse=True)
def nothing_is_trained(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Everything happens in an empty folder; a test that trains says so."""
    monkeypatch.chdir(tmp_path)
    if "trains" not in request.fixturenames:

        def trained(*_: object) -> None:
            raise AssertionError("something was trained")

        monkeypatch.setattr(CohortTrainer, "__call__", trained)


@pytest.fixture
def trains() -> None:
    """Says that a test trains."""


@pytest.fixture
def store(tmp_path: Path) -> Path:
    return stored(tmp_path)


def search(data: object, *options: object) -> Ran:
    settings = Path("small.yaml")
    settings.write_text(yaml.safe_dump({"space": SPACE, "population": 2, "cohort": 2}))
    small = ["--config", settings, "--evaluations", 2, "--backend", "inline", "--tracking", "off", "--run", "run"]
    return haemsa("search", "--data", data, *small, *options)


def test_a_missing_file_is_named() -> None:
    found = search("nowhere.h5").sentence
    assert found == "data 'nowhere.h5' does not exist, expected planted, digits, or a file or folder"
    assert haemsa("data", "info", "nowhere.h5").sentence == found
    assert not Path("run").exists()


def test_a_hostile_pickle_is_named_by_what_it_asks_for_and_not_run(tmp_path: Path) -> None:
    sentence = search(hostile(tmp_path)).sentence
    assert "hostile.pkl is refused and was not run: it asks for posix.mkdir" in sentence
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (bad_data.plain, "it holds a dictionary of weights, expected train, valid and test with"),
        (lambda folder: pickled(folder, bad_data.fewer_audio), "train 'audio' is float32 [20, 3, 2], expected numbers"),
        (lambda folder: pickled(folder, bad_data.empty_split), "split 'valid' is empty, expected at least one sample"),
        (lambda folder: pickled(folder, bad_data.no_label), "task 'sentiment' has no label in split 'valid'"),
        (
            lambda folder: pickled(folder, bad_data.everything_constant),
            "audio: dropped, entirely constant or non-finite in the",
        ),
    ],
    ids=["not MMSA's", "different lengths", "an empty split", "no label in a split", "nothing but constants"],
)
def test_data_that_cannot_be_used(tmp_path: Path, make: Any, words: str) -> None:
    path = make(tmp_path)
    sentence = search(path).sentence
    assert words in sentence
    assert haemsa("data", "info", path).sentence == sentence
    assert not Path("run").exists()


@pytest.mark.parametrize("name", ["odd.h5", "odd.pkl"])
def test_a_file_of_another_form_than_its_name_says(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(b"this is neither")
    assert name in search(tmp_path / name).sentence


def test_files_and_folders_of_unknown_form(tmp_path: Path) -> None:
    (tmp_path / "odd.txt").write_text("")
    assert (
        "has an unknown form, expected .h5, .hdf5, .pkl, .yaml or a folder of .csd"
        in search(tmp_path / "odd.txt").sentence
    )
    assert "is a folder without .csd files" in search(tmp_path).sentence


@pytest.mark.slow
@pytest.mark.usefixtures("trains")
@pytest.mark.parametrize(
    ("change", "words"),
    [
        (bad_data.constant_audio, "audio: dropped, entirely constant or non-finite in the training split"),
        (bad_data.some_cells_odd, "text: 2 non-finite cells in 2 columns (0, 3) filled with the training mean"),
        (bad_data.some_labels_missing, "sentiment: 3 labels missing"),
    ],
)
def test_what_can_be_repaired_is_reported_and_the_search_goes_on(tmp_path: Path, change: Any, words: str) -> None:
    path = pickled(tmp_path, change)
    ran = search(path)
    assert ran.status == 0, ran.err
    assert words in ran.err
    assert f"note: {words}" in haemsa("data", "info", path).out


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--objectives", "maee"], "objective 'maee' does not exist, expected one of sentiment/mae,"),
        (["--objectives", "mood/mae"], "objective 'mood/mae' does not exist, expected one of sentiment/mae,"),
        (["--objectives", "mae,mae"], "setting objectives is ['mae', 'mae'], expected names, each once"),
        (["--objectives", "mae,nowhere:cost"], "objective nowhere:cost: module nowhere is neither in "),
        (["--objectives", "mae,less:m:cost"], "objective 'less:m:cost' is no function, expected MODULE:FUNCTION, min:"),
        (["--limit", "latency_ms=3"], "limit 'latency_ms' is known only after training, expected one of params, flops"),
        (["--limit", "weight=3"], "limit 'weight' does not exist, expected one of params, flops"),
        (["--limit", "params=10"], "limit params=10 cannot be met, the smallest network has "),
        (["--limit", "params"], "limit is 'params', expected NAME=NUMBER"),
        (["--limit", "params=-3"], "setting limits.params is -3.0, expected"),
        (["--validation", "folds:50"], "data 'tiny' has "),
        (["--validation", "luck"], "setting validation is 'luck', expected auto, holdout"),
        (["--evaluations", "0"], "setting evaluations is 0, expected 1 or more"),
        (["--time", "soon"], "setting time is 'soon', expected seconds"),
        (["--workers", "many"], "setting workers is 'many', expected"),
        (["--mode", "fast"], "setting mode is 'fast', expected 'steady' or 'generational'"),
    ],
)  # fmt: skip
def test_options_that_do_not_fit(store: Path, options: list[str], words: str) -> None:
    assert words in search(store, *options).sentence
    assert not Path("run").exists()


def test_a_setting_that_does_not_exist_is_told_those_that_do(store: Path) -> None:
    Path("odd.yaml").write_text("data: planted\nevaluation: 3\n")
    sentence = haemsa("search", "--config", "odd.yaml").sentence
    assert sentence.startswith("setting evaluation is unknown (did you mean evaluations?), expected one of data, ")
    Path("odd.yaml").write_text("space: {width: [8]}\ndata: planted\n")
    assert "bound 'width' does not exist, expected one of widths, " in haemsa("search", "--config", "odd.yaml").sentence


def test_a_search_without_data_says_what_is_missing() -> None:
    assert haemsa("search").sentence.startswith("setting data is missing, expected planted, digits, or a path")


def test_a_run_directory_that_holds_another_search_is_left_alone(store: Path, tmp_path: Path) -> None:
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "journal.sqlite").write_text("precious")
    assert search(store).sentence == "run directory run already holds a search, expected a new or empty folder"
    assert (tmp_path / "run" / "journal.sqlite").read_text() == "precious"


def test_resume_needs_a_search_and_takes_no_configuration() -> None:
    assert haemsa("search", "--resume", "run").sentence.startswith("run directory run holds no search")
    sentence = haemsa("search", "--resume", "run", "--config", "any.yaml").sentence
    assert sentence == "--resume run has settings of its own, expected no --config beside it"


def ray_is_not_running(monkeypatch: pytest.MonkeyPatch) -> None:
    import ray

    monkeypatch.setattr(ray, "is_initialized", lambda: False)


@pytest.mark.slow
def test_an_address_at_which_no_ray_answers(store: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ray_is_not_running(monkeypatch)
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # and never listens
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        Path("ray.yaml").write_text(yaml.safe_dump({"address": address, "address_timeout": 0.5}))
        ran = haemsa("search", "--data", store, "--config", "ray.yaml", "--tracking", "off", "--run", "run")
    assert ran.sentence == f"no Ray answers at {address} within 0.5 seconds"
    assert not Path("run").exists()


@pytest.mark.slow
def test_an_address_at_which_something_else_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    from haemsa.cluster.workers.ray_session import connected

    ray_is_not_running(monkeypatch)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        address = f"127.0.0.1:{silent.getsockname()[1]}"
        with (
            pytest.raises(ValueError, match=f"no Ray answers at {address} within 0.5 seconds"),
            connected(address, timeout=0.5),
        ):
            pass


@pytest.mark.parametrize("address", ["nowhere", "http://127.0.0.1:8265", "127.0.0.1"])
def test_what_is_no_address_is_refused_in_the_option_and_in_the_environment(
    monkeypatch: pytest.MonkeyPatch, address: str
) -> None:
    from haemsa.cluster.workers.ray_session import connected

    ray_is_not_running(monkeypatch)
    monkeypatch.setenv("RAY_ADDRESS", address)
    for given in (address, None):
        expected = f"address is '{address}', expected HOST:PORT, ray://HOST:PORT, auto or local"
        with pytest.raises(ValueError, match=expected), connected(given, timeout=0.5):
            pass


def test_more_gpus_than_there_are(store: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from haemsa.cluster.workers import ray_session
    from haemsa.cluster.workers.elastic import nodes, room

    monkeypatch.setattr(ray_session, "connected", lambda *_: nullcontext())
    monkeypatch.setattr(room, "can_grow", lambda within: False)
    monkeypatch.setattr(nodes.ray, "nodes", lambda: [{"NodeID": "a", "Alive": True, "Resources": {"CPU": 2.0}}])
    ran = search(store, "--backend", "ray", "--gpus-per-worker", 0.5)
    assert ran.sentence == "a worker asks for 0.5 GPUs, but the cluster has 0"


def genome(*modalities: str) -> str:
    return Genome(NetworkSpec(8, tuple(EncoderSpec(name) for name in modalities))).to_json()


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (None, "source genome.json does not exist, expected a run directory, a genome.json,"),
        ("{", "source genome.json holds no genome: a genome is not valid JSON"),
        (json.dumps({**json.loads(genome("text")), "odd": 1}), "missing or unknown fields ['odd']"),
        (genome("text", "smell"), "the genome reads smell, but data 'tiny' has text, audio, vision"),
    ],
    ids=["missing", "no JSON", "an unknown field", "a modality that the data lacks"],
)
def test_a_genome_that_cannot_be_trained(store: Path, content: str | None, words: str) -> None:
    if content is not None:
        Path("genome.json").write_text(content)
    assert words in haemsa("train", "genome.json", "--data", store, "--out", "model").sentence
    assert not Path("model").exists()


def test_no_seeds_and_no_search_to_train_from(store: Path) -> None:
    Path("genome.json").write_text(genome("text"))
    assert haemsa("train", "genome.json", "--data", store, "--seeds", 0).sentence.startswith("0 seeds were asked for")
    Path("empty").mkdir()
    assert "run directory empty holds no search" in haemsa("train", "empty", "--data", store).sentence
    assert "run directory empty holds no search" in haemsa("show", "empty").sentence


@pytest.fixture
def model(store: Path, trains: None) -> Path:
    Path("genome.json").write_text(genome("text"))
    options = ["--seeds", 1, "--out", "model", "--tracking", "off"]
    assert haemsa("train", "genome.json", "--data", store, *options).status == 0
    return Path("model")


@pytest.mark.slow
def test_data_that_a_model_cannot_read(store: Path, model: Path, tmp_path: Path) -> None:
    other = pickled(tmp_path)
    sentence = "modality 'text' has 6 features, the model was trained on 64"
    assert haemsa("evaluate", model, "--data", other).sentence == f"{other}: {sentence}"
    assert haemsa("predict", model, "--data", other, "--out", tmp_path / "out.csv").sentence == sentence
    assert haemsa("predict", model, "--data", "digits", "--out", "out.csv").sentence == (
        "data 'digits' has none of the model's modalities text"
    )
    assert not Path("out.csv").exists()


def test_a_split_that_does_not_exist(store: Path, model: Path) -> None:
    sentence = "data 'tiny' has no split 'dev', it has train, valid, test"
    assert haemsa("evaluate", model, "--data", store, "--split", "dev").sentence == sentence
    assert haemsa("predict", model, "--data", store, "--split", "dev", "--out", "out.csv").sentence == sentence


@pytest.mark.slow
def test_labels_that_a_model_was_not_trained_on(store: Path, model: Path, tmp_path: Path) -> None:
    from dataclasses import replace

    from tests.support.cluster.tiny import data

    tasks = data().tasks
    less = stored(tmp_path, "less", replace(data(), tasks={"sentiment": tasks["sentiment"]}))
    assert (
        haemsa("evaluate", model, "--data", less).sentence == "data 'less' has no labels for emotion, it has sentiment"
    )
    renamed = replace(tasks["emotion"], labels=tuple("abcdef"))
    odd = stored(tmp_path, "other", replace(data(), tasks={**tasks, "emotion": renamed}))
    assert "task 'emotion' of data 'other' is not the one that the model was" in (
        haemsa("evaluate", model, "--data", odd).sentence
    )


def test_a_place_without_a_model(store: Path) -> None:
    found = haemsa("evaluate", "nowhere", "--data", store).sentence
    assert found == "nowhere is not a folder, expected model.json and weights.safetensors in it"


def test_a_place_that_cannot_be_written_to(store: Path, model: Path) -> None:
    assert "genome.json" in haemsa("predict", model, "--data", store, "--out", "genome.json/out.csv").sentence


@pytest.mark.parametrize("arguments", [["sarch"], ["train"], ["search", "--evaluations", "many"], ["data", "inform"]])
def test_a_command_line_that_makes_no_sense_ends_with_status_2(arguments: list[str]) -> None:
    ran = haemsa(*arguments)
    assert ran.status == 2
    assert "Traceback" not in ran.err
