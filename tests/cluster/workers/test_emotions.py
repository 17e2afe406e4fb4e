"""A set shaped like IEMOCAP's six emotions: 7,433 utterances in dialogues of five sessions, vectors, uneven classes."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest

from haemsa.cluster.search.problem import Problem, worker_data
from haemsa.cluster.workers.cohort_trainer import CohortTrainer
from haemsa.cluster.workers.job import Job
from haemsa.evo.candidate import Candidate, Score
from haemsa.evo.rungs import Fidelity
from haemsa.model.data.cleaning import RawModality
from haemsa.model.data.dataset import Dataset
from haemsa.model.data.readers.assemble import assemble
from haemsa.model.data.readers.context import with_context
from haemsa.model.data.task import Task
from tests.support.cluster.tiny import settings

SIZES = {"hap": 648, "sad": 1084, "neu": 1708, "ang": 1103, "exc": 1041, "fru": 1849}
WIDTHS = {"text": 768, "acoustic": 88, "paralinguistic": 25}
DIALOGUES = 30
"""In each session."""


@cache
def emotions() -> Dataset:
    """Emotions that last for some utterances, and features that tell a little of them."""
    rng = np.random.default_rng(0)
    labels = np.concatenate([np.full(size, number) for number, size in enumerate(SIZES.values())])
    runs = np.array_split(labels, 1500)
    labels = np.concatenate([runs[place] for place in rng.permutation(len(runs))])
    dialogue = np.arange(len(labels)) * 5 * DIALOGUES // len(labels)
    session = dialogue // DIALOGUES
    place = np.arange(len(labels)) - np.searchsorted(dialogue, dialogue)
    raw = {}
    for name, width in WIDTHS.items():
        directions = rng.normal(size=(len(SIZES), width)) * 0.25
        features = rng.normal(size=(len(labels), width)) + directions[labels]
        raw[name] = RawModality(features[:, None].astype(np.float32), np.ones(len(labels), np.int64))
    ids = [f"Ses{s + 1:02}_{d}[{p}]" for s, d, p in zip(session, dialogue, place, strict=True)]
    valid = rng.random(len(labels)) < 0.1
    splits = {
        "train": np.flatnonzero((session < 4) & ~valid),
        "valid": np.flatnonzero((session < 4) & valid),
        "test": np.flatnonzero(session == 4),
    }
    task = Task("classes", labels.astype(np.int64), tuple(SIZES))
    names = [f"Ses{s + 1:02}" for s in session]
    return assemble("emotions", raw, {"emotion": task}, ids, groups=names, splits=splits)


def test_each_session_of_the_pool_is_left_out_once() -> None:
    problem = Problem.of(settings(validation="groups", objectives=["wf1", "params"]), emotions())
    assert len(emotions()) == 7433
    assert problem.folds.kind == "groups"
    assert len(problem.folds) == 4
    for held_out in problem.folds.held_out:
        assert len(set(problem.pool.groups[held_out].tolist())) == 1
    assert problem.main_metric == ("wf1", "max")


def test_utterances_look_back_within_their_dialogue_alone() -> None:
    data = with_context(emotions(), 5)
    assert list(data.modalities) == [*WIDTHS, *(f"{name}_before" for name in WIDTHS)]
    first = [place for place, name in enumerate(data.ids) if name.endswith("[0]")]
    assert len(first) == 5 * DIALOGUES
    assert not data.modalities["text_before"].lengths[first].any()
    assert data.modalities["text_before"].lengths[np.array(first) + 1].tolist() == [1] * len(first)


@pytest.mark.slow
@pytest.mark.parametrize("context", [0, 3])
def test_a_network_learns_more_than_the_largest_class(context: int) -> None:
    data = with_context(emotions(), context) if context else emotions()
    space = {"epochs": [1], "widths": [16], "max_levels": 1, "max_experts": 2, "expert_widths": [16]}
    config = settings(validation="groups", objectives=["wf1", "params"], space=space, batch_size=64)
    problem = Problem.of(config, data)
    genome = problem.space.sample(np.random.default_rng(1))
    (result,) = CohortTrainer(worker_data(config, problem))([Job(Candidate(0, genome), Fidelity(None, 1))])
    assert isinstance(result.outcome, dict)
    scores: dict[str, Score] = result.outcome
    majority = max(SIZES.values()) / sum(SIZES.values())
    assert scores["accuracy"].mean > 1.5 * majority
