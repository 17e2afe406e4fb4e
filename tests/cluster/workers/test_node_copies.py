"""Workers on a node without the data's file get one copy of it."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from haemsa.cluster.search.problem import Problem, worker_data
from haemsa.cluster.workers.cohort_trainer import CohortTrainer
from haemsa.cluster.workers.evaluator import InlineEvaluator
from haemsa.cluster.workers.node_copies import localised, trainer_maker, versions_of
from haemsa.model.data.dataset import Dataset
from haemsa.model.data.store.file import read
from tests.support.cluster.search_fakes import jobs
from tests.support.cluster.tiny import settings, stored


@pytest.fixture
def streamed(tmp_path: Path) -> Dataset:
    return read(stored(tmp_path), stream=True)


class Remote:
    """Stands for the driver's node: serves a file's bytes, and counts what was asked."""

    def __init__(self, content: bytes, block: int = 1000) -> None:
        self.content, self.block, self.starts = content, block, list[int]()

    def __call__(self, path: str, start: int) -> bytes:
        self.starts.append(start)
        return self.content[start : start + self.block]


def test_a_file_that_is_here_is_used_as_it_is(streamed: Dataset, tmp_path: Path) -> None:
    remote = Remote(b"")
    found = localised(streamed, tmp_path / "copies", remote)
    assert versions_of(found) == versions_of(streamed)
    assert not remote.starts


@pytest.mark.parametrize("change", ["moved", "another version"])
def test_a_file_that_is_missing_or_another_is_fetched_once_in_blocks(
    streamed: Dataset, tmp_path: Path, change: str
) -> None:
    (path,) = map(Path, versions_of(streamed))
    remote = Remote(path.read_bytes())
    if change == "moved":
        path.rename(tmp_path / "elsewhere.h5")
    else:
        os.utime(path, ns=(0, 0))
    expected = -(-len(remote.content) // remote.block)
    with ThreadPoolExecutor(3) as threads:
        folder = tmp_path / "copies"
        every = list(threads.map(lambda _: localised(streamed, folder, remote), range(3)))
    assert len(remote.starts) == expected
    (copy,) = {Path(place) for found in every for place in versions_of(found)}
    assert copy.parent == folder
    assert copy.read_bytes() == remote.content
    assert every[0].modalities["text"].features[np.arange(3)].any()
    assert not list(folder.glob("*.part"))


def test_what_was_known_of_moments_is_kept(streamed: Dataset, tmp_path: Path) -> None:
    known = streamed.modalities["text"].moments
    (path,) = map(Path, versions_of(streamed))
    assert streamed.modalities["text"].moved(path.rename(tmp_path / "anywhere.h5")).moments is known


@pytest.mark.ray
def test_a_file_that_was_replaced_meanwhile_is_told(ray_cluster: None, tmp_path: Path) -> None:
    path = stored(tmp_path)
    config = settings(data=str(path))
    given = worker_data(config, Problem.of(config, read(path, stream=True)))
    os.utime(path, ns=(0, 0))
    with pytest.raises(Exception, match="has changed since it was read"):
        trainer_maker(given)


@pytest.mark.ray
def test_a_worker_without_the_file_scores_as_one_that_has_it(ray_cluster: None, tmp_path: Path) -> None:
    from haemsa.cluster.workers.elastic.crew import Crew
    from haemsa.cluster.workers.ray_evaluator import RayEvaluator

    path = stored(tmp_path)
    config = settings(data=str(path))
    problem = Problem.of(config, read(path, stream=True))
    data, (cohort,) = worker_data(config, problem), [jobs(3)]
    here = InlineEvaluator(CohortTrainer(data))
    here.submit(cohort)
    (expected,) = here.collect()
    make = trainer_maker(data)
    path.rename(tmp_path / "elsewhere.h5")
    evaluator = RayEvaluator.of(make, data, Crew(1))
    evaluator.submit(cohort)
    (found,) = evaluator.collect()
    evaluator.close()
    assert [result.outcome for result in found.results] == [result.outcome for result in expected.results]
