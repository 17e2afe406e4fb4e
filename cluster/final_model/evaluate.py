"""A saved model is scored, also with modalities missing."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from haemsa.cluster.config import Compute
from haemsa.cluster.final_model.references import score_beside
from haemsa.cluster.shared.progress import Progress, lasting
from haemsa.cluster.shared.steps import Tally
from haemsa.cluster.workers.cohort_trainer import check_device
from haemsa.cluster.workers.tasks.place import device_of
from haemsa.cluster.workers.tasks.tasks import tasks_on
from haemsa.model.data.dataset import Dataset
from haemsa.model.missing_modalities import RATES, random_presence, streams_of, subsets
from haemsa.model.predictor.own_features import OwnFeatures
from haemsa.model.predictor.scores import ScoreTable, score

if TYPE_CHECKING:
    from haemsa.model.predictor.predictor import Predictor


@dataclass(frozen=True)
class Evaluation:
    """The scores of a model on samples.

    table: the metrics `{name: {metric: {"mean", "std", "values"}}}`. The name "model" stands for what `haemsa predict`
    writes, the mean of the networks; "each seed" for the seeds one by one. Where all modalities are shown, metrics of
    the model also have a 95 % "interval" over the samples, and "linear model" and "constant" stand for what the model
    must beat.
    reliability: how far a calibrated model can be trusted. `coverage` is the share of labels within the 90 % intervals,
    `ece` the expected calibration error of the probabilities. With several tasks a key names its task: "mood/ece".
    unread: modalities that are shown, but that no network of the model reads.
    """

    table: ScoreTable
    reliability: Mapping[str, float]
    unread: tuple[str, ...] = ()


def evaluate_model(
    predictor: Predictor,
    dataset: Dataset,
    split: str = "test",
    *,
    missing: bool = False,
    compute: Compute | None = None,
    progress: Progress | None = None,
) -> dict[str, Evaluation]:
    """Score a model on a split, also with modalities missing.

    Args:
        predictor: the model, as `load_model` gives it.
        dataset: the data, as `load_for` gives it.
        split: train, valid or test.
        missing: also score every subset of the modalities, and modalities hidden at random at each rate of `RATES`.
        compute: where the model predicts (None: in this process).
        progress: shows how far it is (None: nothing is shown).

    Returns:
        By what is shown: "text+audio" (all modalities) comes first. With `missing` come the subsets, such as "text",
        and then the rates, such as "30% missing". The random choice is the same for every model.

    Raises:
        ValueError: the data has no such split, or no labels for a task of the model.

    Example:
        >>> model = load_model("models/planted")  # doctest: +SKIP
        >>> evaluations = evaluate_model(model, load_for(model, "planted"), missing=True)  # doctest: +SKIP
        >>> evaluations["text"].table["model"]["sentiment/mae"]["mean"]  # doctest: +SKIP
    """
    samples = dataset.take(dataset.split(split))
    unlabelled = sorted(set(predictor.tasks) - set(samples.tasks))
    if unlabelled:
        raise ValueError(
            f"data {dataset.name!r} has no labels for {', '.join(unlabelled)}, it has {', '.join(samples.tasks)}"
        )
    samples = OwnFeatures.of_model(predictor.info).of(samples)
    streams = streams_of([name for name in predictor.modalities if name in samples.modalities])
    names = list(streams)
    present = np.stack([samples.presence_of(streams[name]) for name in names], axis=1)  # [N, modalities]
    shown = {"+".join(names): present}
    if missing:
        shown |= {"+".join(subset): present & np.isin(names, subset) for subset in subsets(names)}
        shown |= {f"{rate:.0%} missing": random_presence(samples.ids, names, present, rate) for rate in RATES}
    every_stream = [stream for name in names for stream in streams[name]]
    owner = [place for place, name in enumerate(names) for _ in streams[name]]
    read = {stream for genome, _ in predictor.members for stream in genome.network.modalities}
    place = Compute(backend="inline").changed_by(compute)
    data = _Model(predictor, samples, tuple(every_stream), device_of(place))
    evaluations, show = dict[str, Evaluation](), lasting(progress)
    tally = Tally(show, "scores", len(shown))
    with tasks_on(place, _predicting, data, show, len(shown), name=samples.name) as tasks:
        made = tasks.run([visible[:, owner] for visible in shown.values()], in_order=True, waiting=tally.show)
        for (words, visible), (number, outputs) in zip(shown.items(), made, strict=True):
            part, whole = samples.hiding(every_stream, visible[:, owner]), number == 0
            table = score_beside(predictor, dataset, split, outputs) if whole else score(predictor, part, outputs)
            unread = tuple(name for name in words.split("+") if name in streams and not read & set(streams[name]))
            evaluations[words] = Evaluation(table, _reliability(predictor, part, outputs), unread)
            if len(shown) > 1:  # a single one needs no bar
                tally.add()
    return evaluations


@dataclass(frozen=True)
class _Model:
    """What a worker gets: the model, the samples, and the modalities that may be hidden."""

    predictor: Predictor
    pool: Dataset
    streams: tuple[str, ...]
    device: str


def _predicting(data: _Model) -> Callable[[NDArray[np.bool_]], Mapping[str, Any]]:
    """Predicts the samples with only the modalities that are visible [N, streams], by each network of the model."""

    check_device(data.device)

    def predicted(visible: NDArray[np.bool_]) -> Mapping[str, Any]:
        seen = data.pool.hiding(list(data.streams), visible)
        return data.predictor.predict_members(data.predictor.inputs(seen), device=data.device)

    return predicted


def _reliability(predictor: Predictor, samples: Dataset, outputs: Mapping[str, Any]) -> dict[str, float]:
    from haemsa.model.predictor.calibration import reliability, spread_of

    reliabilities = dict[str, float]()
    for name, calibration in predictor.calibration.items():
        values, prefix = outputs[name], "" if len(predictor.tasks) == 1 else f"{name}/"
        measured = reliability(samples.tasks[name], calibration, predictor.mean(values), spread_of(values))
        reliabilities |= {f"{prefix}{key}": value for key, value in measured.items()}
    return reliabilities
