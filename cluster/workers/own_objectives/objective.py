"""A function that scores a genome, and what it is given: predictions and labels of held-out samples, by task.

Axes: `n` held-out samples of a replicate, in the same order for predictions and labels; `C` classes or labels.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from haemsa.cluster.workers.limits import is_out_of_memory
from haemsa.cluster.workers.own_objectives.shipping import from_bytes, importable, to_bytes
from haemsa.evo.candidate import Failure, FailureKind
from haemsa.evo.objectives import Direction
from haemsa.model.bounds import within
from haemsa.model.data.task import Task
from haemsa.model.errors import error_line
from haemsa.model.spec.genome import Genome

Values = dict[str, NDArray[np.float32]]
"""Arrays by the name of the task."""
OwnFunction = Callable[[Values, Values, Genome], float]
"""`cost(predictions, labels, genome)`: a finite number. See `predictions_of` and `labels_of`."""
OwnFunctions = Mapping[str, tuple[OwnFunction, Direction]]
"""Functions that are given from Python, by the name of the objective, each with "min" or "max"."""


class OwnObjectiveError(Exception):
    """A function of one's own has no value for a genome. `failure`: what is recorded of the genome."""

    def __init__(self, objective: str, failure: Failure) -> None:
        super().__init__(failure.message)
        self.objective, self.failure = objective, failure


@dataclass(frozen=True)
class OwnObjective:
    """A function of one's own as an objective.

    `reference`: how the settings name it, with its direction. `folder`: where the function may import modules from.
    `digest`: of its code ("": the code cannot be read).
    """

    name: str
    direction: Direction
    function: OwnFunction
    reference: str
    folder: str
    digest: str = ""

    def value(self, predictions: Values, labels: Values, genome: Genome) -> float:
        """The value of a genome.

        Raises:
            OwnObjectiveError: The function raises, or gives something else than a finite number.
        """
        try:
            with importable(self.folder):
                given = self.function(_copied(predictions), _copied(labels), genome)
        except (Exception, SystemExit) as error:
            kind: FailureKind = "memory" if is_out_of_memory(error) else "error"
            raise OwnObjectiveError(self.name, Failure(kind, f"objective {self.name}: {error_line(error)}")) from None
        number = _number(given)
        if not math.isfinite(number):
            said = repr(given)[:80]
            message = f"objective {self.name} gave {said} (a {type(given).__name__}), expected a finite number"
            raise OwnObjectiveError(self.name, Failure("nan", message))
        return number

    def __reduce__(self) -> tuple[Any, ...]:
        """Send the function by value, because its module may be on this machine only."""
        return _received, (self.name, self.direction, to_bytes(self.function), self.reference, self.folder, self.digest)

    def check_sendable(self) -> None:
        """Raise ValueError if the function cannot be sent to another process."""
        try:
            to_bytes(self.function)
        except Exception as error:
            raise ValueError(
                f"objective {self.name} cannot be sent to workers: {error_line(error)}; expected a function whose "
                "module holds no open files, locks or connections, or --backend inline"
            ) from None


def _received(name: str, direction: Direction, function: bytes, *rest: str) -> OwnObjective:
    return OwnObjective(name, direction, from_bytes(function), *rest)


def predictions_of(task: Task, outputs: NDArray[np.float32]) -> NDArray[np.float32]:
    """The predictions of a task, from what networks give [n, C].

    Returns:
        Regression: values [n] within the bounds of the task. Classes: the probability of each class [n, C]. Multilabel:
        the probability of each label [n, C].
    """
    from scipy.special import expit, softmax

    if task.kind == "regression":
        return np.asarray(within(outputs[:, 0], task.bounds), dtype=np.float32)
    return np.asarray(softmax(outputs, axis=1) if task.kind == "classes" else expit(outputs), dtype=np.float32)


def labels_of(task: Task) -> NDArray[np.float32]:
    """The labels of a task, NaN where one is missing.

    Returns:
        Regression: values [n]. Classes: the number of the class [n], from 0. Multilabel: 0 or 1 [n, C].
    """
    labels = np.asarray(task.targets, dtype=np.float32)
    return np.where(labels < 0, np.float32(np.nan), labels) if task.kind == "classes" else labels


def _copied(values: Values) -> Values:
    """Copies, so that a function may change what it gets."""
    return {name: array.copy() for name, array in values.items()}


def _number(given: object) -> float:
    """The number that a function gave. NaN for anything else."""
    if isinstance(given, (str, bytes)):
        return math.nan
    try:
        return float(given)  # type: ignore[arg-type]
    except (TypeError, ValueError):
        return math.nan
