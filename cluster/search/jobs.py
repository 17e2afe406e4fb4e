"""What goes to a worker with a candidate, and which of its results are kept for later candidates."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from haemsa.cluster.run_directory.weights import WeightStore
from haemsa.cluster.workers.job import Arrays, Job, Result, RowState
from haemsa.evo.candidate import Candidate, Score
from haemsa.evo.evolution import Evolution
from haemsa.model.cost import LATENCY
from haemsa.model.spec.genome import Genome


class Jobs:
    """Makes jobs of candidates, with the weights from which they start. Keeps weights that may still be needed.

    With `inherit`, a child starts from the weights of the fitter of its parents, fold by fold, on rungs of few epochs.
    So its first score tells much sooner what it may become. For all its own epochs a child is trained from scratch.
    Otherwise each generation would continue the training of the one before, and genes would win that learn nothing by
    themselves.
    """

    def __init__(self, evolution: Evolution[Genome], states: WeightStore, *, inherit: bool) -> None:
        self._evolution, self._states, self._inherit = evolution, states, inherit
        self._kept = states.kept()
        self._in_work: dict[int, Job] = {}

    def job(self, candidate: Candidate[Genome]) -> Job:
        """The job of a candidate that was asked for."""
        rungs, rung = self._evolution.ladder.rungs, candidate.rung
        if rungs[rung].epochs is not None:
            parent, inherited = self._inherited(candidate, rungs[rung].replicates)
        else:
            parent, inherited = None, {}
        if rung == 0 or self._starts_from_scratch(candidate):
            job = Job(candidate, rungs[rung], parent=parent, inherited=inherited, measured=self._measured(candidate))
        else:
            scores = self._scores(candidate)
            values = {name: score.values for name, score in scores.items() if score.values}
            states = self._load(candidate.id, rung - 1)
            measured = self._measured(candidate)
            job = Job(candidate, rungs[rung], rungs[rung - 1], values, states, parent, inherited, measured)
        self._in_work[candidate.id] = job
        return job

    def _scores(self, candidate: Candidate[Genome]) -> Mapping[str, Score]:
        """The scores that a candidate has from the rung below. Empty on the first rung."""
        record = self._evolution.archive.evaluated.get(candidate.id)
        return record.scores if record is not None else {}

    def _measured(self, candidate: Candidate[Genome]) -> dict[str, Score]:
        """What is measured once for a genome, and stays when it climbs."""
        return {name: score for name, score in self._scores(candidate).items() if name == LATENCY}

    def _starts_from_scratch(self, candidate: Candidate[Genome]) -> bool:
        """Whether a candidate comes to all its own epochs from weights that it inherited."""
        below, here = self._evolution.ladder.rungs[candidate.rung - 1 : candidate.rung + 1]
        return self._inherit and bool(candidate.parents) and below.epochs is not None and here.epochs is None

    def candidate(self, number: int) -> Candidate[Genome]:
        """The candidate of a job whose result was not given to `keep` yet."""
        return self._in_work[number].candidate

    def keep(self, results: Iterable[Result]) -> None:
        """Save the weights of candidates that may still climb, breed or be chosen. Call it before recording."""
        self._evolution.settle()
        ids_to_keep = self._evolution.ids_to_keep(parents=self._inherit)
        for result in results:
            job = self._in_work.pop(result.id)
            if result.id in ids_to_keep and (result.states or job.states):
                rung = job.candidate.rung
                self._states.save(result.id, rung, {**job.states, **result.states})
                self._kept.add((result.id, rung))

    def prune(self) -> None:
        """Delete weights that nobody needs any more, so that the disk does not fill. Call it after recording."""
        evaluated = self._evolution.archive.evaluated
        ids_to_keep = self._evolution.ids_to_keep(parents=self._inherit)
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

    def _inherited(self, candidate: Candidate[Genome], replicates: int) -> tuple[Genome | None, Mapping[int, Arrays]]:
        """The genome of the fitter parent, and its weights by replicate."""
        parent = self._evolution.archive.evaluated.get(candidate.parents[0]) if candidate.parents else None
        if parent is None or not self._inherit:
            return None, {}
        states = self._load(parent.id, parent.rung)
        return parent.genome, {k: state.weights for k, state in states.items() if k < replicates}
