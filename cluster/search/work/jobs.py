"""What goes to a worker with a candidate, and which of its results are kept for later candidates."""

from __future__ import annotations

from collections.abc import Iterable, Set

from haemsa.cluster.run_directory.weights import WeightStore
from haemsa.cluster.workers.job import Job, Result
from haemsa.cluster.workers.row_state import RowState
from haemsa.evo.candidate import Candidate
from haemsa.evo.evolution import Evolution
from haemsa.model.cost import LATENCY
from haemsa.model.spec.genome import Genome


class Jobs:
    """Makes jobs of candidates, with the weights from which they go on. Keeps weights that may still be needed."""

    def __init__(self, evolution: Evolution[Genome], states: WeightStore) -> None:
        self._evolution, self._states = evolution, states
        self._kept = states.kept()
        self._in_work: dict[int, Job] = {}

    def job(self, candidate: Candidate[Genome]) -> Job:
        """The job of a candidate that was asked for."""
        rungs, rung = self._evolution.ladder.rungs, candidate.rung
        if rung == 0:
            job = Job(candidate, rungs[0])
        else:
            scores = self._evolution.archive.evaluated[candidate.id].scores
            values = {name: score.values for name, score in scores.items() if score.values}
            measured = {name: score for name, score in scores.items() if name == LATENCY}
            states = self._load(candidate.id, rung - 1)
            job = Job(candidate, rungs[rung], rungs[rung - 1], values, states, measured)
        self._in_work[candidate.id] = job
        return job

    def candidate(self, number: int) -> Candidate[Genome]:
        """The candidate of a job whose result was not given to `keep` yet."""
        return self._in_work[number].candidate

    def keep(self, results: Iterable[Result], ids_to_keep: Set[int]) -> None:
        """Save the weights of candidates that may still climb or be chosen. Call it before recording."""
        for result in results:
            job = self._in_work.pop(result.id)
            if result.id in ids_to_keep and (result.states or job.states):
                rung = job.candidate.rung
                self._states.save(result.id, rung, {**job.states, **result.states})
                self._kept.add((result.id, rung))

    def prune(self, ids_to_keep: Set[int]) -> None:
        """Delete weights that nobody needs any more, so that the disk does not fill. Call it after recording."""
        evaluated = self._evolution.archive.evaluated
        needless = {
            (number, rung)
            for number, rung in self._kept
            if number not in ids_to_keep or number not in evaluated or rung != evaluated[number].rung
        }
        for number, rung in needless:
            self._states.drop(number, rung)
        self._kept -= needless

    def weights(self, number: int) -> dict[int, RowState]:
        """The trained replicates of a candidate, as its scores were measured. Empty if they were not kept."""
        return self._load(number, self._evolution.archive.evaluated[number].rung)

    def _load(self, number: int, rung: int) -> dict[int, RowState]:
        return self._states.load(number, rung) if (number, rung) in self._kept else {}
