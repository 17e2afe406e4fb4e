"""Calibrating a model that was trained for good, on samples that its networks, or networks like them, never saw.

Axes: `R` networks of a fold, `N` samples, `C` outputs.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from haemsa.cluster.final_model.networks import FinalNetwork, Networks
from haemsa.cluster.final_model.trainer import Trainer
from haemsa.cluster.run_directory.plain_models import PlainModels
from haemsa.model.data.dataset import Dataset
from haemsa.model.metrics import direction, main_metric
from haemsa.model.predictor.own_features import OwnFeatures

if TYPE_CHECKING:
    from haemsa.model.predictor.predictor import Predictor

Predicted = dict[str, tuple[Any, Any]]
"""Mean and spread of networks [N, C] by task."""


def calibrated(
    predictor: Predictor, trainer: Trainer, networks: Networks, unseen: Sequence[FinalNetwork | None]
) -> Predictor:
    """The model with intervals and temperatures. Its info says how they were found, and how well held-out samples do.

    A model that was not trained on the validation split is calibrated on that split. Otherwise the networks that left
    out a fold predict it. They are fewer and have fewer samples, so they err a little more: the intervals become rather
    too wide, and the probabilities too even. The same predictions give the scores in `held_out`, by which models are
    compared before the test split is read.

    Args:
        predictor: the trained model.
        trainer: its recipe, with the data.
        networks: all its networks.
        unseen: those that left out a fold, trained. None stands for one that diverged.
    """
    from haemsa.model.predictor.calibration import fit
    from haemsa.model.predictor.scores import member_metrics

    trained = [network for network in unseen if network is not None]
    lost = len(unseen) - len(trained)
    problem = networks.problem or (lost and f"{lost} of {len(unseen)} networks diverged in training")
    if problem:
        return replace(predictor, info={**predictor.info, "calibration": f"not calibrated: {problem}"})
    if networks.folds.kind == "holdout":
        samples, where = trainer.dataset.part("valid"), "on the validation split"
        predicted = _predicted(predictor, samples)
    elif trained:
        samples, where = trainer.samples, "by cross-validation over training and validation samples"
        predicted = out_of_fold(trainer, networks, trained)
    else:
        return predictor
    means = {name: mean.astype(np.float32) for name, (mean, _) in predicted.items()}
    metrics = member_metrics(samples, means)
    facts = {"measured": where, "metrics": metrics, "plain": _plain_models(trainer, networks, metrics)}
    info = {**predictor.info, "held_out": facts}
    fitted = {name: fit(task, *predicted[name]) for name, task in samples.tasks.items()}
    calibration = {name: one for name, one in fitted.items() if one is not None}
    if calibration:  # labels that are independent of each other have none
        info["calibration"] = f"calibrated {where}" + (f" ({len(trained)} more networks)" if trained else "")
    return replace(predictor, calibration=calibration, info=info)


def _plain_models(trainer: Trainer, networks: Networks, metrics: Mapping[str, float]) -> dict[str, Any] | None:
    """Plain models on the same samples, by the metric that counts most. None if that is undefined for the labels."""
    metric, folds = main_metric(trainer.samples.tasks), sorted({row.fold for row in networks.unseen}) or [0]
    own, held_out = metrics.get(metric, math.nan), networks.folds.held_out[folds]
    if not math.isfinite(own):
        return None
    way, seed = direction(metric), trainer.recipe.seed
    return asdict(PlainModels.beside(own, metric, way, trainer.samples, held_out, seed, together=True))


def _predicted(predictor: Predictor, samples: Dataset) -> Predicted:
    from haemsa.model.predictor.calibration import spread_of

    outputs = predictor.predict_members(predictor.inputs(OwnFeatures.of_model(predictor.info).of(samples)))
    return {name: (predictor.mean(values), spread_of(values)) for name, values in outputs.items()}


def out_of_fold(trainer: Trainer, networks: Networks, unseen: Sequence[FinalNetwork]) -> Predicted:
    """Each sample as the networks predict it that did not train on it."""
    import torch

    from haemsa.model.predictor.calibration import spread_of
    from haemsa.model.predictor.joined import probabilities
    from haemsa.model.schema import Schema

    own = np.array([row.fold for row in networks.unseen])
    held_out = networks.folds.held_out[np.unique(own)]
    fold, each = held_out.argmax(axis=0), len(unseen) // len(held_out)
    shares = [share for _, share in trainer.recipe.members] * (each // len(trainer.recipe.members))
    predicted = {}
    for name, task in Schema.of(trainer.samples).tasks.items():
        every = np.stack([probabilities(task, torch.from_numpy(np.array(one.outputs[name]))).numpy() for one in unseen])
        by_fold = every.reshape(len(held_out), each, *every.shape[1:])  # [F, R, N, C]
        left_out = by_fold[fold, :, np.arange(len(fold))].swapaxes(0, 1)  # [R, N, C]
        predicted[name] = np.average(left_out, axis=0, weights=shares), spread_of(left_out)
    return predicted
