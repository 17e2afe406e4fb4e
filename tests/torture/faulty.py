"""A trainer for which three genomes are bad: one diverges, one never ends, one takes all memory."""

from __future__ import annotations

import dataclasses
import threading
from collections.abc import Sequence

from haemsa.cluster.workers.cohort_trainer import CohortTrainer
from haemsa.cluster.workers.job import Job, Result

DIVERGES, HANGS, HOARDS = 4, 9, 14
"""Ids of the candidates."""


class FaultyTrainer(CohortTrainer):
    """Trains all others for real."""

    def _train(self, jobs: Sequence[Job]) -> list[Result]:
        ids = {job.id for job in jobs}
        if HANGS in ids:
            threading.Event().wait()
        taken: list[bytes] = []
        while HOARDS in ids:
            taken.append(bytes(2**26))
        return super()._train([_diverging(job) if job.id == DIVERGES else job for job in jobs])


def _diverging(job: Job) -> Job:
    """The same job, but at a learning rate at which nothing stays finite. No genome may have this rate."""
    genes = job.genome.training
    wild = dataclasses.replace(genes)
    object.__setattr__(wild, "learning_rate", 1e30)
    genome = dataclasses.replace(job.genome)
    object.__setattr__(genome, "training", wild)
    return dataclasses.replace(job, candidate=dataclasses.replace(job.candidate, genome=genome))
