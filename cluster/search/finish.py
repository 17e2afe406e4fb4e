"""The end of a search: confirm the front, save the best network and the best ensemble, write the summary."""

from __future__ import annotations

import logging
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from haemsa.cluster.run_directory.networks import network_rows
from haemsa.cluster.run_directory.plain_models import PlainModels
from haemsa.cluster.run_directory.run_directory import RunDirectory
from haemsa.cluster.search.confirmation import chosen_to_confirm, confirmed_front
from haemsa.cluster.search.driver import Driver
from haemsa.cluster.search.problem import Problem
from haemsa.cluster.shared.files import write_json, write_text
from haemsa.cluster.tracking.records import ModelTrained, SearchEnded
from haemsa.cluster.tracking.runs.names import VALID, all_scored
from haemsa.cluster.tracking.tracker import Tracker
from haemsa.cluster.workers.cohort_trainer import CohortTrainer, WorkerData
from haemsa.cluster.workers.job import Job, Result
from haemsa.evo.candidate import Candidate, Evaluated, Score
from haemsa.evo.rungs import Fidelity
from haemsa.model.spec.genome import Genome

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class SearchOutcome:
    """What a search found: its front, by confirmed scores where there are any.

    `searched`: the candidates of the search's own front, and all that were confirmed, by id, with the scores that the
    search gave them. `results`: what the confirmation gave, by id.
    """

    front: Sequence[Evaluated[Genome]]
    searched: Mapping[int, Evaluated[Genome]]
    results: Mapping[int, Result] = field(default_factory=dict)

    @property
    def best(self) -> Evaluated[Genome] | None:
        """The best in the first objective, however large. The front (and --limit) are there for smaller networks."""
        return self.front[0] if self.front else None


def unconfirmed(driver: Driver) -> SearchOutcome:
    """The front by the search's own scores."""
    front = driver.evolution.front()
    return SearchOutcome(front, {item.id: item for item in front})


def confirm_front(driver: Driver) -> SearchOutcome:
    """Train the best candidates again from scratch, and choose among them by the new scores.

    If confirmation is off, the search's own scores count. If fewer candidates than may be confirmed have final scores,
    those that were nearly promoted to final scores are confirmed too.
    """
    front, count, confirmation = driver.evolution.front(), driver.config.confirm, driver.confirmation
    if not count or not front or not confirmation:
        return unconfirmed(driver)
    chosen = chosen_to_confirm(driver.evolution, count)
    begun = driver.clock.now()

    def told(done: int, total: int) -> None:
        log.info("confirmed %d of %d", done, total)
        status = driver.statistics.confirming(done, total, driver.clock.now() - begun)
        driver.progress.update(status)
        left = {"seconds": status.remaining, "phase": status.phase, "at": time.time()}
        driver.run_directory.journal.note({"left": left})

    shared = driver.config.mode == "steady"
    results = confirmation.confirm(chosen, driver.evolution.batch, told, shared=shared)
    driver.run_directory.journal.confirm({number: _scores(result) for number, result in results.items()})
    confirmed = confirmed_front(chosen, results, driver.evolution.objectives)
    if confirmed:
        driver.progress.update(driver.statistics.confirmed(confirmed, len(chosen)))
    return SearchOutcome(confirmed or front, {item.id: item for item in (*front, *chosen)}, results)


def finish(
    driver: Driver, problem: Problem, data: WorkerData, run: RunDirectory, tracker: Tracker, name: str, ended_by: str,
    outcome: SearchOutcome,
) -> dict[str, Any]:  # fmt: skip
    """Save the best network and the ensemble, register the best, and write the summary. Returns the summary."""
    objectives = list(problem.objectives)
    summary: dict[str, Any] = {
        "name": name,
        "data": driver.config.data,
        "fingerprint": problem.fingerprint,
        "validation": problem.folds.kind,
        "seed": driver.config.seed,
        "ended_by": ended_by,
        **({"nodes_left": driver.nodes_left} if driver.nodes_left else {}),
        **driver.statistics.costs(),
        "objectives": dict(problem.objectives),
        "confirmed": len(outcome.results),
        "best": as_json(outcome.best, objectives, outcome.searched) if outcome.best else None,
        "front": [as_json(item, objectives, outcome.searched) for item in outcome.front],
        "ensemble": None,
        "plain": None,
    }
    run.write_front(outcome.front, outcome.searched)
    run.write_population()
    address = None
    if outcome.best is not None:
        save_best(outcome, problem, data, run, driver)
        summary["ensemble"] = save_ensemble(outcome, problem, run)
        known = ended_by != "interrupted"  # a search that was cut off has no final scores, and the user waits
        plain = problem.plain_models(outcome.best.scores, driver.config.seed) if known else None
        summary["plain"] = asdict(plain) if plain else None
        record = _record(outcome.best, problem, run, name, plain)
        address = tracker.trained(record if _is_final(outcome, driver, ended_by) else _so_far(record))
    summary["model"] = address
    run.write_summary(summary)
    genome = outcome.best.genome.to_json() if outcome.best else None
    status = "stopped" if ended_by == "interrupted" else "finished"
    survivors = sorted(driver.evolution.population, key=lambda item: (-item.level, item.losses[0], item.id))
    ids = ([item.id for item in outcome.front], [item.id for item in survivors])
    networks = network_rows(run.journal.rows([*ids[0], *ids[1], *outcome.results]), *ids)
    place = run.path.resolve()
    tracker.ended(SearchEnded(summary, genome, place, status, networks=networks, at=time.time()))  # type: ignore[arg-type]
    return summary


def _is_final(outcome: SearchOutcome, driver: Driver, ended_by: str) -> bool:
    """Whether the score of the best is confirmed; or, if nobody asked for that, whether it is a final one."""
    assert outcome.best is not None
    if ended_by == "interrupted":
        return False
    final = not driver.config.confirm and outcome.best.rung >= driver.evolution.ladder.full
    return final or outcome.best.id in outcome.results


def _so_far(record: ModelTrained) -> ModelTrained:
    """The record of a network whose score is not confirmed."""
    what = record.what.replace("best network", "best network so far")
    return replace(record, what=what, measured=f"{record.measured}, not confirmed", confirmed=False)


def _record(
    best: Evaluated[Genome], problem: Problem, run: RunDirectory, name: str, plain: PlainModels | None
) -> ModelTrained:
    objective, direction = next(iter(problem.objectives.items()))
    return ModelTrained(
        name=name,
        model_dir=run.best,
        fingerprint=problem.fingerprint,
        objective=objective,
        direction=direction,
        score=best.scores[objective].mean,
        genome_json=best.genome.to_json(),
        data_name=problem.pool.name,
        measured=f"in the search, by {problem.folds.kind}",
        metrics=all_scored(VALID, {name: score.mean for name, score in best.scores.items()}, problem.pool.tasks),
        dataset=problem.described,
        commit=run.manifest().get("commit"),
        what=f"best network {best.id}",
        better_plain=(plain and plain.better) or "",
    )


def save_best(outcome: SearchOutcome, problem: Problem, data: WorkerData, run: RunDirectory, driver: Driver) -> None:
    """Save the best network as it was scored, one member per replicate, and its genome, in the folder `best/`."""
    from haemsa.cluster.search.ensemble import model_of

    best = outcome.best
    assert best is not None
    states = outcome.results[best.id].states if best.id in outcome.results else driver.jobs.weights(best.id)
    if len(states) < best.scores[next(iter(problem.objectives))].replicates:  # a process ended before it saved them
        log.warning("the weights of candidate %d are missing and are trained again", best.id)
        fidelity = Fidelity(None, len(problem.folds))
        (result,) = CohortTrainer(data)([Job(Candidate(best.id, best.genome), fidelity)])
        states = result.states
    scores = {name: score.mean for name, score in best.scores.items()}
    info = {**run.manifest(), "candidate": best.id, "validation": scores}
    model_of([(best.genome, states, 1)], problem, info).save(run.best)
    write_text(run.best / "genome.json", best.genome.to_json() + "\n")


def save_ensemble(outcome: SearchOutcome, problem: Problem, run: RunDirectory) -> dict[str, Any] | None:
    """Save the best ensemble of the confirmed networks in the folder `ensemble/`. Returns what the summary says of it.

    It is chosen greedily on held-out predictions (Caruana et al., "Ensemble selection from libraries of models", ICML
    2004). None if no network was confirmed.
    """
    from haemsa.cluster.search.ensemble import choose_ensemble, model_of

    if not outcome.results:
        return None
    chosen = choose_ensemble(list(outcome.results.values()), problem)
    genomes = {number: item.genome for number, item in outcome.searched.items()}
    members = [(genomes[number], outcome.results[number].states, n) for number, n in chosen.counts.items()]
    facts = {
        "members": [{"id": number, "count": count} for number, count in chosen.counts.items()],
        "scores": chosen.scores,
        "best_alone": chosen.alone,
        **chosen.costs(genomes, problem, replicates=len(members[0][1])),
    }
    info = {**run.manifest(), "ensemble": True, "genomes": len(members), "validation": chosen.scores}
    model_of(members, problem, info).save(run.ensemble)
    write_json(run.ensemble / "members.json", [{"genome": genome.to_dict(), "count": n} for genome, _, n in members])
    return facts


def _scores(result: Result) -> Mapping[str, Score]:
    assert isinstance(result.outcome, Mapping)
    return {name: score for name, score in result.outcome.items() if score.finite}


def as_json(
    item: Evaluated[Genome], objectives: Sequence[str], searched: Mapping[int, Evaluated[Genome]] | None = None
) -> dict[str, Any]:
    """A candidate as summary.json holds it: its genome and all its scores, the objectives first.

    `searched`: candidates by id, as the search scored them. They give `search_scores`, where `scores` are confirmed.
    """
    names = [*objectives, *(name for name in item.scores if name not in objectives)]
    scores: Mapping[str, float] = {name: item.scores[name].mean for name in names}
    errors = {name: item.scores[name].error for name in names if item.scores[name].error}
    before = searched.get(item.id) if searched else None
    return {
        "id": item.id,
        "genome": item.genome.to_dict(),
        "scores": scores,
        "errors": errors,
        "search_scores": {name: before.scores[name].mean for name in objectives} if before else {},
    }
