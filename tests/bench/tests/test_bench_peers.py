"""Benchmark peers: what Optuna suggests is ours, traces survive, and rescoring is done once."""

from __future__ import annotations

from dataclasses import replace
from multiprocessing.pool import ThreadPool
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import optuna
import pytest
import torch

from haemsa.evo.expert_space.bounds import Bounds
from haemsa.evo.expert_space.legal import legal
from haemsa.evo.expert_space.space import ExpertSpace
from haemsa.evo.rungs import Fidelity
from haemsa.model.data.builtin.planted import planted
from haemsa.model.data.store.file import write
from haemsa.model.spec.genome import Genome
from haemsa.model.spec.network import EncoderSpec, NetworkSpec
from haemsa.model.spec.training import TrainingGenes
from tests.bench.evolution.suggest import parameters, suggest_genome
from tests.bench.evolution.traces import Evaluation, Trace, read
from tests.bench.full import peers, peers_optuna, rescore
from tests.bench.full.rescore import Rescorer, compare, front, hypervolume, rescoring_seeds, seconds_to, times
from tests.bench.shared.machine import write_result
from tests.bench.shared.setting import Scorer, Setting, search_seeds
from tests.bench.shared.stats import mean_interval, paired_interval

pytestmark = pytest.mark.slow

SPACE = {"epochs": [1], "widths": [8], "expert_widths": [8], "max_levels": 1, "max_experts": 2}
TEXT = Genome(NetworkSpec(8, (EncoderSpec("text"),)), TrainingGenes(epochs=1))
AUDIO = Genome(NetworkSpec(8, (EncoderSpec("audio"),)), TrainingGenes(epochs=1))


@pytest.fixture(scope="module")
def setting(tmp_path_factory: pytest.TempPathFactory) -> Setting:
    path = tmp_path_factory.mktemp("data") / "tiny.h5"
    write(planted(sizes=(60, 20, 20)), path)
    return Setting(str(path), seconds=1.0, seed=3, space=SPACE)


@pytest.fixture
def space() -> ExpertSpace:
    return ExpertSpace(("text", "audio", "vision"), bounds=Bounds(heads=(2, 4)), steps={"vision": 1})


@pytest.fixture
def study() -> optuna.Study:
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    return optuna.create_study(directions=["minimize"] * 2, sampler=optuna.samplers.RandomSampler(seed=0))


@pytest.mark.parametrize("whole", [False, True])
def test_what_is_suggested_is_legal(space: ExpertSpace, study: optuna.Study, whole: bool) -> None:
    trials = [study.ask() for _ in range(100)]
    genomes = [suggest_genome(trial, space.domain, whole=whole) for trial in trials]
    assert all(legal(space.domain, genome) == genome for genome in genomes)
    assert len({genome.key for genome in genomes}) == len(genomes)
    assert {len(genome.network.levels) for genome in genomes} == {0, 1, 2, 3, 4}
    assert {len(genome.network.encoders) for genome in genomes} == {1, 2, 3}
    assert (len({frozenset(trial.params) for trial in trials}) == 1) == whole


@pytest.mark.parametrize("whole", [False, True])
def test_every_genome_of_the_space_can_be_suggested(space: ExpertSpace, study: optuna.Study, whole: bool) -> None:
    rng = np.random.default_rng(0)
    for _ in range(50):
        genome = space.mutate(space.sample(rng), rng)
        study.enqueue_trial(parameters(space.domain, genome))
        assert suggest_genome(study.ask(), space.domain, whole=whole) == genome


def test_a_trace_reads_back_in_order_of_time_and_without_a_torn_last_line(tmp_path: Path) -> None:
    trace = Trace.begin(tmp_path / "new" / "trace.jsonl")
    trace.append(TEXT, {"mae": 1.5}, seconds=2.0, number=1)
    trace.append(AUDIO, {}, seconds=1.0, number=0)
    trace.append(TEXT, {"mae": 1.0})
    last, first, second = read(trace.path)
    assert (first, second) == (
        Evaluation(1.0, AUDIO, {}, {"number": 0}),
        Evaluation(2.0, TEXT, {"mae": 1.5}, {"number": 1}),
    )
    assert 0 <= last.seconds < 1
    text = trace.path.read_text()
    trace.path.write_text(text[:-9])
    assert read(trace.path) == [first, second]
    trace.path.write_text(text.replace('"mae"', "mae"))
    with pytest.raises(ValueError, match=r"line 1 of .* is no evaluation"):
        read(trace.path)
    with pytest.raises(FileExistsError):
        Trace.begin(trace.path)


def test_a_front_is_of_what_had_ended_and_did_not_diverge() -> None:
    scores = [{"mae": 1.0, "params": 9.0}, {"mae": 0.9, "params": 9.0}, {}, {"mae": 1.2, "params": 5.0}]
    evaluations = [Evaluation(float(second), TEXT, item) for second, item in enumerate(scores)]
    fronts = [[item.seconds for item in front(evaluations, ["mae", "params"], at)] for at in (-1, 0, 2, 3)]
    assert fronts == [[], [0], [1], [1, 3]]


def test_hypervolumes_and_the_seconds_to_them_by_hand() -> None:
    assert hypervolume(np.array([[1.0, 2.0], [0.5, 3.0], [9.0, 9.0]]), (2.0, 4.0)) == pytest.approx(2.5)
    assert hypervolume(np.zeros((0, 2)), (2.0, 4.0)) == 0
    volumes = [(1.0, 0.0), (2.0, 0.5), (4.0, 0.4), (8.0, 0.7)]
    assert [seconds_to(volumes, target) for target in (0.0, 0.3, 0.5, 0.6, 0.8)] == [1, 2, 2, 8, None]
    assert times(100.0, 3) == pytest.approx([2.0, 200**0.5, 100.0])


def test_rescoring_trains_each_genome_once_and_with_seeds_that_no_search_has(
    setting: Setting, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert min(rescoring_seeds(0, 5)) > max(max(search_seeds(3, number, 5)) for number in range(100))
    cache = tmp_path / "cache.json"
    first = dict(Rescorer(setting, cache)([TEXT, AUDIO, TEXT]))
    assert set(first) == {TEXT.key, AUDIO.key}
    assert all(set(scores) == {"sentiment/mae", "params"} for scores in first.values())
    monkeypatch.setattr(rescore, "_rescore", None)  # nothing is trained from here on
    again = Rescorer(setting, cache)
    assert again([AUDIO, TEXT]) == first
    _compare(again, tmp_path)
    with pytest.raises(ValueError, match="holds scores by"):
        Rescorer(setting, cache, replicates=2)


def _compare(rescorer: Rescorer, folder: Path) -> None:
    trace = Trace.begin(folder / "trace.jsonl")
    trace.append(AUDIO, {"sentiment/mae": 1.0, "params": 100.0}, seconds=2.0)
    trace.append(TEXT, {"sentiment/mae": 0.5, "params": 100.0}, seconds=5.0)
    found = compare({"a": trace.path}, rescorer, [1.0, 3.0, 6.0], (9.0, 6.0))["a"]
    expected = [
        (9 - rescorer.scores[genome.key]["sentiment/mae"]) * (6 - np.log10(rescorer.scores[genome.key]["params"]))
        for genome in (AUDIO, TEXT)
    ]
    assert found == [(1.0, 0.0), (3.0, pytest.approx(expected[0])), (6.0, pytest.approx(expected[1]))]


def test_plain_networks_and_cohorts_are_scored_alike(setting: Setting) -> None:
    scorer = Scorer.of(setting.problem())
    assert torch.get_num_threads() == 1
    alone = scorer.alone(TEXT, search_seeds(0, 0, len(scorer.folds)))
    (together,) = scorer.together([TEXT], [search_seeds(0, 0, len(scorer.folds))], order_seed=0)
    assert set(alone) == set(together)
    assert alone["params"] == together["params"]
    assert alone["sentiment/mae"] == pytest.approx(together["sentiment/mae"], rel=0.5)
    assert scorer.losses(alone) == [alone["sentiment/mae"], alone["params"]]


def test_a_network_in_rungs_ends_as_one_that_trains_at_once(setting: Setting) -> None:
    scorer = Scorer.of(replace(setting, validation="folds:3").problem())
    genome = replace(TEXT, training=replace(TEXT.training, epochs=2))
    seeds = search_seeds(0, 0, 3)
    rungs = [Fidelity(1), Fidelity(9), Fidelity(None), Fidelity(None, 3)]
    early, same, first, last = scorer.in_rungs(genome, seeds, rungs)
    assert early["sentiment/mae"] != first["sentiment/mae"]
    assert same == first == next(scorer.in_rungs(genome, seeds, [Fidelity(None)]))
    assert last == scorer.alone(genome, seeds) != first


def test_a_network_that_diverged_has_no_scores(setting: Setting, monkeypatch: pytest.MonkeyPatch) -> None:
    scorer = Scorer.of(setting.problem())
    outputs = {name: torch.full((80, task.outputs), torch.nan) for name, task in scorer.pool.schema.tasks.items()}
    monkeypatch.setattr("tests.bench.shared.setting.train_in_parts", lambda *_: iter([outputs]))
    assert scorer.alone(TEXT, [0, 1]) == {}
    assert scorer.losses({}) is None


class EnoughError(Exception):
    """Ends a search."""


@pytest.mark.parametrize("name", ["optuna_nsga2", "optuna_tpe", "deap_mu_plus_lambda", "random_search"])
def test_searchers_get_past_their_first_generation(
    name: str, setting: Setting, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In this process: `PEERS` themselves start others."""
    append, ended = Trace.append, []

    def counted(trace: Trace, genome: Genome, scores: dict[str, float], **info: object) -> None:
        append(trace, genome, scores, **info)
        ended.append(genome)
        if len(ended) == 14:
            raise EnoughError

    monkeypatch.setattr(Trace, "append", counted)
    monkeypatch.setattr(peers, "CONTEXT", SimpleNamespace(Pool=ThreadPool))
    for module in (peers, peers_optuna):
        monkeypatch.setattr(module, "POPULATION", 4)
        monkeypatch.setattr(module, "in_processes", lambda setting, trace, work, *rest: work(setting, trace, 0, *rest))
    with pytest.raises(EnoughError):
        peers.PEERS[name](replace(setting, seconds=60.0), tmp_path / "trace.jsonl")
    found = read(tmp_path / "trace.jsonl")
    assert len(found) >= 14
    assert len({item.info["number"] for item in found}) == len(found)
    assert all(item.scores["params"] > 0 and item.seconds > 0 for item in found)
    assert len({item.genome.key for item in found}) > 4


def test_intervals_and_results(tmp_path: Path) -> None:
    values = np.random.default_rng(0).normal(size=50).tolist()
    mean, low, high = mean_interval(values)
    assert low < mean < high
    assert mean == pytest.approx(np.mean(values))
    assert high - low == pytest.approx(2 * 1.96 * np.std(values) / 50**0.5, rel=0.1)
    assert paired_interval([3.0, 4.0], [1.0, 2.0]) == (2.0, 2.0, 2.0)
    written = write_result("x", {"a": 1}, tmp_path).read_text()
    assert '"cpu"' in written and '"torch"' in written and '"a": 1' in written
