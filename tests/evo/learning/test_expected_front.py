"""The front as far as is known, whatever rung a candidate reached."""

from __future__ import annotations

import numpy as np

from tests.support.evo.lines import HIDDEN, outcome, run, search


def test_a_cheap_candidate_is_on_it_though_it_was_never_trained_in_full() -> None:
    evolution = search(screening=1)
    run(evolution, 90)
    evolution.suggest([(HIDDEN, -0.1)])
    (cheap,) = (candidate for candidate in evolution.ask(4) if candidate.genome == (HIDDEN, -0.1))
    evolution.tell(cheap, outcome(cheap))
    assert cheap.id not in {record.id for record in evolution.front()}
    assert (cheap.id, 0) in {(record.id, record.rung) for record, _ in evolution.expected_front()}


def test_nobody_on_it_is_expected_to_be_dominated() -> None:
    evolution = search(screening=1)
    run(evolution, 90)
    losses = np.array([each for _, each in evolution.expected_front()])
    order = np.argsort(losses[:, 1])
    assert (np.diff(losses[order, 0]) <= 0).all()


def test_expectations_are_nearer_to_the_truth_than_scores() -> None:
    nearer = []
    for seed in range(4):
        evolution = search(seed=seed, screening=1)
        run(evolution, 150)
        for record, losses in evolution.expected_front():
            truth = abs(record.genome[0] - HIDDEN)
            score = record.scores["error"].mean - (0.1 if record.rung == 0 else 0.0)
            nearer.append(abs(losses[0] - truth) - abs(score - truth))
    assert np.mean(nearer) < 0.02
