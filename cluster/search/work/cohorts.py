"""Which candidates train together, and on how many workers: near the end of a search so that few workers idle.

What is left is shared among all workers, and a cohort of candidates with several replicates is at most one share. Where
a share is less than one candidate, several workers train its replicates. So all workers end at about the same time
(guided self-scheduling: Polychronopoulos and Kuck, "Guided self-scheduling", IEEE Transactions on Computers 1987).

Candidates with one replicate stay in full cohorts. If their results came one by one, the first of them would climb
before the others are known. In searches of 48 genomes on two simulated workers this costs .05 of the hypervolume.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Final

import numpy as np

from haemsa.cluster.search.work.split_jobs import SplitJobs
from haemsa.cluster.workers.evaluator import Evaluator, Finished, JobBatch
from haemsa.cluster.workers.job import Job
from haemsa.evo.candidate import Candidate
from haemsa.evo.evolution import Evolution
from haemsa.model.seeds import SeedPurpose
from haemsa.model.spec.genome import Genome


def share(networks: int, workers: int, most: int) -> int:
    """Networks that one worker gets, if so many are left for all: at least one, and at most `most`.

    Example:
        >>> [share(left, workers=3, most=8) for left in (60, 24, 5, 1)]
        [8, 8, 2, 1]
    """
    return max(1, min(most, math.ceil(networks / max(1, workers))))


TOO_LONG: Final = 5.0
"""What trains so many times as long as usual is begun anew by workers that idle."""
LOOK: Final = 5.0
"""Seconds between looks at what takes too long."""


Network = tuple[int, int, int]
"""What is trained once: a candidate's id, a rung, and a replicate."""


class Cohorts:
    """Gives candidates to the workers, in cohorts of one rung and similar cost: these waste the least on padding.

    In generational mode cohorts are the same for every backend and number of workers. They also stay the same after a
    restart: cohorts are recorded whole, so what remains of a generation is cut as it was before.

    Args:
        evolution: What is searched by.
        evaluator: Trains cohorts.
        size: What training a genome costs.
        new: How many new candidates may still be asked for; None: any number.
    """

    def __init__(
        self,
        evolution: Evolution[Genome],
        evaluator: Evaluator,
        size: Callable[[Genome], float],
        new: Callable[[], int | None],
    ) -> None:
        self._evolution, self._evaluator, self._size, self._new = evolution, evaluator, size, new
        self._steady, self._split = evolution.mode == "steady", SplitJobs()
        self._begun_anew: set[Network] = set()

    def most_asked(self) -> int:
        """How many candidates are asked for at once: a cohort for each free worker, or a whole generation."""
        if not self._steady:
            return self._evolution.population_size
        return self._genomes(0, self._evolution.batch) * self._evaluator.free

    def submit(self, candidates: Sequence[Candidate[Genome]], job: Callable[[Candidate[Genome]], Job]) -> None:
        """Give the jobs of candidates to the workers."""
        networks, ladder = self._share(candidates), self._evolution.ladder
        for rung in sorted({candidate.rung for candidate in candidates}):
            on_rung = [candidate for candidate in candidates if candidate.rung == rung]
            on_rung.sort(key=lambda item: (self._size(item.genome), item.id))
            most = networks if ladder.added(rung) > 1 else self._evolution.batch
            for cohort in self._cut(on_rung, self._genomes(rung, most)):
                jobs = [job(candidate) for candidate in cohort]
                shared = most < self._evolution.batch
                for part in self._split.cohorts(jobs, most) if shared else [jobs]:
                    self._evaluator.submit(part)

    def take_over(self) -> bool:
        """Let idle workers begin anew a cohort that takes too long, with one network on each. Whether there was any.

        It may be the worker that is slow, or the genome. So no network begins anew twice.
        """
        cohort = self._evaluator.take_back(TOO_LONG, self._may_begin_anew) if self._at_end() else None
        self._begun_anew |= _networks(cohort or ())
        for job in cohort or ():
            for part in self._split.cohorts([job], 1):
                self._evaluator.submit(part)
        return cohort is not None

    def _may_begin_anew(self, cohort: JobBatch) -> bool:
        """Whether a worker idles for each of its networks, and none of these began anew before."""
        if cohort[0].purpose == SeedPurpose.CONFIRMATION:
            return False
        networks = _networks(cohort)
        return 0 < len(networks) <= self._evaluator.free and not networks & self._begun_anew

    def look_after(self) -> float | None:
        """Seconds after which to look at what takes too long; None: only when a cohort ends."""
        return LOOK if self._at_end() and self._evaluator.free else None

    def ended(self, finished: Sequence[Finished]) -> list[Finished]:
        """Of the cohorts that ended, those that are whole. A candidate in parts ends with the last of them."""
        return self._split.gathered(finished)

    def _at_end(self) -> bool:
        """Whether only what was asked for already can still climb."""
        return self._steady and self._new() == 0

    def _share(self, asked: Sequence[Candidate[Genome]]) -> int:
        """Networks in a cohort, if these candidates and all that is left of the search are shared."""
        evolution, new = self._evolution, self._new()
        if new is None or not self._steady:
            return evolution.batch
        added = evolution.ladder.added
        left = sum(added(candidate.rung) for candidate in asked) + new * added(0) + evolution.climbable
        return share(left, self._evaluator.workers, evolution.batch)

    def _genomes(self, rung: int, networks: int) -> int:
        """Genomes in a cohort on a rung: their replicates fill it. A cohort never ends more than one generation."""
        fitting = networks // self._evolution.ladder.added(rung)
        return max(1, min(fitting, self._evolution.population_size))

    def _cut(self, candidates: list[Candidate[Genome]], genomes: int) -> list[list[Candidate[Genome]]]:
        """Cohorts of equal size, at most `genomes` each; in steady state at least one for each free worker."""
        count = math.ceil(len(candidates) / genomes)
        if self._steady:
            count = max(count, min(len(candidates), self._evaluator.free))
        parts = np.array_split(np.arange(len(candidates)), count)
        return [[candidates[place] for place in part] for part in parts]


def _networks(cohort: JobBatch) -> set[Network]:
    """What a cohort trains."""
    return {(job.id, job.candidate.rung, replicate) for job in cohort for replicate in job.waiting()}
