"""Calibrating a model that was trained for good, on samples that its networks, or networks like them, never saw.

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
    """The model with intervals and temperatures. Its info says how they were found, and how well held-out samples do.

    If the model was not trained on the validation split, it is calibrated on that split, which costs nothing. Otherwise
    networks of the same genomes are trained on five folds: ten networks for a single genome (two seeds, for their
    spread), five for each genome of an ensemble. These networks are fewer and have fewer samples, so they err a little
    more: the intervals become rather too wide, and the probabilities too even. The same predictions give the scores in
    `held_out`, by which models are compared before the test split is read.

    Args:
        predictor: the trained model.
        trainer: its recipe, with the data.
        seeds: how often each genome was trained. The further networks get other seeds.
    """
    from haemsa.model.predictor.calibration import fit
    from haemsa.model.predictor.scores import member_metrics

    folds, _ = protocol(trainer.recipe.validation, trainer.samples, whole=trainer.recipe.whole)
    if folds.kind == "holdout":
        samples, predicted, networks = (
            trainer.dataset.part("valid"),
            _predicted(predictor, trainer.dataset.part("valid")),
            0,
        )
        where = "on the validation split"
    elif all(task.kind == "multilabel" for task in trainer.samples.tasks.values()):
        return predictor  # there is nothing to calibrate, so no more networks are trained
    else:
        try:
            samples, (predicted, networks) = trainer.samples, out_of_fold(trainer, seeds)
        except ValueError as error:  # too few groups or labels for folds, or a network diverges
            return replace(predictor, info={**predictor.info, "calibration": f"not calibrated: {error}"})
        where = "by cross-validation over training and validation samples"
    means = {name: mean.astype(np.float32) for name, (mean, _) in predicted.items()}
    info = {**predictor.info, "held_out": {"measured": where, "metrics": member_metrics(samples, means)}}
    fitted = {name: fit(task, *predicted[name]) for name, task in samples.tasks.items()}
    calibration = {name: one for name, one in fitted.items() if one is not None}
    if calibration:  # labels that are independent of each other have none
        info["calibration"] = f"calibrated {where}" + (f" ({networks} more networks)" if networks else "")
    return replace(predictor, calibration=calibration, info=info)


def _predicted(predictor: Predictor, samples: Dataset) -> Predicted:
    from haemsa.model.predictor.calibration import spread_of

    outputs = predictor.predict_members(predictor.inputs(samples))
    return {name: (predictor.mean(values), spread_of(values)) for name, values in outputs.items()}


def out_of_fold(trainer: Trainer, seeds: int) -> tuple[Predicted, int]:
    """Each sample as the networks predict it that did not train on it; and how many networks there are.

    Raises:
        ValueError: there are too few groups or labels for folds, or a network diverges.
    """
    import torch

    from haemsa.model.predictor.calibration import spread_of
    from haemsa.model.predictor.joined import probabilities

    recipe, samples = trainer.recipe, trainer.samples
    folds = grouped(samples, min(FOLDS, len(np.unique(samples.groups))), recipe.seed)
    count = 1 if len(recipe.members) > 1 else min(seeds, 2)
    rows = trainer.train(folds, [final_seed(recipe.seed, seeds + k) for k in range(count)])
    fold, shares = folds.held_out.argmax(axis=0), [share for _ in range(count) for _, share in recipe.members]
    predicted = {}
    for name, task in trainer.pool.schema.tasks.items():
        every = np.stack([probabilities(task, torch.from_numpy(row.outputs[name])).numpy() for row in rows])
        by_fold = every.reshape(len(folds), -1, *every.shape[1:])  # [F, R, N, C]
        unseen = by_fold[fold, :, np.arange(len(samples))].swapaxes(0, 1)  # [R, N, C]
        predicted[name] = np.average(unseen, axis=0, weights=shares), spread_of(unseen)
    return predicted, len(rows)
