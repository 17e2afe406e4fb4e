"""Pictures of a search's best network at work, on samples that it held out. They need the search's data."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from haemsa.cluster.report.best_model.feature_map import feature_map
from haemsa.cluster.report.best_model.held_out import ObservedModel
from haemsa.cluster.report.best_model.missing import missing_table
from haemsa.cluster.report.best_model.usage import usage_of
from haemsa.cluster.run_directory.run_directory import RunDirectory
from haemsa.model.data.dataset import Dataset

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def observe_best(run: Path, data: Dataset) -> ObservedModel:
    """The best network of the search in `run`, at work on `data`.

    Raises:
        ValueError: no best network is saved, or it was trained on other data.
    """
    with RunDirectory.open(run, read_only=True) as directory:
        return ObservedModel.of(directory.best, directory.config(), data)


def ablations(folder: Path | None, data: Dataset) -> dict[str, ObservedModel]:
    """By name, the best of each search of `haemsa ablate` in `folder`. Searches on other data are left out."""
    observed = {}
    for path in sorted(folder.iterdir()) if folder is not None and folder.is_dir() else ():
        with suppress(ValueError):
            observed[path.name] = observe_best(path, data)
    return observed


def best_figures(observed: ObservedModel, others: Mapping[str, ObservedModel]) -> Iterator[tuple[Figure, str]]:
    """Pictures with their captions. `others`: by name, the best of ablated searches; their maps are shown too."""
    from haemsa.cluster.report.best_model.heat import missing_figure, usage_figure

    for task in observed.predictor.tasks:
        yield _prediction_figure(observed, task), _prediction_caption(observed, task)
    for task in observed.predictor.tasks:
        caption = f"How much the network uses each token and each expert, by {task}: the mean weights of its gates."
        yield usage_figure(usage_of(observed, task)), caption
    table = missing_table(observed)
    if len(table) > 1:
        caption = "Scores when only some modalities are shown. The stronger the colour, the better within its column."
        yield missing_figure(table), caption
    yield from _maps(observed, others)


def _prediction_figure(observed: ObservedModel, task: str) -> Figure:
    from haemsa.cluster.report.best_model.predictions import class_figure, label_figure, value_figure

    labels, outputs = observed.held.data.tasks[task], observed.outputs[task]
    if labels.kind == "classes":
        return class_figure(labels.targets, outputs, labels.labels)
    if labels.kind == "multilabel":
        return label_figure(labels.targets, outputs)
    return value_figure(labels.targets, outputs[:, 0], task)


def _prediction_caption(observed: ObservedModel, task: str) -> str:
    kind = observed.held.data.tasks[task].kind
    if kind == "regression":
        return f"Predicted against true {task}: held-out samples, and the median prediction for them."
    reliability = "how often predictions come true, by their probability"
    if kind == "multilabel":
        return f"Held-out samples by {task}: {reliability}."
    confusion = "which classes are mistaken for which, in shares of each true class"
    return f"Held-out samples by {task}. Left: {confusion}. Right: {reliability}."


def _maps(observed: ObservedModel, others: Mapping[str, ObservedModel]) -> Iterator[tuple[Figure, str]]:
    from haemsa.cluster.report.best_model.feature_map import feature_map_figure

    task = next(iter(observed.predictor.tasks))
    models = {"best": observed, **{name.replace("_", " "): other for name, other in others.items()}}
    models = {title: model for title, model in models.items() if task in model.predictor.tasks}
    maps = [drawn for title, model in models.items() if (drawn := feature_map(model, task, title)) is not None]
    if maps:
        more = ", next to those of searches without one idea" if len(maps) > 1 else ""
        caption = f"What its last layer reads, as a map (t-SNE): held-out samples by {task}{more}."
        yield feature_map_figure(maps, task), caption
