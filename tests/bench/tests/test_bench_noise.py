"""The study of noisy scores: its figures by hand, its runs beside `train`, and its reader of MOSEI-922."""

from __future__ import annotations

import json
from pathlib import Path

import h5py
import numpy as np
import pytest

from haemsa.evo.expert_space.bounds import Bounds
from haemsa.model.data.builtin.planted import planted
from haemsa.model.data.sources import load
from haemsa.model.data.store.file import write
from haemsa.model.spec.genome import Genome
from haemsa.model.spec.network import EncoderSpec, NetworkSpec
from haemsa.model.spec.training import TrainingGenes
from haemsa.model.training.train import TrainingSettings, train
from tests.bench.scores import bench_noise, mosei922, noise_pool, noise_stats
from tests.bench.scores.noise_pool import Kept, space_of, waves
from tests.bench.scores.noise_runs import KINDS, REPLICATES, Bench, run_seed
from tests.bench.scores.noise_stats import Judged, among_best, chosen, difference, interval, optimism, pairs, spearman

pytestmark = pytest.mark.slow

DATASET = planted(sizes=(140, 40, 30))
BOUNDS = Bounds(epochs=(1, 2, 3), widths=(8,), expert_widths=(8,), max_levels=1, max_experts=2)
GENOMES = [
    Genome(NetworkSpec(8, (EncoderSpec(name),)), TrainingGenes(epochs=epochs, learning_rate=3e-3))
    for name in ("text", "audio")
    for epochs in (2, 3)
]


@pytest.fixture(scope="module")
def bench() -> Bench:
    return Bench(DATASET, seed=3)


def test_rank_correlations_by_hand() -> None:
    a = np.array([1.0, 2.0, 3.0, 4.0])
    assert spearman(a, np.array([10.0, 20.0, 40.0, 30.0])) == pytest.approx(0.8)  # 1 - 6 * 2 / (4 * 15)
    assert spearman(a, -a) == pytest.approx(-1)
    assert spearman(np.array([1.0, 1.0, 2.0]), np.array([1.0, 2.0, 3.0])) == pytest.approx(0.75**0.5)
    assert spearman(a, np.ones(4)) == 0
    both = spearman(np.stack([a, a]), np.stack([a, -a]))
    assert both == pytest.approx([1, -1])


def test_correlation_among_the_best_by_hand() -> None:
    score = np.array([1.0, 2.0, 3.0, 4.0, 5.0, 6.0])
    fresh = np.array([3.0, 2.0, 1.0, 7.0, 8.0, 9.0])
    assert among_best(score, fresh, score, 0.5) == pytest.approx(-1)
    assert among_best(score, fresh, -score, 0.5) == pytest.approx(1)
    assert among_best(score, fresh, np.array([9.0, 9.0, 1.0, 2.0, 9.0, 9.0]), 0.1) == pytest.approx(1)  # two at least


def test_optimism_and_the_chosen_by_hand() -> None:
    score, fresh = np.array([1.0, 2.0, 3.0, 4.0]), np.array([2.5, 2.0, 3.5, 4.0])
    assert chosen(score, fresh) == 2.5
    assert optimism(score, fresh) == pytest.approx(1.5 - 0.5)  # gaps 1.5, 0, .5, 0
    assert optimism(score, fresh, fresh) == pytest.approx(1.5 - 0.75)  # the two best by fresh: gaps 1.5 and 0


def test_scores_are_judged_by_the_other_set_of_runs() -> None:
    runs = np.arange(20.0).reshape(2, 5, 2)
    fresh = np.stack([np.full((5, 2), 1.0), np.full((5, 2), 2.0)])
    two = pairs(runs, fresh, 2)
    np.testing.assert_array_equal(two.score, [[1, 2], [5, 6], [11, 12], [15, 16]])
    np.testing.assert_array_equal(two.fresh[:, 0], [2, 2, 1, 1])
    assert pairs(runs, fresh, 1).score.shape == (10, 2)
    assert pairs(runs, fresh, 5).score.tolist() == [[4, 5], [14, 15]]


def test_intervals_hold_the_figure(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(noise_stats, "RESAMPLES", 400)
    rng = np.random.default_rng(0)
    true = rng.normal(size=60)
    near, far = (Judged((true + noise * rng.normal(size=60))[None], true[None]) for noise in (0.3, 2.0))
    mean, low, high = interval(lambda picks: spearman(*near.take(picks)), 60)
    assert 0.7 < low < mean < high < 1
    assert mean == spearman(near.score[0], near.fresh[0])
    lead = difference(lambda picks: spearman(*near.take(picks)), lambda picks: spearman(*far.take(picks)), 60)
    assert 0 < lead.low < lead.mean < lead.high


def test_runs_are_those_of_train_and_every_epoch_is_seen(bench: Bench) -> None:
    for name, protocol in bench.protocols.items():
        found = bench.train(name, GENOMES)
        rows = protocol.rows(GENOMES, bench.seed)
        settings = TrainingSettings(order_seed=protocol.order_seed)
        expected = train(rows, bench.pool, protocol.folds, settings)
        short = train(rows, bench.pool, protocol.folds, TrainingSettings(order_seed=protocol.order_seed, average=1e-9))
        runs = [run for own in found for run in own or []]
        assert len(runs) == len(rows) == REPLICATES * len(GENOMES)
        for run, late, last in zip(runs, expected, short, strict=True):
            for part, samples in protocol.parts.items():
                own = samples[late.row.fold]
                for kind, row in (("average", late), ("last", last)):
                    assert run[part][kind] == pytest.approx(bench.error(row.outputs[bench.task][:, 0], own), rel=1e-4)
            assert run["score"]["best"] <= run["score"]["last"]
            assert 1 <= run["epochs"]["best"] <= run["epochs"]["last"] == late.row.genome.training.epochs


def test_no_run_trains_on_test_samples_and_folds_score_all_others_once(bench: Bench) -> None:
    test = bench.dataset.split("test")
    for protocol in bench.protocols.values():
        assert protocol.folds.held_out[:, test].all()
        for k, own in enumerate(protocol.parts["score"]):
            assert protocol.folds.held_out[k % len(protocol.folds), own].all()
            assert not np.isin(own, test).any()
    folds = np.concatenate(bench.protocols["folds"].parts["score"])
    assert sorted(folds) == list(range(180))
    seeds = {
        run_seed(3, p.purpose, genome, k) for p in bench.protocols.values() for genome in GENOMES for k in range(5)
    }
    assert len(seeds) == 3 * 4 * 5


def test_kept_scores_are_not_trained_again(bench: Bench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path, space = tmp_path / "new" / "kept.json", space_of(DATASET, BOUNDS)
    (first,) = waves(space, Kept(bench, path, {"seed": 3}, 60.0), 1, 4)
    assert len({genome.key for genome in first}) == 4
    monkeypatch.setattr(bench, "train", None)  # nothing is trained from here on
    kept = Kept(bench, path, {"seed": 3}, 60.0)
    assert list(waves(space, kept, 1, 4)) == [first]
    assert set(kept.genomes) == {genome.key for genome in first}
    assert list(waves(space, Kept(bench, path, {"seed": 3}, 0.0), 2, 4)) == [first]  # no time for the second
    with pytest.raises(ValueError, match="holds scores of"):
        Kept(bench, path, {"seed": 4}, 60.0)


def test_the_whole_study_runs_and_skips_what_is_missing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(noise_stats, "RESAMPLES", 50)
    monkeypatch.setattr(bench_noise, "PLANTED", (140, 40, 30))
    monkeypatch.setattr(noise_pool, "COHORT", 8)
    bench_noise.main(
        ["--quick", "--data", "mosi", "mosei922", "planted", "--folder", "nowhere", "--out", str(tmp_path)]
    )
    printed = capsys.readouterr().out
    assert printed.count("skipped") == 2
    result = json.loads((tmp_path / "noise.json").read_text())["result"]
    assert set(result) == {"planted"}
    assert result["planted"]["genomes"] == 8
    scores = result["planted"]["scores"]
    assert {f"five folds, {kind}" for kind in KINDS} < set(scores)
    assert all(set(row) == set(bench_noise.TITLES) for row in scores.values())
    assert scores["five folds, average"]["lead"] == [0, 0, 0]


def test_genomes_that_diverged_are_left_out() -> None:
    run = {"score": dict.fromkeys(KINDS, 1.0), "test": dict.fromkeys(KINDS, 2.0)}
    scored = bench_noise.Scored(
        {name: [[run] * 5, None if name == "fresh" else [run] * 5] for name in ("folds", "seeds", "fresh")}
    )
    assert (scored.count, scored.diverged) == (1, 1)
    assert scored.true.tolist() == [2.0]


def test_a_folder_of_csd_files_becomes_data(tmp_path: Path) -> None:
    videos = [f"video{number}" for number in range(12)]
    rng = np.random.default_rng(0)
    for number, file in enumerate(("labels", "text_bert", "text_minilm", "audio_covarep", "vision_openface")):
        rows = np.clip(rng.normal(size=(12, 1 if file == "labels" else 4)), -3, 3).astype(np.float32)
        if file == "audio_covarep":
            rows[2:, 1] = -np.inf
        if file == "vision_openface":
            rows[:, 3] = 7
        _write_csd(tmp_path, file, dict(zip(videos[: 12 - (number == 2)], rows, strict=False)))
    (tmp_path / "folds.json").write_text(json.dumps({"train": videos[4:], "valid": videos[:2], "test": videos[2:4]}))
    dataset = mosei922.read(tmp_path)
    assert dataset.ids == (*videos[4:], *videos[:4])
    assert list(dataset.modalities) == ["text_bert", "text_minilm", "audio", "vision"]
    assert dataset.tasks["sentiment"].bounds == (-3, 3)
    assert [len(dataset.split(split)) for split in ("train", "valid", "test")] == [8, 2, 2]
    assert len(set(dataset.groups.tolist())) == 12
    assert dataset.modalities["text_minilm"].lengths.tolist() == [1] * 7 + [0] + [1] * 4
    assert "audio: 10 non-finite cells in 1 columns (1) filled with the training mean" in dataset.notes
    assert "vision: 1 of 4 columns (3) are constant in the training split" in dataset.notes
    write(dataset, tmp_path / "made.h5")
    assert load(str(tmp_path / "made.h5")).fingerprint == dataset.fingerprint
    with pytest.raises(FileNotFoundError, match=r"has no folds\.json"):
        mosei922.read(tmp_path / "nowhere")


def _write_csd(folder: Path, name: str, rows: dict[str, np.ndarray]) -> None:
    with h5py.File(folder / f"{name}.csd", "w") as file:
        for video, row in rows.items():
            group = file.create_group(f"{name}/data/{video}")
            group["features"], group["intervals"] = row[None], np.array([[0.0, 1.0]])


@pytest.mark.skipif(not mosei922.FOLDER.exists(), reason="no real data here")
def test_the_real_mosei922_has_its_official_folds() -> None:
    dataset = mosei922.read()
    assert [len(dataset.split(split)) for split in ("train", "valid", "test")] == [635, 86, 180]
    assert [item.width for item in dataset.modalities.values()] == [768, 384, 40, 35]
