"""Genomes of any space, as driver, journal and workers need them: a value with its key and its JSON text."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar, Generic

import numpy as np

from haemsa.cluster.workers.evaluator import JobBatch, TrainCohort
from haemsa.cluster.workers.job import Result
from haemsa.cluster.workers.limits import is_out_of_memory
from haemsa.evo.candidate import Failure, G, Outcome, Score
from haemsa.evo.space import Space
from haemsa.model.errors import error_line
from haemsa.model.spec.training import TrainingGenes

Evaluate = Callable[[G], Outcome]
"""Gives the scores of a genome, a number or a `Score` by name, or a `Failure`. If it raises, that is a failure too."""


@dataclass(frozen=True)
class Coded(Generic[G]):
    """A genome with its key and its JSON text. Time limits count epochs: an evaluation counts as one."""

    value: G
    key: str
    text: str
    training: ClassVar[TrainingGenes] = TrainingGenes(epochs=1)

    def to_json(self) -> str:
        """The genome as JSON."""
        return self.text


class CodedSpace(Generic[G]):
    """A space of coded genomes. `encode` makes a JSON value of a genome, and `decode` a genome of that value."""

    def __init__(self, space: Space[G], encode: Callable[[G], Any], decode: Callable[[Any], G]) -> None:
        self._space, self._encode, self._decode = space, encode, decode

    def sample(self, rng: np.random.Generator) -> Coded[G]:
        """See `Space`."""
        return self._coded(self._space.sample(rng))

    def mutate(self, genome: Coded[G], rng: np.random.Generator) -> Coded[G]:
        """See `Space`."""
        return self._coded(self._space.mutate(genome.value, rng))

    def crossover(self, a: Coded[G], b: Coded[G], rng: np.random.Generator) -> tuple[Coded[G], Coded[G]]:
        """See `Space`."""
        first, second = self._space.crossover(a.value, b.value, rng)
        return self._coded(first), self._coded(second)

    def key(self, genome: Coded[G]) -> str:
        """See `Space`."""
        return genome.key

    def from_json(self, text: str) -> Coded[G]:
        """Read a coded genome's text."""
        return self._coded(self._decode(json.loads(text)))

    def check(self, rng: np.random.Generator) -> None:
        """Raise ValueError if a genome does not come back from its JSON as it was."""
        genome = self.sample(rng)
        if self.from_json(genome.text).key != genome.key:
            raise ValueError(
                f"genome {genome.value!r} comes back from its JSON as another, expected `encode` and `decode` that fit"
            )

    def _coded(self, genome: G) -> Coded[G]:
        try:
            text = json.dumps(self._encode(genome), allow_nan=False)
        except (TypeError, ValueError):
            raise ValueError(
                f"genome {genome!r} cannot be written as JSON, expected finite numbers, text and tuples of them, or "
                "`encode` and `decode`"
            ) from None
        return Coded(genome, self._space.key(genome), text)


def as_it_is(genome: Any) -> Any:
    """The genome itself: JSON writes numbers, text, and tuples of them."""
    return genome


def tuples(value: Any) -> Any:
    """A JSON value with tuples in place of lists, because genomes are immutable.

    Example:
        >>> tuples([1, [2, "a"]])
        (1, (2, 'a'))
    """
    return tuple(map(tuples, value)) if isinstance(value, list) else value


def one_by_one(evaluate: Evaluate[G]) -> TrainCohort:
    """What a worker does with a cohort of coded genomes."""

    def train(cohort: JobBatch) -> list[Result]:
        results = []
        for job in cohort:
            start, genome = time.perf_counter(), job.genome
            assert isinstance(genome, Coded)
            outcome = _outcome(evaluate, genome.value)
            results.append(Result(job.id, outcome, seconds=time.perf_counter() - start))
        return results

    return train


def _outcome(evaluate: Evaluate[G], genome: G) -> dict[str, Score] | Failure:
    """What an evaluation gives. An error in it gets no further: it is a failure."""
    try:
        outcome = evaluate(genome)
        if isinstance(outcome, Failure):
            return outcome
        return {name: value if isinstance(value, Score) else Score(float(value)) for name, value in outcome.items()}
    except Exception as error:
        return Failure("memory" if is_out_of_memory(error) else "error", error_line(error))
