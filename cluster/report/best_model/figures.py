"""Pictures of a search's best network at work, on samples that it held out; they need the search's data."""

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


def best_figures(seen: ObservedModel, others: Mapping[str, ObservedModel]) -> Iterator[tuple[Figure, str]]:
    """Pictures, each with its caption. `others`: by name, the best of ablated searches, whose maps come beside."""
    from haemsa.cluster.report.best_model.heat import missing_figure, usage_figure

    for task in seen.predictor.tasks:
        yield _prediction_figure(seen, task), _prediction_caption(seen, task)
    for task in seen.predictor.tasks:
        words = f"How much the network uses of each token and each expert, by {task}: mean weights of its gates."
        yield usage_figure(usage_of(seen, task)), words
    table = missing_table(seen)
    if len(table) > 1:
        words = "What is left when only some modalities are shown: the stronger, the better in its column."
        yield missing_figure(table), words
    yield from _maps(seen, others)


def look(run: Path, data: Dataset) -> ObservedModel:
    """The best of a search at work. Raises ValueError if none is saved, or if it was trained on other data."""
    with RunDirectory.open(run, read_only=True) as directory:
        return ObservedModel.of(directory.best, directory.config(), data)


def ablations(folder: Path | None, data: Dataset) -> dict[str, ObservedModel]:
    """By name, the best of the searches of `haemsa ablate` in a folder; those on other data are left out."""
    found = {}
    for path in sorted(folder.iterdir()) if folder is not None and folder.is_dir() else ():
        with suppress(ValueError):
            found[path.name] = look(path, data)
    return found


def _maps(seen: ObservedModel, others: Mapping[str, ObservedModel]) -> Iterator[tuple[Figure, str]]:
    from haemsa.cluster.report.best_model.feature_map import feature_map_figure

    task = next(iter(seen.predictor.tasks))
    titles = {"best": seen, **{name.replace("_", " "): other for name, other in others.items()}}
    able = {title: item for title, item in titles.items() if task in item.predictor.tasks}
    maps = [found for title, item in able.items() if (found := feature_map(item, task, title)) is not None]
    if maps:
        beside = ", beside those of searches without one idea" if len(maps) > 1 else ""
        words = f"What its last layer reads, as a map (t-SNE): held-out samples by {task}{beside}."
        yield feature_map_figure(maps, task), words


def _prediction_figure(seen: ObservedModel, task: str) -> Figure:
    from haemsa.cluster.report.figures.predictions import class_figure, label_figure, value_figure

    known, given = seen.held.data.tasks[task], seen.outputs[task]
    if known.kind == "classes":
        return class_figure(known.targets, given, known.labels)
    if known.kind == "multilabel":
        return label_figure(known.targets, given)
    return value_figure(known.targets, given[:, 0], task)


def _prediction_caption(seen: ObservedModel, task: str) -> str:
    kind = seen.held.data.tasks[task].kind
    if kind == "regression":
        return f"Predicted against true {task}: held-out samples, and the median of what is predicted for them."
    taken = "which classes are taken for which (shares of each true one), and " if kind == "classes" else ""
    return f"Held-out samples by {task}: {taken}how often what is predicted comes true."
