"""Confirmation: the front is trained again from scratch, with fresh seeds, so that no winner owes its place to luck."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from typing import Final

import numpy as np

from haemsa.cluster.search.work.cohorts import share
from haemsa.cluster.search.work.split_jobs import SplitJobs
from haemsa.cluster.workers.evaluator import Evaluator
from haemsa.cluster.workers.job import Job, Result
from haemsa.evo.candidate import Candidate, Evaluated, Failure, Score
from haemsa.evo.evolution import Evolution
from haemsa.evo.nsga2 import crowding_distance
from haemsa.evo.objectives import Objectives
from haemsa.evo.rungs import Fidelity
from haemsa.model.seeds import SeedPurpose
from haemsa.model.spec.genome import Genome

log = logging.getLogger(__name__)
CONFIRMING_SEEDS: Final = 5
"""So many networks confirm a genome where one split scores it."""


def contenders(
    front: Sequence[Evaluated[Genome]], best: Sequence[Evaluated[Genome]], objectives: Objectives, count: int
) -> list[Evaluated[Genome]]:
    """The candidates to confirm, at most `count`.

    Half of them are the `best` in the first objective. The others are of the front, from where it has the fewest
    neighbours. The best may be dominated: by chance a candidate with few replicates may dominate a better one with
    many. If the front is small, more of the best take its place.
    """
    if not front:
        return []
    losses = np.array([objectives.means(item.scores) for item in front])
    spread = [front[index] for index in np.argsort(-crowding_distance(losses), kind="stable")]
    half = (count + 1) // 2
    return list({item.id: item for item in (*best[:half], *spread, *best[half:])}.values())[:count]


def chosen_to_confirm(evolution: Evolution[Genome], count: int) -> list[Evaluated[Genome]]:
    """The candidates of a search to confirm, at most `count`.

    If fewer have final scores, those that were nearly promoted to final scores are among them.
    """
    archive, objectives = evolution.archive, evolution.objectives
    chosen = contenders(evolution.front(), archive.best(count), objectives, count)
    if len(chosen) < count:
        below = archive.runners_up()
        chosen += contenders(below, below, objectives, count - len(chosen))
    return chosen


def confirming_replicates(folds: int, kind: str) -> int:
    """How many networks confirm a genome, by the number and the kind of the folds."""
    return max(folds, CONFIRMING_SEEDS if kind.startswith("holdout") else 1)


def confirm(
    evaluator: Evaluator,
    chosen: Sequence[Evaluated[Genome]],
    replicates: int,
    batch: int,
    size: Callable[[Genome], float],
    told: Callable[[int, int], None],
    *,
    shared: bool = False,
) -> dict[int, Result]:
    """Train genomes again from scratch, in cohorts of about `batch` networks of similar `size`.

    Args:
        evaluator: Trains cohorts.
        chosen: The candidates to confirm.
        replicates: How many times each genome is trained.
        batch: Networks in a cohort.
        size: What training a genome costs.
        told: Is told how many of how many genomes have ended: 0 first, then after each cohort.
        shared: Whether all workers get an equal share. Otherwise cohorts are the same for any number of workers.

    Returns:
        Results by id, with weights and held-out predictions. A candidate that fails is left out.
    """
    fidelity = Fidelity(None, replicates)
    jobs = [
        Job(Candidate(item.id, item.genome, item.parents), fidelity, purpose=SeedPurpose.CONFIRMATION, outputs=True)
        for item in sorted(chosen, key=lambda item: (size(item.genome), item.id))
    ]
    networks = share(len(jobs) * replicates, evaluator.workers, batch) if shared else batch
    genomes, split = max(1, networks // replicates), SplitJobs()
    for start in range(0, len(jobs), genomes):
        cohort = jobs[start : start + genomes]
        for part in split.cohorts(cohort, networks) if networks < batch else [cohort]:
            evaluator.submit(part)
    results: dict[int, Result] = {}
    told(0, len(jobs))
    while evaluator.pending:
        for finished in split.gathered(evaluator.collect()):
            results |= {result.id: result for result in finished.results}
        told(len(results), len(jobs))
    for result in results.values():
        if isinstance(result.outcome, Failure):
            log.warning("candidate %d failed when confirmed: %s", result.id, result.outcome.message)
    return {number: result for number, result in sorted(results.items()) if not isinstance(result.outcome, Failure)}


def confirmed_front(
    chosen: Sequence[Evaluated[Genome]], results: Mapping[int, Result], objectives: Objectives
) -> list[Evaluated[Genome]]:
    """The non-dominated candidates by their confirmed scores, best first objective first."""
    import moocore

    records = []
    for item in chosen:
        outcome = results[item.id].outcome if item.id in results else None
        if outcome is not None and not isinstance(outcome, Failure):
            scores: Mapping[str, Score] = {name: score for name, score in outcome.items() if score.finite}
            records.append(Evaluated(item.id, item.genome, item.parents, scores, item.rung))
    if not records:
        return []
    losses = np.array([objectives.means(record.scores) for record in records])
    kept = np.flatnonzero(moocore.is_nondominated(losses, keep_weakly=True))
    return [records[index] for index in sorted(kept, key=lambda index: (*losses[index], records[index].id))]
