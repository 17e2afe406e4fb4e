"""The statistics of a fold are baked into a network's weights, so that it needs none to predict."""

from __future__ import annotations

from torch import Tensor

from haemsa.model.network.batch import FeatureStatistics, Moments
from haemsa.model.network.cohort import CohortRow
from haemsa.model.network.weights import Weights
from haemsa.model.training.fold_statistics import FoldStatistics


def bake(row: CohortRow, weights: Weights, statistics: FoldStatistics) -> Weights:
    """The weights of the same network, for normalised features and answers in the units of the labels.

    Args:
        row: The row that was trained, with its genome and fold.
        weights: Its weights, for features and targets that the statistics standardise.
        statistics: The statistics of its folds.
    """
    baked = {name: values.cpu() for name, values in weights.items()}
    for encoder in row.genome.network.encoders:
        moments = statistics.features.steps if encoder.kind == "convolution" else statistics.features.pooled
        mean, scale = _of_fold(moments[encoder.modality], row.fold)
        path = f"encoders.{encoder.modality}"
        for name in (f"{path}.weight", f"{path}.query"):
            if name in baked:
                baked[name] = (baked[name].double() * scale).float()
        shift = baked[f"{path}.weight"].double() @ mean
        baked[f"{path}.bias"] = (baked[f"{path}.bias"].double() - shift).float()
    _bake_readers(baked, row, statistics.features)
    for task, (means, deviations) in statistics.targets.items():
        mean, deviation = means[row.fold].cpu(), deviations[row.fold].cpu()
        baked[f"heads.{task}.weight"] = (baked[f"heads.{task}.weight"].double() * deviation).float()
        baked[f"heads.{task}.bias"] = (baked[f"heads.{task}.bias"].double() * deviation + mean).float()
    return baked


def _bake_readers(baked: Weights, row: CohortRow, statistics: FeatureStatistics) -> None:
    """Experts that read a modality again: bake its statistics into their keys and values, [D, H]."""
    for number, level in enumerate(row.genome.network.levels):
        for place, expert in enumerate(level.experts):
            for modality in expert.sees:
                key, value = (f"levels.{number}.experts.{place}.{part}.{modality}" for part in ("key", "value"))
                if key in baked:
                    mean, scale = _of_fold(statistics.steps[modality], row.fold)
                    for name in (key, value):
                        baked[name] = (baked[name].double() * scale.unsqueeze(1)).float()
                    shift = mean @ baked[value].double()
                    baked[f"{value}.bias"] = (baked[f"{value}.bias"].double() - shift).float()


def _of_fold(moments: Moments, fold: int) -> tuple[Tensor, Tensor]:
    """The mean and the inverse deviation of each feature in a fold, [D] each."""
    return moments.mean[fold].cpu(), moments.scale[fold].cpu()
