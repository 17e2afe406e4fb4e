"""Whether an exported file answers as its model does, on samples that are made up. Axes: `N`, `T`, `D` as elsewhere."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from haemsa.model.predictor.answers import answer
from haemsa.model.predictor.export.plain_network import LENGTHS
from haemsa.model.predictor.predictor import Predictor

TOLERANCE: Final = 1e-5
"""How far answers may differ, relative to the largest answer of a task if that is above 1."""
_FORMS: Final = ((1, 0, 0.0, 0), (12, 0, 0.3, 2), (5, 3, 0.3, 2), (3, 0, 1.0, 2), (4, -99, 0.0, 2))
"""Of made samples: how many, steps more than the model knows, the share that is absent, deviations from the mean."""
Arrays = Mapping[str, NDArray[Any]]
Runner = Callable[[Arrays], Arrays]
"""Runs an exported file: answers by the names of outputs, from arrays by the names of inputs."""


def difference(predictor: Predictor, modalities: tuple[str, ...], run: Runner) -> float:
    """How far the answers of an exported file are from the model's, at most.

    Args:
        predictor: The model.
        modalities: Those that the file reads.
        run: Runs the file.

    Returns:
        The largest difference. A difference of a task whose answers are above 1 is divided by the largest of them.
    """
    worst = 0.0
    for samples in made_samples(predictor, modalities):
        found, expected = run(samples), answers(predictor, samples)
        for name, values in expected.items():
            if found[name].shape != values.shape or not np.isfinite(found[name]).all():
                return np.inf
            distance = np.abs(found[name].astype(np.float64) - values).max(initial=0)
            worst = max(worst, float(distance / max(1.0, np.abs(values).max(initial=0))))
    return worst


def made_samples(predictor: Predictor, modalities: tuple[str, ...]) -> Iterator[dict[str, NDArray[Any]]]:
    """Inputs of every form that can be had: one sample and many, short and long sequences, modalities absent.

    The first are the means of all features, the others lie around them, with some cells that are no numbers.
    """
    rng = np.random.default_rng(0)
    for count, longer, absent, spread in _FORMS:
        inputs: dict[str, NDArray[Any]] = {}
        for name in modalities:
            steps, width = predictor.modalities[name]
            given = max(1, steps + longer)
            scale = predictor.normalisation.scale[name]
            deviation = np.where(np.isfinite(scale), scale, 1) * spread
            raw = predictor.normalisation.mean[name] + rng.normal(size=(count, given, width)) * deviation
            raw[rng.random(raw.shape) < 0.05 * (spread > 0)] = np.nan
            raw[3:4] = np.nan  # a sample of no numbers at all
            inputs[name] = raw.astype(np.float32)
            inputs[name + LENGTHS] = rng.integers(1, given + 1, count) * (rng.random(count) >= absent)
        yield inputs


def answers(predictor: Predictor, samples: Arrays) -> dict[str, NDArray[Any]]:
    """What the model itself answers, by the names of the outputs of an exported file."""
    names = [name for name in samples if name + LENGTHS in samples]
    members = predictor.predict_members({name: (samples[name], samples[name + LENGTHS]) for name in names})
    found: dict[str, NDArray[Any]] = {}
    for task, outputs in members.items():
        regression = predictor.tasks[task].kind == "regression"
        found |= answer(predictor, task, outputs) if regression else {task: predictor.prediction(task, outputs)}
    return found
