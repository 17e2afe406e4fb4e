"""Searches over a space that is not ours: in this process and on Ray, cut off and taken up, with bad genomes."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from haemsa.cluster.run_directory.run_directory import RunDirectory
from haemsa.cluster.search.custom import search_custom
from haemsa.cluster.search.custom_genomes import CodedSpace, as_it_is, tuples
from haemsa.evo.candidate import Failure, Score

OBJECTIVES = {"ones": "max", "inside": "min"}
QUICK = {"evaluations": 40, "population": 8, "seed": 3, "mode": "generational"}


class Bits:
    """Sixteen zeros and ones."""

    def sample(self, rng: np.random.Generator) -> tuple[int, ...]:
        return tuple(rng.integers(0, 2, 16).tolist())

    def mutate(self, genome: tuple[int, ...], rng: np.random.Generator) -> tuple[int, ...]:
        place = int(rng.integers(16))
        return (*genome[:place], 1 - genome[place], *genome[place + 1 :])

    def crossover(
        self, a: tuple[int, ...], b: tuple[int, ...], rng: np.random.Generator
    ) -> tuple[tuple[int, ...], tuple[int, ...]]:
        cut = int(rng.integers(16))
        return a[:cut] + b[cut:], b[:cut] + a[cut:]

    def key(self, genome: tuple[int, ...]) -> str:
        return "".join(map(str, genome))


def counted() -> Any:
    """How many ones, and how many changes between neighbours. Made within a function, so that Ray sends it by value."""

    def count(genome: tuple[int, ...]) -> dict[str, float]:
        return {"ones": sum(genome), "inside": sum(a != b for a, b in pairwise(genome)), "more": 1}

    return count


def points(found: Any) -> list[tuple[int, float, float]]:
    return [(item.id, item.scores["ones"].mean, item.scores["inside"].mean) for item in found.front]


def test_a_search_ends_with_its_front_and_all_that_was_evaluated() -> None:
    found = search_custom(Bits(), OBJECTIVES, counted(), backend="inline", **QUICK)
    assert (len(found.evaluated), found.failed, found.ended_by) == (40, [], "evaluations")
    assert found.hypervolume > 0
    assert found.front[0].genome in [item.genome for item in found.evaluated]
    assert found.front[0].scores["ones"] == Score(float(sum(found.front[0].genome)))
    assert found.front[0].scores["more"].mean == 1


@pytest.mark.ray
def test_ray_finds_the_same_front(ray_cluster: None) -> None:
    alone = search_custom(Bits(), OBJECTIVES, counted(), backend="inline", **QUICK)
    assert points(search_custom(Bits(), OBJECTIVES, counted(), workers=2, **QUICK)) == points(alone)


def test_a_search_goes_on_where_it_was_cut_off(tmp_path: Path) -> None:
    whole = search_custom(Bits(), OBJECTIVES, counted(), backend="inline", **QUICK)
    calls = 0

    def interrupted(genome: tuple[int, ...]) -> dict[str, float]:
        nonlocal calls
        calls += 1
        if calls == 20:
            raise KeyboardInterrupt
        return dict(counted()(genome))

    run = tmp_path / "run"
    first = search_custom(Bits(), OBJECTIVES, interrupted, backend="inline", run=run, **QUICK)
    assert (first.ended_by, len(first.evaluated)) == ("interrupted", 19)
    second = search_custom(Bits(), OBJECTIVES, counted(), backend="inline", run=str(run), **QUICK)
    assert points(second) == points(whole)
    assert len((run / "front.csv").read_text().splitlines()) == 1 + len(second.front)
    more = search_custom(Bits(), OBJECTIVES, counted(), backend="inline", run=run, **{**QUICK, "evaluations": 48})
    assert len(more.evaluated) == 48


def test_another_search_in_the_run_directory_is_refused_and_stays(tmp_path: Path) -> None:
    search_custom(Bits(), OBJECTIVES, counted(), backend="inline", run=tmp_path / "run", **QUICK)
    with pytest.raises(ValueError, match="the saved search has seed 3, this one 4"):
        search_custom(Bits(), OBJECTIVES, counted(), backend="inline", run=tmp_path / "run", **{**QUICK, "seed": 4})
    with RunDirectory.open(tmp_path / "run") as run:
        assert run.config().seed == 3


def test_what_an_evaluation_raises_or_returns_as_a_failure_is_one() -> None:
    def picky(genome: tuple[int, ...]) -> dict[str, float] | Failure:
        if genome[0]:
            raise RuntimeError("a one in front\nand more")
        return Failure("nan", "odd") if genome[1] else {"ones": float(sum(genome))}

    found = search_custom(Bits(), {"ones": "max"}, picky, backend="inline", **QUICK)
    messages = {failed.failure.message for failed in found.failed}
    assert messages == {"RuntimeError: a one in front", "odd"}
    assert all(not item.genome[0] for item in found.evaluated)
    assert len(found.evaluated) + len(found.failed) == 40


def test_a_small_space_is_searched_whole() -> None:
    class Three(Bits):
        def sample(self, rng: np.random.Generator) -> tuple[int, ...]:
            return (int(rng.integers(3)),)

        def mutate(self, genome: tuple[int, ...], rng: np.random.Generator) -> tuple[int, ...]:
            return self.sample(rng)

        def crossover(self, a: Any, b: Any, rng: np.random.Generator) -> Any:
            return a, b

    found = search_custom(Three(), {"ones": "max"}, lambda genome: {"ones": genome[0]}, backend="inline", seed=1)
    assert sorted(item.genome for item in found.evaluated) == [(0,), (1,), (2,)]
    assert found.ended_by == "space exhausted"


@dataclass(frozen=True)
class Named:
    bits: tuple[int, ...]


class NamedBits:
    """The same bits in a class of its own."""

    def sample(self, rng: np.random.Generator) -> Named:
        return Named(Bits().sample(rng))

    def mutate(self, genome: Named, rng: np.random.Generator) -> Named:
        return Named(Bits().mutate(genome.bits, rng))

    def crossover(self, a: Named, b: Named, rng: np.random.Generator) -> tuple[Named, Named]:
        first, second = Bits().crossover(a.bits, b.bits, rng)
        return Named(first), Named(second)

    def key(self, genome: Named) -> str:
        return Bits().key(genome.bits)


def test_genomes_of_ones_own_class_travel_by_encode_and_decode(tmp_path: Path) -> None:
    given = {"backend": "inline", "run": tmp_path / "run", **QUICK}

    def evaluate(genome: Named) -> dict[str, float]:
        return dict(counted()(genome.bits))

    def decode(value: list[int]) -> Named:
        return Named(tuple(value))

    for evaluations in (16, 24):
        given["evaluations"] = evaluations
        found = search_custom(NamedBits(), OBJECTIVES, evaluate, encode=lambda g: g.bits, decode=decode, **given)
    assert len(found.evaluated) == 24
    assert all(isinstance(item.genome, Named) for item in found.evaluated)


def test_genomes_that_json_cannot_hold_are_refused_before_any_is_evaluated() -> None:
    with pytest.raises(ValueError, match=r"genome Named\(.*\) cannot be written as JSON, expected finite numbers"):
        search_custom(NamedBits(), OBJECTIVES, counted(), backend="inline")
    with pytest.raises(ValueError, match="comes back from its JSON as another"):
        CodedSpace(Bits(), as_it_is, lambda value: tuples(value)[:3]).check(np.random.default_rng(0))


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        (
            {"validation": "holdout"},
            "setting 'validation' is not one of a custom search, expected one of evaluations, time",
        ),
        ({"evaluations": 0}, "setting evaluations is 0, expected 1 or more"),
        ({"backend": "threads"}, "setting backend is 'threads', expected 'ray' or 'inline'"),
    ],
)
def test_settings_that_do_not_fit_are_one_sentence(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        search_custom(Bits(), OBJECTIVES, counted(), **settings)


def test_an_objective_without_a_score_is_one_sentence() -> None:
    with pytest.raises(ValueError, match="objective inside has no score, those told are ones"):
        search_custom(Bits(), OBJECTIVES, lambda genome: {"ones": sum(genome)}, backend="inline", **QUICK)
