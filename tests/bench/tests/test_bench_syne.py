"""Syne Tune as a peer: its priorities are ranks, what is suggested is a genome, and trials are stopped or go on."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("syne_tune", reason="the extra `peers` is not installed")

from syne_tune.optimizer.schedulers.multiobjective.multiobjective_priority import NonDominatedPriority

from haemsa.model.data.builtin.planted import planted
from haemsa.model.data.store.file import write
from haemsa.model.spec.genome import Genome
from tests.bench.evolution.suggest import parameters
from tests.bench.evolution.traces import Trace, read
from tests.bench.full import peers_syne, syne_schedulers
from tests.bench.full.peers_syne import Kind, Study
from tests.bench.full.syne_schedulers import Ranks, config_space
from tests.bench.shared.setting import Setting

pytestmark = pytest.mark.slow

SPACE = {"epochs": [2, 9], "widths": [8], "expert_widths": [8], "max_levels": 1, "max_experts": 2}
THREE = np.array([[3.0, 3.0], [1.0, 1.0], [2.0, 2.0]])


@pytest.fixture(scope="module")
def setting(tmp_path_factory: pytest.TempPathFactory) -> Setting:
    path = tmp_path_factory.mktemp("data") / "tiny.h5"
    write(planted(sizes=(60, 20, 20)), path)
    return Setting(str(path), seconds=60.0, seed=3, space=SPACE)


def test_candidates_are_ranked_front_by_front_and_spread_within_one() -> None:
    assert Ranks()(THREE).tolist() == [2, 0, 1]
    assert Ranks()(np.array([[1.0, 3.0], [2.0, 2.0], [3.0, 1.0], [4.0, 4.0]])).tolist() == [0, 2, 1, 3]


def test_the_priority_of_the_library_gives_the_best_the_last_place() -> None:
    """When this fails, the library was repaired, and `Ranks` can go."""
    assert NonDominatedPriority()(THREE).tolist() == [1, 2, 0]


def test_every_gene_of_a_genome_is_in_the_space_of_the_library(setting: Setting) -> None:
    problem = setting.problem()
    genes = config_space(problem)
    assert genes["width"] == 0
    for seed in range(20):
        given = parameters(problem.space.domain, problem.space.sample(np.random.default_rng(seed)))
        assert set(given) <= set(genes)
        assert all(genes[name].is_valid(value) for name, value in given.items() if hasattr(genes[name], "is_valid"))


def test_moasha_stops_what_is_not_in_the_best_third_after_a_rung(setting: Setting) -> None:
    study = Study(setting, "moasha")
    (first, text), (second, _), (third, _), (fourth, _) = (study.ask() for _ in range(4))
    rng = np.random.default_rng(setting.seed)
    assert Genome.from_json(text) == setting.problem().space.sample(rng)
    assert study.tell(first, 0, [1.0, 100.0])
    assert not study.tell(second, 0, [2.0, 200.0])
    assert study.tell(third, 0, [0.5, 50.0])
    assert not study.tell(fourth, 0, None)
    assert [study.tell(third, rung, [0.5, 50.0]) for rung in (1, 2)] == [True, False]  # 2 is the last


def test_regularised_evolution_changes_one_gene_of_the_best_of_some(
    setting: Setting, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(syne_schedulers, "POPULATION", 4)
    monkeypatch.setattr(syne_schedulers, "SAMPLE", 64)  # all of them
    study, configs = Study(setting, "evolution"), []
    for number in range(6):
        found, _ = study.ask()
        configs.append(study._trials[found].config)
        assert not study.tell(found, 0, [1.0 - number / 10, 100.0])
    for _ in range(5):
        found, _ = study.ask()
        child = study._trials[found].config
        assert sum(child[name] != value for name, value in configs[-1].items()) == 1


@pytest.mark.parametrize("kind", ["moasha", "evolution"])
def test_the_searchers_train_new_genomes_and_leave_a_trace(
    kind: Kind, setting: Setting, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In this process: the searchers themselves start others."""
    monkeypatch.setattr(syne_schedulers, "POPULATION", 4)
    trace, study = Trace.begin(tmp_path / "trace.jsonl"), Study(setting, kind)
    ask, enough = study.ask, 14

    def few() -> tuple[int, str]:
        if len(study._trials) == enough:
            raise EOFError
        return ask()

    monkeypatch.setattr(study, "ask", few)
    with pytest.raises(EOFError):
        peers_syne._work(setting, trace, 0, kind, study)
    found = read(trace.path)
    assert len({item.genome.key for item in found}) == enough
    assert {item.info["id"] for item in found} == set(range(enough))
    levels = [item.info["level"] for item in found]
    assert max(levels) == (2 if kind == "moasha" else 0)
    assert levels.count(0) == enough > sum(level > 0 for level in levels) / 2
