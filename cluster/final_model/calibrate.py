"""Calibrating a model that was trained for good, on samples that its networks, or others like them, never saw.

Axes: `F` folds, `R` networks of a fold, `N` samples, `C` outputs.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from haemsa.cluster.final_model.recipe import final_seed, protocol
from haemsa.cluster.final_model.trainer import Trainer
from haemsa.model.data.dataset import Dataset
from haemsa.model.data.folds import grouped

if TYPE_CHECKING:
    from haemsa.model.predictor.predictor import Predictor

FOLDS: Final = 5
Predicted = dict[str, tuple[Any, Any]]
"""Mean and spread of networks [N, C] by task."""


def calibrated(predictor: Predictor, trainer: Trainer, seeds: int) -> Predictor:
    """The model with intervals and temperatures, and with a line in its info that says how they were found.

    The validation split serves where the model was not trained on it, which costs nothing. Else networks of the same
    genomes are trained on five folds: ten for one genome (two seeds, for their spread), five for each of an ensemble.
    The mean of fewer networks on fewer samples errs a little more, so intervals are rather too wide, and probabilities
    too even.
    """
    from haemsa.model.predictor.calibration import fit

    folds, _ = protocol(trainer.recipe.validation, trainer.samples, whole=trainer.recipe.whole)
    if all(task.kind == "multilabel" for task in trainer.samples.tasks.values()):
        return predictor  # there is nothing to calibrate
    if folds.kind == "holdout":
        samples, line = trainer.dataset.part("valid"), "calibrated on the validation split"
        found = _predicted(predictor, samples)
    else:
        try:
            samples, (found, networks) = trainer.samples, out_of_fold(trainer, seeds)
        except ValueError as error:  # too few groups or labels for folds, or a network diverges
            return replace(predictor, info={**predictor.info, "calibration": f"not calibrated: {error}"})
        line = f"calibrated by cross-validation over training and validation samples ({networks} more networks)"
    each = {name: fit(task, *found[name]) for name, task in samples.tasks.items()}
    calibration = {name: item for name, item in each.items() if item is not None}
    return replace(predictor, calibration=calibration, info={**predictor.info, "calibration": line})


def _predicted(predictor: Predictor, samples: Dataset) -> Predicted:
    from haemsa.model.predictor.calibration import spread_of

    outputs = predictor.predict_members(predictor.inputs(samples))
    return {name: (predictor.mean(values), spread_of(values)) for name, values in outputs.items()}


def out_of_fold(trainer: Trainer, seeds: int) -> tuple[Predicted, int]:
    """Each sample as predicted by the networks of the fold that holds it out; and how many networks there are."""
    import torch

    from haemsa.model.predictor.calibration import spread_of
    from haemsa.model.predictor.predictor import probabilities

    recipe, samples = trainer.recipe, trainer.samples
    folds = grouped(samples, min(FOLDS, len(np.unique(samples.groups))), recipe.seed)
    count = 1 if len(recipe.members) > 1 else min(seeds, 2)
    rows = trainer.train(folds, [final_seed(recipe.seed, seeds + k) for k in range(count)])
    fold, shares = folds.held_out.argmax(axis=0), [share for _ in range(count) for _, share in recipe.members]
    found = {}
    for name, task in trainer.pool.schema.tasks.items():
        each = np.stack([probabilities(task, torch.from_numpy(row.outputs[name])).numpy() for row in rows])
        by_fold = each.reshape(len(folds), -1, *each.shape[1:])  # [F, R, N, C]
        own = by_fold[fold, :, np.arange(len(samples))].swapaxes(0, 1)  # [R, N, C]
        found[name] = np.average(own, axis=0, weights=shares), spread_of(own)
    return found, len(rows)
