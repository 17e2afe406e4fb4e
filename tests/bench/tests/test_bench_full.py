"""Pieces of the long benchmark: each has its name, missing data or libraries skip it, and all results are shown."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest

from haemsa.model.data.builtin.planted import planted
from haemsa.model.data.sources import load
from haemsa.model.data.store.file import write
from haemsa.model.spec.genome import Genome
from haemsa.model.spec.network import EncoderSpec, NetworkSpec
from haemsa.model.spec.training import TrainingGenes
from tests.bench.evolution.traces import Trace
from tests.bench.full import bench_full, beside, finetuned, sets
from tests.bench.full.full_report import report
from tests.bench.full.peers import PEERS
from tests.bench.shared.setting import Setting
from tests.support.cluster.haemsa_command import haemsa
from tests.support.model.tiny_encoders import tiny_text
from tests.support.places import ROOT

pytestmark = pytest.mark.slow

GENOMES = [Genome(NetworkSpec(16, (EncoderSpec(name),)), TrainingGenes(epochs=4)) for name in ("text", "audio")]


@pytest.fixture
def tiny(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A small set in place of mosi3."""
    path = tmp_path / "tiny.h5"
    write(planted(sizes=(100, 40, 20)).with_tasks(["sentiment"]), path)
    monkeypatch.setitem(sets.FILES, "mosi3", path)
    monkeypatch.setattr(beside, "PROCESSES", 1)
    return path


def test_fine_tuning_without_mpnet_is_skipped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(finetuned.FOLDER, raising=False)
    assert finetuned.finetuned("mosi3", tmp_path) is None
    assert not list(tmp_path.iterdir())


def test_features_stay_beside_the_stream_that_transcripts_are_encoded_to(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(finetuned, "haemsa", in_process)
    data, rng, lines = tmp_path / "mosi3", np.random.default_rng(0), ["id,split,sentiment,text"]
    data.mkdir()
    arrays: dict[str, np.ndarray] = {}
    for split in finetuned.SPLITS:
        ids = [f"{split}{number}" for number in range(6)]
        lines += [
            f"{name},{split},0.5,the film was {word}" for name, word in zip(ids, ("good", "bad") * 3, strict=True)
        ]
        made = {
            "minilm": rng.normal(size=(6, 4, 3)).astype(np.float16),
            "minilm_len": np.full(6, 4),
            "audio": rng.normal(size=(6, 2)).astype(np.float32),
            "y": rng.uniform(-3, 3, 6).astype(np.float32),
            "video": np.array([f"{split}{number // 2}" for number in range(6)]),
            "id": np.array(ids),
        }
        arrays |= {f"{name}_{split}": values for name, values in made.items()}
    np.savez(data / "mosi3.npz", **arrays)
    (data / "transcripts.csv").write_text("\n".join([lines[0], *lines[:0:-1]]) + "\n")  # in another order
    found = load(str(finetuned.told_store(data, tiny_text(tmp_path / "mpnet"), tmp_path)))
    assert sorted(found.modalities) == ["audio", "text_minilm", "text_mpnet"]
    assert found.transcripts[:2] == ("the film was good", "the film was bad")
    assert found.modalities["text_mpnet"].lengths.tolist() == [6] * 18  # two special tokens
    np.testing.assert_array_equal(found.modalities["text_minilm"].features[6:12], arrays["minilm_valid"])


def in_process(*words: str) -> None:
    ran = haemsa(*words)
    assert ran.status == 0, ran.err


def _trace(path: Path, errors: Mapping[float, float]) -> None:
    trace = Trace.begin(path)
    for place, (seconds, error) in enumerate(errors.items()):
        scores = {"mae": error, "params": 1000.0}
        trace.append(GENOMES[place], scores, seconds=seconds, id=place, rung=0, level=0)


def test_every_piece_has_its_own_name_and_a_searcher() -> None:
    names = [name for name, _ in bench_full.pieces()]
    assert len(set(names)) == len(names)
    assert {"ours-900/mosi3/random/4", "ours-900/planted/haemsa/0", "rescored/mosi3/2"} < set(names)
    searchers = {name.split("/")[2] for name in names if name.startswith("peer/")}
    assert searchers == set(PEERS) - {"random_search"} | {"haemsa"}


def test_a_search_without_data_or_library_is_skipped(
    tiny: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def missing(setting: Setting, path: Path) -> None:
        raise ModuleNotFoundError("No module named 'syne_tune'", name="syne_tune")

    monkeypatch.setitem(PEERS, "syne_moasha", missing)
    assert beside.searched("syne_moasha", "mosi3", 0, 1.0, tmp_path) is None
    assert "syne_moasha is skipped: Syne Tune is not installed (extra peers)" in capsys.readouterr().out
    monkeypatch.setitem(sets.FILES, "mosi3", tmp_path / "nowhere.h5")
    assert beside.searched("optuna_tpe", "mosi3", 0, 1.0, tmp_path) is None
    assert beside.rescored(["optuna_tpe"], "mosi3", 0, 1.0, tmp_path) is None
    assert bench_full.ours("mosi3", "haemsa", 0, 1.0, tmp_path) is None


def test_fronts_are_rescored_together_once_ours_is_there(tiny: Path, tmp_path: Path) -> None:
    _trace(tmp_path / "mosi3-optuna_tpe-0.jsonl", {5.0: 1.0, 7.0: 0.9})
    assert beside.rescored(["optuna_tpe", "optuna_nsga2"], "mosi3", 0, 10.0, tmp_path) is None
    _trace(tmp_path / "mosi3-haemsa-0.jsonl", {1.0: 0.8})
    found = beside.rescored(["optuna_tpe", "optuna_nsga2"], "mosi3", 0, 10.0, tmp_path)
    assert found is not None
    assert set(found["hypervolume"]) == {"haemsa", "optuna_tpe"}
    ours, theirs = (dict(found["hypervolume"][name]) for name in ("haemsa", "optuna_tpe"))
    assert 5.0 in found["at"] and theirs[5.0] == ours[5.0] == ours[10.0]  # the same genome
    assert theirs[found["at"][0]] == 0


def test_a_search_of_ours_is_shown_over_time(tiny: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def run(data: str, variant: str, seconds: float, seed: int, path: Path) -> Path:
        assert (data, path.name) == (str(tiny), "mosi3-haemsa-100s-1")
        _trace(path.with_suffix(".jsonl"), {10.0: 1.0, 50.0: 0.9})
        return path.with_suffix(".jsonl")

    monkeypatch.setattr(bench_full, "run_ours", run)
    confirmed = {genome.key: {"mae": mae, "params": 1e4} for genome, mae in zip(GENOMES, (1.1, 0.83), strict=True)}
    monkeypatch.setattr(bench_full, "confirm_all", lambda *_: confirmed)
    found = bench_full.ours("mosi3", "haemsa", 1, 100.0, tmp_path)
    assert found is not None and found["genomes"][-1] == (100.0, 2)
    assert (pytest.approx(100 / 3), 1) in found["genomes"]  # a third of the time is shown, too
    assert found["best"][-1][1] == 0.83 and found["hypervolume"][-1][1] == pytest.approx(0.5 * 2)
    assert found["hypervolume"][0][1] == 0


def test_the_report_shows_new_results_and_those_of_before(capsys: pytest.CaptureFixture[str]) -> None:
    kept = json.loads((ROOT / "tests" / "bench" / "results" / "full.json").read_text())
    found = {name: piece for name, piece in kept.items() if not name.startswith("ours-900/mosi3")}
    volumes = {"haemsa": [[30, 0.5], [60, 1.2], [300, 1.3], [600, 1.4]], "optuna_tpe": [[300, 0.9], [600, 1.2]]}
    loses = {"haemsa": [[300, 1.0], [600, 1.1]], "optuna_tpe": [[300, 0.9], [600, 1.2]]}
    new = {
        "peer/mosi3/optuna_tpe/0": {"evaluations": 41},
        "rescored/mosi3/0": {"hypervolume": loses},
        "rescored-again/mosi3/0": {"hypervolume": volumes},
        "rescored/mosi3/1": {"hypervolume": loses},
        "finetuned/mosi3": {
            "plain": {"model": {"mae": {"mean": 0.75, "std": 0.01}}},
            "tuned": {"model": {"mae": {"mean": 0.7, "std": 0.02}}},
            "folds": {"sentence": "fine-tuning text_mpnet: better"},
        },
    }
    for seed in range(2):
        for variant, error in (("haemsa", 0.8), ("random", 0.9)):
            curve = {"genomes": [[300, 5], [900, 9]], "best": [[300, 0.9], [900, error]]}
            new[f"ours-900/mosi3/{variant}/{seed}"] = curve | {"hypervolume": [[300, 1.1], [900, 2 - error]]}
    new["ours-900/mosi3/haemsa/2"] = new["ours-900/mosi3/haemsa/1"]  # random search is yet to come
    report(found | {name: {"machine": {"commit": "new"}, "result": result} for name, result in new.items()})
    shown = capsys.readouterr().out
    assert "mosei922, 900 s" in shown and "the best genome for only these" in shown
    assert (
        "finetuned/mosi3: fine-tuning text_mpnet: better\nplain    0.7500 ± 0.0100\ntuned    0.7000 ± 0.0200" in shown
    )
    early, late = shown.split("mosi3, 300 s")[1].split("mosi3, 900 s")
    assert "haemsa               2        5  0.9000 (0.9000 to 0.9000)" in early
    assert "0.0000 (0.0000 to 0.0000)   0.0000 (0.0000 to 0.0000)" in early
    assert "0.1000 (0.1000 to 0.1000)   -0.1000 (-0.1000 to -0.1000)" in late
    first, second, _ = (part.splitlines() for part in shown.split("mosi3, seed ")[1:])
    assert first[3] == "optuna_tpe              41 genomes  0.9000  1.2000  60 s, 0.10 of its time"
    assert second[3].endswith("never: haemsa loses here")
